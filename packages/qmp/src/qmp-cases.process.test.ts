import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { idleHandlers } from './idle-handlers.ts';
import { qmpCases } from './qmp-cases.ts';
import type { QmpSession } from './qmp-session.ts';
import { serveQmp } from './serve-qmp.ts';
import { vpmemPeer } from './vpmem-peer.ts';

const MONITORS = ['first', 'second', 'pretty'] as const;
/** What `object-add` waits for. */
let blocked: Promise<void> = Promise.resolve();

const folder = mkdtempSync(join(tmpdir(), 'qmp-cases-'));
const sessions = new Set<QmpSession>();
const internalErrors: unknown[] = [];
let servers: readonly Server[];

const peer = vpmemPeer(folder, { execute: 'object-add', arguments: { 'qom-type': 'x', id: 'x' } }, (until) => void (blocked = until));

beforeAll(async () => {
  const tell = (name: 'STOP' | 'RESUME'): Record<string, never> => {
    for (const session of sessions) session.event(name, {});
    return {};
  };
  const handlers = idleHandlers({ stop: () => tell('STOP'), cont: () => tell('RESUME'), 'object-add': () => blocked.then(() => ({})) });
  servers = MONITORS.map((monitor) =>
    createServer({ allowHalfOpen: true }, (socket) => {
      const session = serveQmp(socket, {
        version: { qemu: { major: 11, minor: 1, micro: 3 }, package: '' },
        handlers,
        pretty: monitor === 'pretty',
        onInternalError: (error) => internalErrors.push(error),
      });
      sessions.add(session);
      socket.on('close', () => sessions.delete(session));
    }),
  );
  await Promise.all(servers.map((server, i) => new Promise<void>((resolve) => server.listen(join(folder, MONITORS[i] ?? ''), resolve))));
});
afterAll(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  rmSync(folder, { recursive: true });
});

describe('a session behind a unix socket', () => {
  it.each(qmpCases)('$name', async ({ run }) => {
    await run(peer);
    expect(internalErrors).toEqual([]);
  });
});
