import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-group-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Connects to the socket of the test, and lives for as long as that lives. */
const MEMBER = `require('net').connect(process.argv[1]).on('connect', function () { this.write(String(process.pid)) })`;

it.each(['SIGKILL', 'SIGTERM', 'SIGINT'] as const)('a program and what it starts do not outlive us when we die of %s', async (signal) => {
  const path = join(folder, 'socket');
  const server = createServer().listen(path);
  await once(server, 'listening');
  const group = new URL('process-group.ts', import.meta.url).href;
  // A shell in between, which is the leader of the group; the member is its child.
  const member = ['sh', '-c', '"$0" -e "$1" "$2"; true', process.execPath, MEMBER, path];
  const script = `import(${JSON.stringify(group)}).then(({ ProcessGroup }) => new ProcessGroup(${JSON.stringify(member)}))`;
  const owner = spawn(process.execPath, ['--import', 'tsx', '-e', script], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [socket] = (await once(server, 'connection')) as [Socket];
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  expect(() => process.kill(Number(bytes.toString()), 0)).not.toThrow();
  const gone = once(socket, 'close');
  owner.kill(signal);
  await gone;
  server.close();
});
