import { closeSync, fstatSync, openSync, unlinkSync } from 'node:fs';
import { formatSize } from '@vpmem/options';
import { fromLogWrites, LOG_SECTOR_SIZES, LogWritesError, LogWritesReader, toLogWrites, type ExportedLog, type ImportedLog } from '@vpmem/log-writes';
import { Recording, RecordingError, RecordingWriter } from '@vpmem/recording';
import { CliError } from './cli-error.ts';

/** What a recording's size is a multiple of. */
const PAGE_SIZE = 4096;

/** Options of `vpmem recording to-log-writes` as they were written. */
export interface ToLogWritesWords {
  readonly output: string;
  readonly base?: boolean;
  readonly sectorSize?: string;
}

/** Options of `vpmem recording from-log-writes` as they were written. */
export interface FromLogWritesWords {
  readonly base: string;
  readonly output: string;
}

/** `vpmem recording to-log-writes`: a recording as a log that replay-log reads; the exit status. */
export function runToLogWrites(file: string, words: ToLogWritesWords): number {
  return attempt((say) => {
    const sectorSize = LOG_SECTOR_SIZES.find((size) => String(size) === (words.sectorSize ?? '512'));
    if (sectorSize === undefined) throw new CliError(`--sector-size ${words.sectorSize ?? ''}: there is ${LOG_SECTOR_SIZES.join(' and ')}`);
    const recording = named(file, () => Recording.open(file));
    try {
      const done = withNewFile(words.output, (fd) => named(file, () => toLogWrites(recording, fd, { base: words.base ?? false, sectorSize })));
      process.stdout.write(`${words.output}: ${exportWords(done)}\n`);
      if (!recording.complete) say(`${file}: ${recording.ending.text}; the log has what was recorded before`);
      if (done.cutMarks > 0) say(`${counted(done.cutMarks, 'mark')} of more than a sector holds ${done.cutMarks === 1 ? 'was' : 'were'} cut; --sector-size 4096 has room for 4063 bytes`);
    } finally {
      recording.close();
    }
  });
}

/** `vpmem recording from-log-writes`: a log that dm-log-writes wrote, as a recording; the exit status. */
export function runFromLogWrites(log: string, { base, output }: FromLogWritesWords): number {
  return attempt(() => {
    const done = withFile(log, (logFd) => {
      const reader = named(log, () => new LogWritesReader(logFd));
      return withFile(base, (baseFd) => {
        const size = baseSize(base, baseFd);
        // A log has no times.
        const writer = RecordingWriter.create(output, { size, now: () => 0 });
        try {
          return named(log, () => fromLogWrites(reader, { fd: baseFd, size }, writer));
        } catch (error) {
          writer.discard();
          throw error;
        }
      });
    });
    process.stdout.write(`${output}: ${importWords(done)}\n`);
  });
}

function exportWords({ entries, flushes, cuts, marks, unanswered }: ExportedLog): string {
  const parts = [counted(flushes, 'flush'), ...(cuts === 0 ? [] : [counted(cuts, 'power cut')]), counted(marks, 'mark')];
  const left = unanswered === 0 ? '' : `; left out ${counted(unanswered, 'flush')} that did not succeed`;
  return `${entries === 1 ? 'one entry' : `${entries} entries`}, of ${parts.join(', ')}${left}`;
}

function importWords({ flushes, marks, unflushed }: ImportedLog): string {
  return `${counted(flushes, 'flush')}, ${counted(marks, 'mark')}${unflushed === 0 ? '' : `; ${formatSize(unflushed)} at the end that no flush came for`}`;
}

function baseSize(path: string, fd: number): number {
  const status = fstatSync(fd);
  if (!status.isFile()) throw new CliError(`--base ${path}: not a file; copy the device into one`);
  if (status.size === 0 || status.size % PAGE_SIZE !== 0) throw new CliError(`--base ${path}: it has ${status.size} bytes; a device that can be recorded has a multiple of ${PAGE_SIZE}`);
  return status.size;
}

/** Does something with a file that is there. */
function withFile<T>(path: string, work: (fd: number) => T): T {
  const fd = openSync(path, 'r');
  try {
    return work(fd);
  } finally {
    closeSync(fd);
  }
}

/** Makes a file; there is none if that fails. */
function withNewFile<T>(path: string, work: (fd: number) => T): T {
  let fd: number;
  try {
    fd = openSync(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new CliError(`-o ${path}: there is such a file already; a log goes into a new one`, { cause: error });
  }
  try {
    return work(fd);
  } catch (error) {
    unlinkSync(path);
    throw error;
  } finally {
    closeSync(fd);
  }
}

/** Names the file that is at fault. */
function named<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof LogWritesError || error instanceof RecordingError) throw new CliError(`${path}: ${error.message}`, { cause: error });
    throw error;
  }
}

function attempt(work: (say: (line: string) => void) => void): number {
  const say = (line: string): void => void process.stderr.write(`vpmem recording: ${line}\n`);
  try {
    work(say);
    return 0;
  } catch (error) {
    if (!(error instanceof CliError) && !(error instanceof RecordingError) && !isSystemError(error)) throw error;
    say(error.message);
    return 1;
  }
}

function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === 'string';
}

function counted(count: number, noun: string): string {
  return count === 1 ? `1 ${noun}` : `${count} ${noun}${noun.endsWith('sh') ? 'es' : 's'}`;
}
