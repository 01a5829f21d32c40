import { once } from 'node:events';
import { constants } from 'node:os';
import type { ReadStream, WriteStream } from 'node:tty';
import { Watch } from '@vpmem/watch';
import pc from 'picocolors';
import { Board } from './board.ts';
import { LiveTerminal } from './live-terminal.ts';
import { sorted } from './order.ts';
import { plainLines } from './plain-lines.ts';
import { drawScreen } from './screen.ts';
import { FIRST_STATE, press, type Key } from './screen-state.ts';

/** What is watched, how often and how it is shown. */
export interface TopOptions {
  /** Only programs of these names or process ids. Empty: all. */
  readonly names: readonly string[];
  /** Milliseconds from one round to the next. */
  readonly interval: number;
  /** Rounds after which it ends; undefined: none. */
  readonly rounds: number | undefined;
  /** Lines, even on a terminal. */
  readonly plain: boolean;
  readonly colors: boolean;
}

/** How long an answer is waited for, in milliseconds. */
const LIVE_PATIENCE = 1000;
const PLAIN_PATIENCE = 5000;
/** Signals that end it. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** `vpmem top` on this process's terminal, or as lines where there is none; the exit status. */
export async function runTop(options: TopOptions): Promise<number> {
  const { stdin, stdout } = process;
  const { names, interval } = options;
  const able = stdin.isTTY && stdout.isTTY && process.env.TERM !== 'dumb' && !options.plain;
  // Who looks on sees what comes later, and does not want to wait for one that hangs; lines stand there for good.
  const watch = new Watch({ names, interval, patience: able ? LIVE_PATIENCE : PLAIN_PATIENCE });
  let signal: NodeJS.Signals | undefined;
  const end = (name: NodeJS.Signals): void => {
    signal = name;
    watch.close();
  };
  for (const name of ENDING) process.on(name, end);
  try {
    await (able ? live(watch, options, stdin, stdout) : plain(watch, options, stdout));
  } finally {
    for (const name of ENDING) process.off(name, end);
    watch.close();
  }
  // What a terminal's Ctrl-C ends has ended well.
  if (signal === undefined || signal === 'SIGINT') return 0;
  // Whoever sent it is to see that it did what it should. What draws has handlers of its own, which it leaves; a process that ends meanwhile does not hear its own signal.
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
  return 128 + constants.signals[signal];
}

async function plain(watch: Watch, { rounds = Infinity }: TopOptions, stdout: NodeJS.WriteStream): Promise<void> {
  const board = new Board();
  const closed = (): void => watch.close();
  // Whoever reads may have seen enough, as head(1) has.
  stdout.on('error', closed);
  let shown = 0;
  let looked = false;
  for await (const round of watch) {
    board.take(round);
    // The first has no rates: what they are between two looks nobody can say yet.
    if (!looked && board.entries.length > 0) {
      looked = true;
      continue;
    }
    looked = true;
    const text = `${shown === 0 ? '' : '\n'}${plainLines(board).join('\n')}\n`;
    if (!stdout.write(text) && !stdout.destroyed) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => undefined);
    if (++shown >= rounds) break;
  }
  stdout.off('error', closed);
}

async function live(watch: Watch, { rounds = Infinity, colors }: TopOptions, stdin: ReadStream, stdout: WriteStream): Promise<void> {
  const board = new Board();
  const looks = pc.createColors(colors);
  let state = FIRST_STATE;
  const onKey = (key: Key): void => {
    state = press(state, key, sorted(board.entries, state.order).map(({ key: own }) => own));
    if (state.over) watch.close();
    else terminal.refresh();
  };
  const terminal = await LiveTerminal.open({ stdin, stdout, draw: (size) => drawScreen(board, state, size, looks), onKey });
  try {
    watch.onEvent((event, from) => {
      board.hear(event, { name: from.name, pid: from.pid });
      terminal.refresh();
    });
    let shown = 0;
    for await (const round of watch) {
      board.take(round);
      terminal.refresh();
      if (++shown >= rounds) break;
    }
  } finally {
    terminal.close();
  }
}
