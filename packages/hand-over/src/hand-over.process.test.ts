import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { plainProgram } from '../../../scripts/plain-program.ts';
import { GIVER_STEPS, TAKER_STEPS } from './messages.ts';

const HOLDER = plainProgram(new URL('../tests/holder.ts', import.meta.url));

let folder: string;
let children: ChildProcess[];
let client: Socket | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-hand-over-'));
  children = [];
});
afterEach(() => {
  client?.destroy();
  for (const child of children) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

interface Holder {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly over: Promise<unknown>;
  readonly said: () => string;
}

function start(role: string, place: string, dies = ''): Holder {
  const child = spawn(process.execPath, [HOLDER, role, join(folder, 'ask'), join(folder, place), dies], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  return { child, pid: child.pid ?? 0, over: once(child, 'exit'), said: () => said };
}

/** One that serves, and its client. */
async function serving(dies = ''): Promise<Holder> {
  const holder = start('give', 'serve', dies);
  await expect.poll(holder.said).toContain('ready');
  client = connect(join(folder, 'serve'));
  await once(client, 'connect');
  return holder;
}

/** Who answers, and how many have been answered; there is exactly one answer. */
async function ask(): Promise<{ pid: number; answered: number }> {
  client?.write('x');
  const [data] = (await once(client!, 'data')) as [Buffer];
  const [pid, answered, ...rest] = data.toString().trim().split(/\s/).map(Number);
  expect(rest).toEqual([]);
  return { pid: pid ?? 0, answered: answered ?? 0 };
}

describe('a hand-over', () => {
  it('goes from one process to the other, with what was not answered yet, and nobody else has it after', async () => {
    const holder = await serving();
    expect(await ask()).toEqual({ pid: holder.pid, answered: 1 });
    const next = start('take', 'call');
    await holder.over;
    expect(JSON.parse(holder.said().replace('ready\n', ''))).toEqual({ outcome: 'given', to: next.pid });
    expect(await ask()).toEqual({ pid: next.pid, answered: 2 });
    expect(readdirSync(folder)).not.toContain('call');
  });

  it('ends with the reason where the other side says no, and the first goes on', async () => {
    const holder = await serving();
    await start('refuse', 'call').over;
    await expect.poll(holder.said).toContain('{"outcome":"kept","reason":"no, thank you"}');
    expect(await ask()).toEqual({ pid: holder.pid, answered: 1 });
  });

  it('fails where no program listens, and names the socket', async () => {
    const taker = start('take', 'call');
    await taker.over;
    expect(taker.said()).toContain(`'${join(folder, 'ask')}' cannot be asked: connect ENOENT`);
  });

  it('is refused, with the reason, to a process that asks for something else', async () => {
    const holder = await serving();
    for (const [question, answer] of [
      ['GET / HTTP/1.0', 'this is where a vpmem program asks another'],
      ['{"protocol":2,"call":"/x"}', 'this program hands over by protocol 1, and 2 was asked for'],
      ['{"protocol":1}', 'names no socket'],
      ['x'.repeat(5000), 'this is where a vpmem program asks another'],
    ]) {
      const asking = connect(join(folder, 'ask'));
      asking.write(`${question}\n`);
      const [data] = (await once(asking, 'data')) as [Buffer];
      expect(data.toString()).toContain(answer);
      asking.destroy();
    }
    expect(await ask()).toEqual({ pid: holder.pid, answered: 1 });
  });

  // Until it has sent all, nobody but the first one has what it has: its end then is one as at any other time.
  it.each(GIVER_STEPS.slice(GIVER_STEPS.indexOf('sent')))('goes on in the second when the first is killed after "%s"', async (step) => {
    const holder = await serving(step);
    const taker = start('take', 'call');
    await holder.over;
    expect(await ask()).toEqual({ pid: taker.pid, answered: 1 });
    expect(await ask()).toEqual({ pid: taker.pid, answered: 2 });
  });

  it.each(GIVER_STEPS.slice(0, GIVER_STEPS.indexOf('sent')))('ends with the first when that is killed after "%s", and the second says so and serves nobody', async (step) => {
    const holder = await serving(step);
    const closed = once(client!.resume(), 'close');
    const taker = start('take', 'call');
    await holder.over;
    await closed;
    await taker.over;
    expect(taker.said()).toMatch(/closed the connection|did not call back|cannot be told/);
  });

  it.each(TAKER_STEPS.slice(0, TAKER_STEPS.indexOf('done')))('goes on in the first when the second is killed after "%s"', async (step) => {
    const holder = await serving();
    const taker = start('take', 'call', step);
    await taker.over;
    await expect.poll(holder.said).toContain('"kept"');
    expect(await ask()).toEqual({ pid: holder.pid, answered: 1 });
  });
});
