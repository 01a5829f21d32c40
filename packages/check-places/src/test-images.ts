import { execFileSync } from 'node:child_process';
import { closeSync, existsSync, ftruncateSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileExtents, Recording, RecordingWriter } from '@vpmem/recording';
import { mountsBelow } from './mount-table.ts';
import { PAGE } from './fuse/touched-pages.ts';

/** Why places that mount cannot be tested here; undefined if they can. */
export function noMounts(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  if (process.getuid?.() === 0) return undefined;
  if (environment.CI === 'true') throw new Error('tests of mounts want root');
  return 'it takes root';
}

/** What a file system goes through: mkfs, and then each step, a text for sh(1) that runs in the mounted tree and is durable at its end. */
export interface RecordedSteps {
  readonly size: number;
  /** A command that makes the file system; it gets the image as its last argument. */
  readonly mkfs: readonly string[];
  readonly type: string;
  /** Its text is the mark after it. */
  readonly steps: readonly { readonly script: string; readonly mark: string }[];
}

/** Records it: each step is one flush, with all pages that changed meanwhile in its window. Takes root. */
export function recordSteps(folder: string, { size, mkfs, type, steps }: RecordedSteps): Recording & { readonly path: string } {
  const work = mkdtempSync(join(folder, 'steps-'));
  const [image, point, last] = [join(work, 'image'), join(work, 'mnt'), join(work, 'last')] as const;
  closeSync(openSync(image, 'wx'));
  const fd = openSync(image, 'r+');
  ftruncateSync(fd, size);
  const [program = '', ...args] = mkfs;
  execFileSync(program, [...args, image], { stdio: 'pipe' });
  const writer = RecordingWriter.create(join(work, 'run.vpmrec'), { size });
  writer.base(fileExtents(fd, size));
  copySparse(image, last);
  mkdirSync(point);
  execFileSync('mount', ['-t', type, '-o', 'loop', image, point]);
  try {
    for (const [i, { script, mark }] of steps.entries()) {
      execFileSync('sh', ['-ec', `${script}\nsync -f .`], { cwd: point, stdio: 'pipe' });
      writer.flushAsked(i + 1);
      writer.pages('flush', changes(readFileSync(last), readFileSync(image)));
      writer.flushAnswered(i + 1, 'ok');
      writer.mark(mark);
      copySparse(image, last);
    }
  } finally {
    execFileSync('umount', [point]);
    closeSync(fd);
  }
  writer.end();
  const path = join(work, 'run.vpmrec');
  return Object.assign(Recording.open(path), { path });
}

/** Holes stay holes: most of a fresh file system is one. */
function copySparse(from: string, to: string): void {
  execFileSync('cp', ['--sparse=always', from, to]);
}

function changes(before: Buffer, after: Buffer): { readonly page: number; readonly before: Uint8Array; readonly after: Uint8Array }[] {
  const pages = Array.from({ length: before.length / PAGE }, (_, page) => page);
  const part = (of: Buffer, page: number): Buffer => of.subarray(page * PAGE, (page + 1) * PAGE);
  return pages.flatMap((page) => (part(before, page).equals(part(after, page)) ? [] : [{ page, before: part(before, page), after: part(after, page) }]));
}

/** A folder for a test, and what removes it. */
export function testFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'vpmem-places-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** What places below `folder` have: mounts, loop devices, processes that are told of it, folders. */
export function leftBelow(folder: string): { readonly mounts: readonly string[]; readonly loops: readonly string[]; readonly processes: readonly string[]; readonly files: readonly string[] } {
  const loops = execFileSync('losetup', ['-l', '-n', '-O', 'NAME,BACK-FILE'], { encoding: 'utf8' }).split('\n');
  const processes = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid && environmentOf(pid).includes(`=${folder}/`));
  return { mounts: mountsBelow(folder), loops: loops.filter((line) => line.includes(folder)), processes, files: existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }) : [] };
}

/** Nothing but the folder of all places, which stays. */
export const NOTHING = { mounts: [], loops: [], processes: [], files: [`vpmem-places-${process.getuid?.() ?? 0}`] } as const;

function environmentOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}
