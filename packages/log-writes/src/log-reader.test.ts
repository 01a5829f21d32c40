import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { ScratchFiles } from '../tests/scratch-files.ts';
import { LogWritesError, type LogWritesErrorCode } from './log-error.ts';
import { LogFlag, LogWriteEntry } from './log-layout.ts';
import { LogWritesReader, type LogEntry } from './log-reader.ts';
import { logSteps } from './log-steps.ts';

/** Written by dm-log-writes of Debian's 6.12, on a virtio-blk disk of 64 KiB: `tests/dm-log-writes.guest.test.ts` says how. */
const GOLDEN = readFileSync(new URL('../tests/golden/dm-log-writes-6.12.log', import.meta.url));

const files = new ScratchFiles();
afterEach(() => files.close());

const open = (log: Uint8Array): LogWritesReader => new LogWritesReader(files.make(log));
const data = (reader: LogWritesReader, entry: LogEntry): Buffer => {
  const into = Buffer.alloc(entry.length);
  reader.read(entry, 0, into);
  return into;
};

describe('a log that the kernel wrote', () => {
  it('reads as it was written', () => {
    const reader = open(GOLDEN);
    expect(reader).toMatchObject({ sectorSize: 512, entryCount: 14 });
    const lines = [...reader.entries()].map((entry) => {
      const { at, flags, offset, length, mark } = entry;
      return [at, flags, offset, length, mark ?? (length === 0 ? '' : data(reader, entry).toString('latin1', length - 1))];
    });
    expect(lines).toEqual([
      [1, LogFlag.fua, 4096, 512, 'c'],
      [3, 0, 4096, 512, 'a'],
      [5, 0, 4608, 1024, 'b'],
      [8, LogFlag.flush, 0, 0, ''],
      [9, LogFlag.flush, 0, 0, ''],
      [10, LogFlag.mark, 0, 0, 'written'],
      [11, LogFlag.fua, 10240, 512, 'd'],
      [13, LogFlag.flush, 0, 0, ''],
      [14, LogFlag.mark, 0, 0, 'not-flushed'],
      [15, 0, 4608, 512, 'e'],
      [17, LogFlag.discard, 5120, 512, '\0'],
      [18, LogFlag.flush, 0, 0, ''],
      [19, 0, 512, 512, 'f'],
      [21, LogFlag.mark, 0, 0, 'dm-log-writes-end'],
    ]);
  });

  it('is told in windows: up to a flush, each FUA alone, and what no flush came for', () => {
    const steps = [...logSteps(open(GOLDEN))].map((step) => (step.kind === 'mark' ? step.text : [step.closedBy, ...step.writes.map(({ index }) => index)]));
    expect(steps).toEqual([['fua', 0], ['flush', 1, 2], ['flush'], 'written', ['fua', 6], ['flush'], 'not-flushed', ['flush', 9, 10], 'dm-log-writes-end', ['nothing', 12]]);
  });
});

describe('logSteps', () => {
  const steps = (...entries: Partial<LogEntry>[]): unknown[] => {
    const log = { entries: () => entries.map((entry, index) => ({ index, at: index + 1, flags: 0, offset: 0, length: 0, ...entry })).values() };
    return [...logSteps(log as unknown as LogWritesReader)].map((step) => (step.kind === 'mark' ? step.text : [step.closedBy, ...step.writes.map(({ index }) => index)]));
  };
  const { flush, fua, mark } = LogFlag;

  it('takes a flush with data for one before the data', () => {
    expect(steps({ length: 512 }, { flags: flush, length: 512 }, { flags: flush })).toEqual([['flush', 0], ['flush', 1]]);
    expect(steps({ length: 512 }, { flags: flush | fua, length: 512 })).toEqual([['flush', 0], ['fua', 1]]);
  });

  it('does not let writes that wait for a flush undo a later one with FUA', () => {
    expect(steps({ length: 512 }, { flags: fua, length: 512 }, { length: 512 }, { flags: flush })).toEqual([['fua', 1], ['flush', 0, 1, 2]]);
  });

  it('keeps marks where they are', () => {
    expect(steps({ length: 512 }, { flags: mark, mark: 'between' }, { flags: flush })).toEqual(['between', ['flush', 0]]);
  });
});

describe('what is no log', () => {
  const expectError = (log: Uint8Array, code: LogWritesErrorCode, sector: number, words: string): void => {
    let error: unknown;
    try {
      const reader = open(log);
      for (const entry of reader.entries()) data(reader, entry);
    } catch (caught) {
      error = caught;
    }
    expect(error).toBeInstanceOf(LogWritesError);
    expect(error).toMatchObject({ code, sector, message: `sector ${sector} of the dm-log-writes log: ${words}` });
  };
  /** The golden log with a 64-bit word of it changed. */
  const changed = (offset: number, value: bigint): Buffer => {
    const log = Buffer.from(GOLDEN);
    log.writeBigUInt64LE(value, offset);
    return log;
  };

  it('says what the superblock should be', () => {
    expectError(Buffer.alloc(4096, 'x'), 'not-a-log', 0, 'expected the magic number 0x6a736677736872, found 0x7878787878787878');
    expectError(Buffer.alloc(0), 'not-a-log', 0, 'expected the magic number 0x6a736677736872, found no more than 0 bytes');
    expectError(GOLDEN.subarray(0, 20), 'not-a-log', 0, 'expected a superblock of 28 bytes, found 20');
    expectError(changed(8, 2n), 'bad-version', 0, 'expected version 1, found 2');
    expectError(changed(24, 1024n), 'bad-sector-size', 0, 'expected a sector size of 512 or 4096, found 1024');
  });

  it('says which entry is malformed', () => {
    const at = 15 * 512;
    expectError(changed(at + 8, 0n), 'bad-entry', 15, 'expected entry 9 of 14, found one that neither writes nor flushes');
    expectError(changed(at + 16, 32n), 'bad-entry', 15, 'expected entry 9 of 14, found one with the unknown flags 0x20');
    expectError(changed(at + LogWriteEntry.size, 1n), 'bad-entry', 15, 'expected entry 9 of 14, found one that is not followed by zeroes');
    expectError(changed(at, 2n ** 50n), 'bad-entry', 15, 'expected entry 9 of 14, found one of 1 sectors at 1125899906842624');
    expectError(changed(14 * 512 + 24, 481n), 'bad-entry', 14, 'expected entry 8 of 14, found one with a mark of 481 bytes, which its sector cannot hold');
  });

  it('says where it ends too early', () => {
    expectError(GOLDEN.subarray(0, 15 * 512), 'cut-off', 15, 'expected entry 9 of 14, found the end of the log');
    expectError(GOLDEN.subarray(0, 16 * 512 + 511), 'cut-off', 16, 'expected data of entry 9 of 14, found the end of the log');
    // Also for whoever does not want the data.
    const cut = open(GOLDEN.subarray(0, 16 * 512 + 511));
    expect(() => [...cut.entries()]).toThrow('sector 16 of the dm-log-writes log: expected data of entry 9 of 14');
    expectError(changed(16, 15n), 'cut-off', 22, 'expected entry 14 of 15, found the end of the log');
  });
});
