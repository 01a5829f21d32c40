// The body of the thread that serves the image of one place: it mounts it, and reads /dev/fuse until it is unmounted.
import { closeSync, openSync, readdirSync, readlinkSync } from 'node:fs';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { mount, MOUNT_FLAGS, ownDescriptorTable } from '@vpmem/native';
import { nameThread } from '@vpmem/native/thread-name';
import { FuseServer } from './fuse-server.ts';
import { OverlaidDisk } from './overlaid-disk.ts';
import { PagedMemory } from './paged-memory.ts';
import { TouchedPages } from './touched-pages.ts';
import { WriteTrace } from '../write-trace.ts';

/** What the thread is started with. The descriptors are its maker's, who closes them when it has ended. */
export interface FuseThreadData {
  /** The folder to mount at. */
  readonly point: string;
  readonly size: number;
  readonly image: number;
  readonly written: number;
  readonly touched: SharedArrayBuffer;
  /** Where what is written is told, as long as that is wanted. */
  readonly trace: MessagePort;
}

const { point, size, image, written, touched, trace } = workerData as FuseThreadData;
nameThread('vpmem image');
// A thread that waits for the image, in mount(2) for one, does not end by SIGKILL before it has an answer. So /dev/fuse must not be open in it:
// it is closed when this thread ends, and then whoever waits gets an error.
ownDescriptorTable();
closePipes();
const device = openSync('/dev/fuse', 'r+');
const flags = (MOUNT_FLAGS.nosuid ?? 0) | (MOUNT_FLAGS.nodev ?? 0) | (MOUNT_FLAGS.noexec ?? 0);
mount({ source: 'vpmem', target: point, type: 'fuse', flags, data: `fd=${device},rootmode=40000,user_id=0,group_id=0` });
const memories = [new PagedMemory(image, size), new PagedMemory(written, size)] as const;
parentPort?.postMessage('ready');
new FuseServer(device, size, new OverlaidDisk(size, ...memories, new TouchedPages(touched), new WriteTrace(trace))).run();
trace.close();
closeSync(device);
for (const memory of memories) memory.unmap();

/** Copies of pipes that other threads have just now: whoever reads from one would wait for its end as long as this thread lives. */
function closePipes(): void {
  for (const name of readdirSync('/proc/thread-self/fd')) {
    const fd = Number(name);
    if (fd > 2 && linkOf(fd)?.startsWith('pipe:') === true) closeSync(fd);
  }
}

/** Undefined for the descriptor by which the folder was read, which is closed again. */
function linkOf(fd: number): string | undefined {
  try {
    return readlinkSync(`/proc/thread-self/fd/${fd}`);
  } catch {
    return undefined;
  }
}
