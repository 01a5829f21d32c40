import type { ReadStream, WriteStream } from 'node:tty';
import type { Instance, Key as InkKey, RenderOptions } from 'ink';
import type { ReactNode } from 'react';
import type { Size } from './screen.ts';
import type { Key } from './screen-state.ts';
import { TerminalOutput } from './terminal-output.ts';

/** A screen beside the one with the shell's lines, without a cursor; and back. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[2J\x1b[H';
const CLEAR = '\x1b[2J\x1b[H';
const LEAVE = '\x1b[?25h\x1b[?1049l';

/** What is to be drawn, and who hears of keys. */
export interface LiveOptions {
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  readonly draw: (size: Size) => readonly string[];
  readonly onKey: (key: Key) => void;
}

/** A whole terminal, until it is given back: however that comes about, it is left as it was. */
export class LiveTerminal {
  readonly #options: LiveOptions;
  readonly #ink: typeof import('ink');
  readonly #react: typeof import('react');
  #instance: Instance | undefined;
  readonly #resized = (): void => this.#restart(CLEAR);
  readonly #suspend = (): void => {
    this.#leave();
    process.kill(process.pid, 'SIGSTOP');
  };
  readonly #resume = (): void => this.#restart(ENTER);
  /** Also where the process ends with an error that nobody expected. */
  readonly #restore = (): void => this.#leave();

  private constructor(options: LiveOptions, ink: typeof import('ink'), react: typeof import('react')) {
    this.#options = options;
    this.#ink = ink;
    this.#react = react;
    options.stdout.on('resize', this.#resized);
    process.on('SIGTSTP', this.#suspend).on('SIGCONT', this.#resume).on('exit', this.#restore).on('uncaughtExceptionMonitor', this.#restore);
    this.#restart(ENTER);
  }

  static async open(options: LiveOptions): Promise<LiveTerminal> {
    // Where a variable tells of continuous integration ink draws nothing before the end; but somebody has given us a terminal.
    process.env.CI = 'false';
    return new LiveTerminal(options, await import('ink'), await import('react'));
  }

  /** Draws what has changed. */
  refresh(): void {
    this.#instance?.rerender(this.#tree());
  }

  /** Gives the terminal back, as it was. */
  close(): void {
    this.#options.stdout.off('resize', this.#resized);
    process.off('SIGTSTP', this.#suspend).off('SIGCONT', this.#resume).off('exit', this.#restore).off('uncaughtExceptionMonitor', this.#restore);
    this.#leave();
  }

  /** On an empty screen, of whatever size it is now. */
  #restart(how: string): void {
    const { stdin, stdout } = this.#options;
    this.#instance?.unmount();
    stdout.write(how);
    const options: RenderOptions = { stdin, stdout: new TerminalOutput(stdout) as unknown as NodeJS.WriteStream, exitOnCtrlC: false, patchConsole: false };
    this.#instance = this.#ink.render(this.#tree(), options);
  }

  #leave(): void {
    const instance = this.#instance;
    if (instance === undefined) return;
    this.#instance = undefined;
    instance.unmount();
    // Whatever ink has done about it, and should it have thrown.
    if (this.#options.stdin.isTTY) this.#options.stdin.setRawMode(false);
    this.#options.stdout.write(LEAVE);
  }

  #tree(): ReactNode {
    const { createElement } = this.#react;
    return createElement(this.#screen);
  }

  readonly #screen = (): ReactNode => {
    const { createElement } = this.#react;
    const { Box, Text, useInput } = this.#ink;
    const { columns, rows } = this.#options.stdout;
    useInput((input, key) => {
      if (key.ctrl && input === 'z') process.kill(0, 'SIGTSTP');
      for (const each of keysOf(input, key)) this.#options.onKey(each);
    });
    // The last row stays empty: a line that ends there would move all others up.
    const lines = this.#options.draw({ width: columns, height: rows - 1 });
    return createElement(Box, { flexDirection: 'column' }, ...lines.map((line) => createElement(Text, { wrap: 'truncate' }, line === '' ? ' ' : line)));
  };
}

/** What was pressed, if it means anything; several where they came at once. */
function keysOf(input: string, key: InkKey): Key[] {
  if (key.ctrl) return input === 'c' ? ['q'] : [];
  if (key.upArrow) return ['up'];
  if (key.downArrow) return ['down'];
  if (key.pageUp) return ['pageUp'];
  if (key.pageDown) return ['pageDown'];
  if (key.home) return ['first'];
  if (key.end) return ['last'];
  if (key.return) return ['enter'];
  if (key.escape) return ['escape'];
  return input.split('').flatMap((letter) => LETTERS[letter] ?? []);
}

const LETTERS: Readonly<Record<string, Key>> = { k: 'up', j: 'down', g: 'first', G: 'last', e: 'e', s: 's', q: 'q', '?': '?', '\r': 'enter' };
