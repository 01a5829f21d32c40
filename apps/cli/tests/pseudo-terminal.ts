import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import xterm from '@xterm/headless';

/** After this nothing is waited for any more. */
const LIMIT_MS = 240_000;

export interface PseudoTerminalOptions {
  readonly columns: number;
  readonly rows: number;
  readonly env: NodeJS.ProcessEnv;
}

/** A terminal that script(1) makes and xterm.js draws, in which a command runs; its status and the terminal's modes are printed after it. */
export class PseudoTerminal {
  readonly #child: ChildProcess;
  readonly #screen: xterm.Terminal;
  readonly #waiting = new Set<() => void>();
  #received = '';

  private constructor(child: ChildProcess, { columns, rows }: PseudoTerminalOptions) {
    this.#child = child;
    this.#screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true });
    child.stdout?.on('data', (bytes: Buffer) => {
      this.#received += bytes.toString('latin1');
      this.#screen.write(bytes, () => {
        for (const look of [...this.#waiting]) look();
      });
    });
  }

  /** @param command a line for sh(1) */
  static start(command: string, options: PseudoTerminalOptions): PseudoTerminal {
    const { columns, rows, env } = options;
    const line = `echo "$(tty) $$ "; stty cols ${columns} rows ${rows}; ${command}; echo "status $?"; stty -a | grep -o -e '-\\?icanon' -e '-\\?echo ' -e '-\\?isig' | tr '\\n' ' '; echo over`;
    return new PseudoTerminal(spawn('script', ['-qefc', line, '/dev/null'], { env: { ...env, SHELL: '/bin/sh' }, stdio: ['pipe', 'pipe', 'inherit'] }), options);
  }

  /** What stands on the screen now, without spaces at the ends of lines. */
  get lines(): string[] {
    const { active } = this.#screen.buffer;
    return Array.from({ length: this.#screen.rows }, (_, row) => active.getLine(active.viewportY + row)?.translateToString(true) ?? '');
  }

  get text(): string {
    return this.lines.join('\n');
  }

  /** Whether it is the screen beside that of the shell. */
  get alternate(): boolean {
    return this.#screen.buffer.active.type === 'alternate';
  }

  /** xterm's own, for pictures. */
  get buffer(): xterm.IBuffer {
    return this.#screen.buffer.active;
  }

  /** The process id of the command. */
  get pid(): number {
    return Number(readFileSync(`/proc/${this.#shell.pid}/task/${this.#shell.pid}/children`, 'utf8').trim().split(' ')[0]);
  }

  /** How the terminal treats what is typed, as `stty -a` says. */
  get modes(): string {
    return spawnSync('stty', ['-F', this.#shell.tty, '-a'], { encoding: 'utf8' }).stdout;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  resize(columns: number, rows: number): void {
    this.#screen.resize(columns, rows);
    spawnSync('stty', ['-F', this.#shell.tty, 'cols', String(columns), 'rows', String(rows)]);
  }

  /** Lets script(1) go on, which stops when its command does. */
  goOn(): void {
    process.kill(this.pid, 'SIGCONT');
    this.#child.kill('SIGCONT');
  }

  /** Settles when the screen is as `found` says. @throws Error with the screen if that does not come about */
  async until(found: (terminal: this) => boolean): Promise<void> {
    if (found(this)) return;
    await new Promise<void>((resolve, reject) => {
      const hang = setTimeout(() => reject(new Error(`this is not what was waited for: ${found.toString()}\n${this.text}`)), LIMIT_MS);
      const look = (): void => {
        if (!found(this)) return;
        this.#waiting.delete(look);
        clearTimeout(hang);
        resolve();
      };
      this.#waiting.add(look);
    });
  }

  /** Settles when the command and the terminal have ended. */
  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
  }

  kill(): void {
    this.#child.kill('SIGKILL');
    this.#screen.dispose();
  }

  get #shell(): { readonly tty: string; readonly pid: number } {
    const [, tty = '', pid] = /(\/dev\/pts\/\d+) (\d+) /.exec(this.#received) ?? [];
    return { tty, pid: Number(pid) };
  }
}
