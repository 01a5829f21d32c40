import { fstatSync, openSync } from 'node:fs';
import { LEVELS, type Level, type MessageSettings } from './options/message-settings.ts';
import { formatRecord, type LogRecord } from './log-record.ts';
import { outputLines } from './output-lines.ts';

/** What a JSON message says beside its text: `event`, `device` and the like. */
export type Fields = Readonly<Record<string, unknown>>;

/** Whose messages these are, and what they look like. */
export interface LogOptions extends Partial<MessageSettings> {
  readonly program: string;
  /** What `-name` said. */
  readonly name?: string | undefined;
  /** A file to append to instead of stderr. @throws Error of node if it cannot be opened */
  readonly file?: string | undefined;
  readonly env?: NodeJS.ProcessEnv;
}

/** Bytes of messages that wait for the disk. */
const MAX_WAITING = 2 ** 20;

/** From the least to the most that matters; what ends the program is always said. */
const ORDER: readonly (Level | 'fatal')[] = [...LEVELS, 'fatal'];

/** Messages to whoever runs the program. */
export class Log {
  readonly #write: (record: LogRecord) => void;
  readonly #least: number;
  readonly #base: Pick<LogRecord, 'program' | 'pid' | 'name'>;
  #around: (write: () => void) => void = (write) => write();

  constructor(options: LogOptions) {
    const { program, name, level = 'info', format = 'text' } = options;
    const fd = options.file === undefined ? 2 : openSync(options.file, 'a', 0o600);
    const lines = outputLines(fd, MAX_WAITING);
    const style = {
      timestamp: options.timestamp ?? false,
      guestName: options['guest-name'] ?? false,
      priorities: format === 'text' && leadsToJournal(fd, options.env ?? process.env),
    };
    this.#write = (record) => lines.write(format === 'json' ? `${JSON.stringify(record)}\n` : formatRecord(record, style));
    this.#least = ORDER.indexOf(level);
    this.#base = { program, pid: process.pid, ...(name !== undefined && { name }) };
  }

  /** From now on `around` is called with what writes a message, and calls it: for whoever else writes on the same terminal. */
  writeWithin(around: (write: () => void) => void): void {
    this.#around = around;
  }

  debug(text: string, fields: Fields = {}): void {
    this.#say('debug', text, fields);
  }

  info(text: string, fields: Fields = {}): void {
    this.#say('info', text, fields);
  }

  warning(text: string, fields: Fields = {}): void {
    this.#say('warning', text, fields);
  }

  error(text: string, fields: Fields = {}): void {
    this.#say('error', text, fields);
  }

  /** Why the program ends. */
  fatal(text: string, fields: Fields = {}): void {
    this.#say('fatal', text, fields);
  }

  at(level: Level, text: string, fields: Fields = {}): void {
    this.#say(level, text, fields);
  }

  #say(level: LogRecord['level'], text: string, fields: Fields): void {
    if (ORDER.indexOf(level) < this.#least) return;
    const record = { level, time: new Date().toISOString(), ...this.#base, ...fields, message: text };
    this.#around(() => this.#write(record));
  }
}

/** Whether systemd has connected `fd` to its journal (systemd.exec(5), JOURNAL_STREAM). */
export function leadsToJournal(fd: number, { JOURNAL_STREAM: journal }: NodeJS.ProcessEnv = process.env): boolean {
  if (journal === undefined) return false;
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return journal === `${dev}:${ino}`;
}
