import type { Level } from './options/message-settings.ts';

/** A message as it stands in JSON. */
export interface LogRecord {
  readonly level: Level | 'fatal';
  /** ISO 8601. */
  readonly time: string;
  readonly program: string;
  readonly pid: number;
  readonly name?: string;
  readonly message: string;
}

/** How a message is written for people. */
export interface TextStyle {
  /** Begin with the time. */
  readonly timestamp: boolean;
  /** Begin with what `-name` said. */
  readonly guestName: boolean;
  /** Begin with `<N>`, by which the journal knows how much it matters. */
  readonly priorities: boolean;
}

/** sd-daemon(3): the numbers of syslog(3). */
const PRIORITY = { fatal: 3, error: 3, warning: 4, info: 6, debug: 7 } as const;

/** Severities that are said: what ends the program or is nothing special needs none. */
const WORD = { fatal: '', error: 'error: ', warning: 'warning: ', info: '', debug: 'debug: ' } as const;

/** `PROGRAM: [SEVERITY: ]TEXT`, with a newline at the end. */
export function formatRecord({ level, time, program, name, message }: LogRecord, { timestamp, guestName, priorities }: TextStyle): string {
  const before = [timestamp ? `${time} ` : '', guestName && name !== undefined ? `${name} ` : ''].join('');
  const text = `${before}${program}: ${WORD[level]}${message}\n`;
  // The journal takes each line for a message of its own.
  return priorities ? text.replaceAll(/^(?=.)/gm, `<${PRIORITY[level]}>`) : text;
}
