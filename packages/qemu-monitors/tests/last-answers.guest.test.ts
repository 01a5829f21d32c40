// A client of QMP that is slow, and a QEMU that ends meanwhile.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { requireTestbed } from '@vpmem/testbed';
import { describe, expect, it } from 'vitest';
import { RelayedQemu } from './relayed-qemu.ts';

const { testbed, reason } = await requireTestbed();

/** A QEMU that has ended, and a client that has told it to and has read nothing yet. */
async function ended(): Promise<{ readonly qemu: RelayedQemu; readonly client: Socket }> {
  const qemu = await RelayedQemu.start(testbed!, (folder) => ['-qmp', `unix:${folder}/qmp,server=on,wait=off`]);
  const client = connect(qemu.path('qmp')).pause();
  await once(client, 'connect');
  // The schema is more than a socket holds, so that what comes behind it waits.
  client.write('{"execute": "qmp_capabilities"} {"execute": "query-qmp-schema"} {"execute": "query-status"} {"execute": "quit"}');
  await qemu.ended;
  return { qemu, client };
}

describe.skipIf(testbed === undefined)(`what QEMU says last${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('is there for a client that reads only when QEMU has ended', async () => {
    const { qemu, client } = await ended();
    const stopped = qemu.stop();
    let said = '';
    client.on('data', (data) => (said += data.toString())).resume();
    await Promise.all([once(client, 'close'), stopped]);
    expect(said.length).toBeGreaterThan(220_000);
    const [schema = '', ...last] = said.trimEnd().split('\r\n').slice(2);
    expect(schema.endsWith('}')).toBe(true);
    expect(last.map((line) => JSON.parse(line) as unknown)).toEqual([
      { return: expect.objectContaining({ status: 'prelaunch' }) as unknown },
      expect.objectContaining({ event: 'SHUTDOWN' }),
      { return: {} },
    ]);
  });

  it('does not keep us where a client never reads', async () => {
    const { qemu, client } = await ended();
    await qemu.stop();
    client.destroy();
  });
});
