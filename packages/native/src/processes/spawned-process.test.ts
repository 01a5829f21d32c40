import { spawnSync } from 'node:child_process';
import { closeSync, readSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openPipe } from '../sockets/pipe.ts';
import { spawnProcess } from './spawned-process.ts';

const sh = (script: string, stdout?: number): ReturnType<typeof spawnProcess> =>
  spawnProcess({ file: '/bin/sh', args: ['sh', '-c', script, 'sh', 'argument'], environment: { PATH: process.env.PATH, A: 'b c', B: undefined }, stdio: [undefined, stdout, undefined] });

it('tells how a process ended', async () => {
  await expect(sh('exit 0').end).resolves.toEqual({ status: 0, signal: undefined });
  await expect(sh('exit 77').end).resolves.toEqual({ status: 77, signal: undefined });
  await expect(sh('kill -SEGV $$').end).resolves.toEqual({ status: undefined, signal: 'SIGSEGV' });
  expect(process.listenerCount('SIGCHLD')).toBe(0);
});

it('gives it its arguments, its environment and its streams, and a group of its own', async () => {
  const [read, write] = openPipe();
  const spawned = sh('read line; echo "$1,$A,${B-none},$?,$(ps -o pgid= -p $$ | tr -d " ")"', write);
  closeSync(write);
  await expect(spawned.end).resolves.toMatchObject({ status: 0 });
  const text = Buffer.alloc(100);
  expect(text.toString('utf8', 0, readSync(read, text))).toBe(`argument,b c,none,1,${spawned.pid}\n`);
  closeSync(read);
});

it('has no signals ignored as node has', async () => {
  await expect(sh('kill -PIPE $$').end).resolves.toEqual({ status: undefined, signal: 'SIGPIPE' });
});

it('is heard of beside children of node, and each of many', async () => {
  const ends = Array.from({ length: 20 }, (_, i) => sh(`exit ${i}`).end);
  expect(spawnSync('/bin/sh', ['-c', 'exit 3']).status).toBe(3);
  expect((await Promise.all(ends)).map(({ status }) => status)).toEqual(Array.from({ length: 20 }, (_, i) => i));
});

it('that cannot be started says why', () => {
  const request = { args: ['x'], environment: {}, stdio: [undefined, undefined, undefined] } as const;
  expect(() => spawnProcess({ file: '/nonexistent', ...request })).toThrow('posix_spawn /nonexistent: no such file or directory (ENOENT)');
  expect(() => spawnProcess({ file: '/bin/sh', ...request, environment: { A: 'x'.repeat(2 ** 20) } })).toThrow('(E2BIG)');
});

it('is waited for by a program that has nothing else to wait for', () => {
  const program = `
    const { spawnProcess } = await import(${JSON.stringify(new URL('../../dist/index.js', import.meta.url).href)});
    const request = { file: '/bin/sh', environment: { PATH: process.env.PATH }, stdio: [undefined, undefined, undefined] };
    console.log((await spawnProcess({ ...request, args: ['sh', '-c', 'sleep 0.2; exit 7'] }).end).status);`;
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
  expect({ status, stdout }).toEqual({ status: 0, stdout: '7\n' });
});
