import { EventEmitter } from 'node:events';
import type { WriteStream } from 'node:tty';

/**
 * The terminal as ink is to see it: so high that ink never takes a frame for one that fills it, since it then clears what the terminal
 * has scrolled away; and never resized, since {@link LiveTerminal} begins anew.
 */
export class TerminalOutput extends EventEmitter {
  readonly isTTY = true;
  readonly rows = Number.MAX_SAFE_INTEGER;
  readonly columns: number;
  readonly #terminal: WriteStream;

  constructor(terminal: WriteStream) {
    super();
    this.#terminal = terminal;
    this.columns = terminal.columns;
  }

  write(text: string): boolean {
    return this.#terminal.write(text);
  }
}
