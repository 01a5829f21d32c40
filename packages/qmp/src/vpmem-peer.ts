import { connect } from 'node:net';
import { join } from 'node:path';
import type { Blocker, QmpPeer } from './qmp-peer.ts';

/** Monitors of our own, at sockets in `folder` that have their names. `hold` makes `request` wait for what it is given. */
export function vpmemPeer(folder: string, request: Blocker['request'], hold: (until: Promise<void>) => void): QmpPeer {
  return {
    kind: 'vpmem',
    outOfBandCommand: 'query-pmem',
    connect: (monitor) => Promise.resolve(connect({ path: join(folder, monitor), allowHalfOpen: true })),
    block: () => {
      let release = (): void => undefined;
      hold(new Promise((resolve) => (release = resolve)));
      return Promise.resolve({
        request,
        release: () => {
          release();
          return Promise.resolve();
        },
      });
    },
  };
}
