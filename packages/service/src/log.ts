import { fstatSync, openSync } from 'node:fs';
import { destination, pino, type DestinationStream, type Logger } from 'pino';
import type { Level, MessageSettings } from './message-settings.ts';
import { formatRecord, type LogRecord, type TextStyle } from './log-record.ts';

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

/** Characters of messages that wait for the disk. */
const MAX_WAITING = 2 ** 20;

/** Messages to whoever runs the program. */
export class Log {
  readonly #logger: Logger;
  #around: (write: () => void) => void = (write) => write();

  constructor(options: LogOptions) {
    const { program, name, level = 'info', format = 'text' } = options;
    const fd = options.file === undefined ? 2 : openSync(options.file, 'a', 0o600);
    const lines = destination({ dest: fd, sync: true, maxLength: MAX_WAITING });
    // On a disk that is full messages wait for the next, and some are lost; without a listener the program would be.
    lines.on('error', () => undefined);
    const written = format === 'json' ? lines : textLines(lines, {
      timestamp: options.timestamp ?? false,
      guestName: options['guest-name'] ?? false,
      priorities: leadsToJournal(fd, options.env ?? process.env),
    });
    this.#logger = pino(
      {
        level: level === 'warning' ? 'warn' : level,
        base: { program, pid: process.pid, ...(name !== undefined && { name }) },
        timestamp: () => `,"time":"${new Date().toISOString()}"`,
        formatters: { level: (label) => ({ level: label === 'warn' ? 'warning' : label }) },
        messageKey: 'message',
      },
      { write: (json) => this.#around(() => { written.write(json); }) },
    );
  }

  /** From now on `around` is called with what writes a message, and calls it: for whoever else writes on the same terminal. */
  writeWithin(around: (write: () => void) => void): void {
    this.#around = around;
  }

  debug(text: string, fields: Fields = {}): void {
    this.#logger.debug(fields, text);
  }

  info(text: string, fields: Fields = {}): void {
    this.#logger.info(fields, text);
  }

  warning(text: string, fields: Fields = {}): void {
    this.#logger.warn(fields, text);
  }

  error(text: string, fields: Fields = {}): void {
    this.#logger.error(fields, text);
  }

  /** Why the program ends. */
  fatal(text: string, fields: Fields = {}): void {
    this.#logger.fatal(fields, text);
  }

  at(level: Level, text: string, fields: Fields = {}): void {
    this[level](text, fields);
  }
}

function textLines(lines: DestinationStream, style: TextStyle): DestinationStream {
  return { write: (json) => lines.write(formatRecord(JSON.parse(json) as LogRecord, style)) };
}

/** Whether systemd has connected `fd` to its journal (systemd.exec(5), JOURNAL_STREAM). */
function leadsToJournal(fd: number, { JOURNAL_STREAM: journal }: NodeJS.ProcessEnv): boolean {
  if (journal === undefined) return false;
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return journal === `${dev}:${ino}`;
}
