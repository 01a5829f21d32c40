import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { idleHandlers } from './idle-handlers.ts';
import type { QmpSession } from './qmp-session.ts';
import { RawConnection } from './raw-connection.ts';
import { serveQmp } from './serve-qmp.ts';

let folder: string;
let server: Server;
let session: QmpSession | undefined;
let overflowed: Promise<void>;
let begun: Promise<void>;
let finish: () => void;
/** The client has shut its side. */
let ended: Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'serve-qmp-'));
  const finished = new Promise<void>((resolve) => (finish = resolve));
  let begin = (): void => undefined;
  begun = new Promise((resolve) => (begin = resolve));
  let overflow = (): void => undefined;
  overflowed = new Promise((resolve) => (overflow = resolve));
  const handlers = idleHandlers({
    'object-add': async () => {
      begin();
      await finished;
      return {};
    },
  });
  let end = (): void => undefined;
  ended = new Promise((resolve) => (end = resolve));
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('end', () => end());
    session = serveQmp(socket, { version: { qemu: { major: 11, minor: 1, micro: 3 }, package: '' }, handlers, onOverflow: () => overflow() });
  });
  await new Promise<void>((resolve) => server.listen(join(folder, 'socket'), resolve));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

function open(): Socket {
  return connect({ path: join(folder, 'socket'), allowHalfOpen: true });
}

const SLOW = '{"execute": "object-add", "arguments": {"qom-type": "x", "id": "x"}, "id": 1}';

it('answers even what takes long, after the client has shut its side', async () => {
  const client = new RawConnection(open());
  // Then the server goes on reading while a command runs.
  await client.open(['oob']);
  client.send(`${SLOW}{"execute": "query-name", "id": 2}`);
  client.finish();
  await Promise.all([begun, ended]);
  finish();
  expect([await client.message(), await client.message(), await client.line()]).toEqual([{ return: {}, id: 1 }, { return: {}, id: 2 }, undefined]);
});

it('bears that a client dies while its command runs', async () => {
  const client = new RawConnection(open());
  await client.open();
  client.send(SLOW);
  await begun;
  client.close();
  finish();
  const next = new RawConnection(open());
  await next.open();
  next.close();
});

it('takes a string of 64 MiB for too long, and goes on', async () => {
  const client = new RawConnection(open());
  await client.open();
  const string = Buffer.alloc(64 * 2 ** 20, 'x');
  string[0] = string[string.length - 1] = 0x22;
  expect(await client.exchange(string)).toEqual(['{"error": {"class": "GenericError", "desc": "JSON token size limit exceeded"}}']);
  client.close();
});

it('lets go of a client that does not read', async () => {
  const client = open();
  client.pause();
  client.write('{"execute": "qmp_capabilities"}');
  const tell = setInterval(() => {
    if (session?.negotiated === true) for (let i = 0; i < 100; i++) session.event('DEVICE_DELETED', { path: 'x'.repeat(1000) });
  });
  await overflowed;
  clearInterval(tell);
  client.destroy();
});
