// The body of the thread that serves the image of one place: it reads /dev/fuse until it is unmounted.
import { parentPort, workerData } from 'node:worker_threads';
import { nameThread } from '@vpmem/native/thread-name';
import { FuseServer } from './fuse-server.ts';
import { OverlaidDisk } from './overlaid-disk.ts';
import { PagedMemory } from './paged-memory.ts';
import { TouchedPages } from './touched-pages.ts';

/** What the thread is started with. The descriptors are its maker's, who closes them when it has ended. */
export interface FuseThreadData {
  readonly device: number;
  readonly size: number;
  readonly image: number;
  readonly written: number;
  readonly touched: SharedArrayBuffer;
}

const { device, size, image, written, touched } = workerData as FuseThreadData;
nameThread('vpmem image');
const memories = [new PagedMemory(image, size), new PagedMemory(written, size)] as const;
parentPort?.postMessage('ready');
new FuseServer(device, size, new OverlaidDisk(size, ...memories, new TouchedPages(touched))).run();
for (const memory of memories) memory.unmap();
