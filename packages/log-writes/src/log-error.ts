/** What is wrong with a log, or with what was to be written into one. */
export type LogWritesErrorCode = 'not-a-log' | 'bad-version' | 'bad-sector-size' | 'bad-entry' | 'cut-off' | 'outside' | 'unaligned';

/** A log that cannot be read or written. The message names the sector, what was expected there, and what is there. */
export class LogWritesError extends Error {
  override readonly name = 'LogWritesError';
  readonly code: LogWritesErrorCode;
  /** Of the log, in sectors of its own size, from 0. */
  readonly sector: number;

  constructor(code: LogWritesErrorCode, sector: number, problem: string) {
    super(`sector ${sector} of the dm-log-writes log: ${problem}`);
    this.code = code;
    this.sector = sector;
  }
}
