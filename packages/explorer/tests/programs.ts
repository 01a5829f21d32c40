// Small programs on a disk without a file system, with a classic mistake each or none, and what their users would check.
import { createHash } from 'node:crypto';
import type { Recording } from '@vpmem/recording';
import type { MemoryChecker, MemoryVerdict } from '../src/index.ts';
import { Disk, PAGE } from './disk.ts';

export interface Program {
  readonly recording: Recording;
  readonly check: MemoryChecker;
}

const kept: MemoryVerdict = { verdict: 'kept' };
const violated = (signature: string): MemoryVerdict => ({ verdict: 'violated', signature, output: `looking\n${signature}\n` });
const promised = (marks: readonly string[]): number => marks.length;

/** A log of records, page by page, and a page that says how many there are. One flush for both: the missing fsync. */
export function logWithoutFsync(records = 3): Program {
  const disk = new Disk(8);
  disk.store(0, Uint8Array.of(7, 0)).flush();
  for (let i = 1; i <= records; i++) disk.store(i * PAGE, `record ${i}`).store(1, Uint8Array.of(i)).flush().mark(`record ${i}`);
  return {
    recording: disk.end(),
    check: (image, { marks }) => {
      const [magic, count = 0] = image.read(0, 2);
      if (magic !== 7) return violated('no log');
      for (let i = 1; i <= count; i++) if (Buffer.from(image.read(i * PAGE, 8)).toString() !== `record ${i}`) return violated('a record is garbage');
      return count < promised(marks) ? violated('a record is lost') : kept;
    },
  };
}

/** A header of two places in one page that have to agree, and no checksum. */
export function tornHeader(): Program {
  const disk = new Disk(4);
  for (let i = 1; i <= 3; i++) disk.store(PAGE, Uint8Array.of(i)).store(PAGE + 512, Uint8Array.of(i)).store(2 * PAGE, `data ${i}`).flush();
  return {
    recording: disk.end(),
    check: (image, { state }) => {
      const [first, second] = [image.read(PAGE, 1)[0], image.read(PAGE + 512, 1)[0]];
      if (state === 'blank') return violated('nothing there');
      return first === second ? kept : violated('the header is of two generations');
    },
  };
}

/** A file is written, its directory page is not flushed before the promise. */
export function renameWithoutDirectoryFsync(): Program {
  const disk = new Disk(6);
  disk.store(0, 'fs').store(3 * PAGE, 'old name').flush();
  disk.store(2 * PAGE, 'the content').flush();
  disk.store(3 * PAGE, 'new name').mark('renamed');
  disk.store(4 * PAGE, 'something else').store(5 * PAGE, 'and more').flush();
  return {
    recording: disk.end(),
    check: (image, { marks }) => {
      if (Buffer.from(image.read(0, 2)).toString() !== 'fs') return { ...violated('no file system'), step: 'mount' };
      const name = Buffer.from(image.read(3 * PAGE, 8)).toString();
      return marks.includes('renamed') && name !== 'new name' ? violated('the file has its old name') : kept;
    },
  };
}

/** Fields in the first sector, their checksum in the second. */
export function twoSectorSuperblock(): Program {
  const disk = new Disk(4);
  const write = (generation: number): void => {
    const fields = Buffer.alloc(512, generation);
    disk.store(1024, fields).store(1024 + 512 + 500, createHash('sha1').update(fields).digest().subarray(0, 8));
  };
  write(1);
  disk.flush();
  disk.store(PAGE, 'file').flush();
  write(2);
  disk.store(2 * PAGE, 'another').flush();
  return {
    recording: disk.end(),
    check: (image) => {
      const fields = image.read(1024, 512);
      const sum = createHash('sha1').update(fields).digest().subarray(0, 8);
      return sum.equals(image.read(1024 + 512 + 500, 8)) ? kept : { ...violated('superblock: bad checksum'), step: 'mount' };
    },
  };
}

/** Records with a checksum each, one flush each; the log ends where one does not match. Nothing is wrong with it. */
export function checksummedLog(records = 4): Program {
  const [disk, length] = [new Disk(6), 200];
  const sealed = (i: number): Uint8Array => {
    const record = Buffer.alloc(length, `record ${i}`);
    return Buffer.concat([createHash('sha1').update(record).digest(), record]);
  };
  disk.store(0, 'log').flush();
  // Records cross lines, sectors and the border of two pages.
  const at = (i: number): number => PAGE - 300 + i * 220;
  for (let i = 1; i <= records; i++) {
    disk.store(at(i), sealed(i).subarray(0, 100)).tick().store(at(i), sealed(i)).flush('ok', i % 2 === 0 ? undefined : () => disk.store(4 * PAGE, `scratch ${i}`).tick()).mark(`record ${i}`);
  }
  return {
    recording: disk.end(),
    check: (image, { marks }) => {
      if (Buffer.from(image.read(0, 3)).toString() !== 'log') return violated('no log');
      let count = 0;
      while (Buffer.compare(image.read(at(count + 1), 220), sealed(count + 1)) === 0) count++;
      return count < promised(marks) ? violated('a record is lost') : kept;
    },
  };
}
