// QMP as QEMU speaks it, through us: whatever a client of QEMU's relies on is the same.
import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { connect } from 'node:net';
import { qmpCases, type QmpPeer } from '@vpmem/qmp/testing';
import { requireTestbed } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { RelayedQemu } from './relayed-qemu.ts';

const { testbed, reason } = await requireTestbed();

describe.skipIf(testbed === undefined)(`QMP of QEMU behind us${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let qemu: RelayedQemu;
  let blocked = 0;
  beforeAll(async () => {
    qemu = await RelayedQemu.start(testbed!, (folder) => {
      const socket = (name: string): string => `unix:${folder}/${name},server=on,wait=off`;
      return ['-qmp', socket('first'), '-qmp', socket('second'), '-qmp-pretty', socket('pretty')];
    });
  });
  afterAll(() => qemu.stop());

  const peer: QmpPeer = {
    kind: 'qemu',
    outOfBandCommand: 'query-yank',
    connect: (monitor) => Promise.resolve(connect({ path: qemu.path(monitor), allowHalfOpen: true })),
    // Opening a FIFO to read waits for whoever opens it to write.
    block: () => {
      const fifo = qemu.path('fifo');
      rmSync(fifo, { force: true });
      execFileSync('mkfifo', [fifo]);
      return Promise.resolve({
        request: { execute: 'object-add', arguments: { 'qom-type': 'secret', id: `slow${++blocked}`, file: fifo } },
        release: async () => (await open(fifo, 'w')).close(),
      });
    },
  };

  // QEMU reads a byte at a time; what is slow with it is compared without us in the middle, and passes here as it is.
  it.each(qmpCases.filter(({ slow = false }) => !slow))('$name', ({ run }) => run(peer));
});
