// What a process is started with has to be where it starts: in one of its own.
import { spawnSync } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const store = fileURLToPath(new URL('../dist/index.js', import.meta.url));
const PROGRAM = `
import { readdirSync, readlinkSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
const { DescriptorStore } = await import('${store}');
if (process.env.PID === 'own') process.env.LISTEN_PID = String(process.pid);
delete process.env.PID;
const { inherited } = DescriptorStore.ofEnvironment(process.env);
const seen = [...inherited].map(([name, fd]) => [name, fd, readlinkSync('/proc/self/fd/' + fd)]);
const of = (folder) => readdirSync(folder).flatMap((fd) => { try { return readlinkSync(folder + '/' + fd); } catch { return []; } });
const open = of('/proc/self/fd').filter((path) => ['/dev/null', '/dev/zero', '/dev/full'].includes(path) );
const child = spawnSync('sh', ['-c', 'ls -l /proc/$$/fd'], { encoding: 'utf8' }).stdout.split('\\n').filter((line) => /zero|full/.test(line));
console.log(JSON.stringify({ seen, open, child }));
`;

let fds: number[];
beforeAll(() => {
  fds = ['/dev/null', '/dev/zero', '/dev/full'].map((path) => openSync(path, 'r'));
});
afterAll(() => {
  for (const fd of fds) closeSync(fd);
});

function started(env: NodeJS.ProcessEnv): unknown {
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    stdio: ['ignore', 'pipe', 'pipe', ...fds],
    env: { ...process.env, NOTIFY_SOCKET: '@nobody', FDSTORE: '9', ...env },
    encoding: 'utf8',
  });
  expect(stderr).toBe('');
  return JSON.parse(stdout);
}

describe('inherited descriptors', () => {
  it.each([{ PID: 'own' }, {}])('%j: are there by name, the latest of each, and no child has them', (env) => {
    expect(started({ ...env, LISTEN_FDS: '3', LISTEN_FDNAMES: 'a:b:a' })).toEqual({
      seen: [['a', 3, '/dev/null'], ['b', 4, '/dev/zero']],
      // 0 is the first of them too.
      open: ['/dev/null', '/dev/null', '/dev/zero'],
      child: [],
    });
  });

  it('are another process\'s where LISTEN_PID says so', () => {
    expect(started({ LISTEN_PID: '1', LISTEN_FDS: '3', LISTEN_FDNAMES: 'a:b:a' })).toMatchObject({ seen: [], open: ['/dev/null', '/dev/null', '/dev/zero', '/dev/full'] });
  });
});
