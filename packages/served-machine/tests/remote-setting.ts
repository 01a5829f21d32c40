import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { MakeSetting } from '../../machine/tests/power-setting.ts';
import { machineSetting } from './power-setting.ts';

/** What the process of `remote-guest.mjs` is asked to do; the answer to `load` has bytes in base64. */
interface Order {
  readonly action: 'store' | 'load' | 'fsync' | 'again';
  readonly offset?: number;
  readonly length?: number;
  readonly bytes?: string;
}

/** The guest reaches the device through its socket, from another process. */
export const remoteSetting: MakeSetting = async (tracker, besides) => {
  const { folder, ...setting } = await machineSetting(tracker, besides);
  const child = spawn(process.execPath, [fileURLToPath(new URL('remote-guest.mjs', import.meta.url)), join(folder, 'nv1.sock')], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  const ask = async (order: Order): Promise<Buffer> => {
    child.stdin.write(`${JSON.stringify(order)}\n`);
    const answer = (await answers.next()) as IteratorResult<string, undefined>;
    if (answer.done === true) throw new Error(`the guest's process ended when it was asked to ${order.action}`);
    return Buffer.from((JSON.parse(answer.value) as { bytes?: string }).bytes ?? '', 'base64');
  };
  const tell = async (order: Order): Promise<void> => {
    await ask(order);
  };
  const again = (): Promise<void> => tell({ action: 'again' });
  let closed = false;
  return {
    ...setting,
    folder,
    store: (offset, bytes) => tell({ action: 'store', offset, bytes: Buffer.from(bytes).toString('base64') }),
    fsync: () => tell({ action: 'fsync' }),
    load: (offset, length) => ask({ action: 'load', offset, length }),
    startAgain: again,
    reset: again,
    close: async () => {
      if (closed) return;
      closed = true;
      child.stdin.end();
      await exited;
      await setting.close();
    },
  };
};
