import { explainError, ForeignError } from '@vpmem/machine';
import { OptionError } from '@vpmem/options';
import { QmpError } from '@vpmem/qmp';
import { completeLine } from './complete-line.ts';
import type { Invocation } from './hmp-command.ts';
import { resolveCommand, UnknownCommand, type ResolvedCommand } from './hmp-commands.ts';
import type { HmpContext } from './hmp-context.ts';
import type { Completions } from './line-editor.ts';
import { HmpSyntaxError } from './line-reader.ts';

/** Characters that a line can have: a terminal's has far fewer, but QMP passes on what its client likes. */
const MAX_LINE = 2 ** 20;

/** The human monitor without its terminal: lines in, text out. */
export class HmpShell {
  readonly #context: HmpContext;
  readonly #internalError: (error: unknown) => void;
  #over = false;

  /** @param internalError told of errors that are nobody's but ours */
  constructor(context: HmpContext, internalError: (error: unknown) => void) {
    this.#context = context;
    this.#internalError = internalError;
  }

  /** Whether the program ends, by a command of this shell. */
  get over(): boolean {
    return this.#over;
  }

  /**
   * Runs a line and gives back what it prints, lines ended by LF. Never rejects: what goes wrong is in the text.
   *
   * @param history what `info history` shows, the oldest line first
   */
  async run(line: string, history: readonly string[] = []): Promise<string> {
    if (line.length > MAX_LINE) return `Error: the line has ${line.length} characters; a command has at most ${MAX_LINE}\n`;
    const printed: string[] = [];
    const invocation: Invocation = { ...this.#context, history, leave: () => (this.#over = true), print: (text) => void printed.push(`${text}\n`) };
    try {
      const resolved = resolveCommand(this.#context, line);
      if (resolved !== undefined) await this.#runResolved(resolved, invocation);
    } catch (error) {
      printed.push(await this.#explain(error, line));
    }
    return printed.join('');
  }

  /** What the end of a line can become. Never rejects. */
  async complete(line: string): Promise<Completions> {
    try {
      return await completeLine(this.#context, line);
    } catch (error) {
      this.#internalError(error);
      return [[], line];
    }
  }

  async #runResolved({ command, written, reader }: ResolvedCommand, invocation: Invocation): Promise<void> {
    try {
      await command.run(invocation, reader);
    } catch (error) {
      if (!(error instanceof HmpSyntaxError)) throw error;
      invocation.print(`${command.names.join('|')}: ${error.message}`);
      invocation.print(`Try "help ${written}" for more information`);
    }
  }

  async #explain(error: unknown, line: string): Promise<string> {
    if (error instanceof UnknownCommand) return this.#askForeign(error, line);
    if (error instanceof OptionError) return `Error: ${error.message}\n${error.hint === undefined ? '' : `${error.hint}\n`}`;
    const known = error instanceof QmpError || error instanceof ForeignError ? error.message : explainError(error);
    if (known !== undefined) return `Error: ${known}\n`;
    this.#internalError(error);
    return `Error: internal error: ${error instanceof Error ? error.message : String(error)}\n`;
  }

  /** What is not ours may be the VM's own monitor's. */
  async #askForeign(unknown: UnknownCommand, line: string): Promise<string> {
    const { foreign } = this.#context.machine;
    if (foreign === undefined) return `${unknown.message}\n`;
    try {
      const text = (await foreign.humanCommand(line)).replaceAll('\r\n', '\n');
      return text === '' || text.endsWith('\n') ? text : `${text}\n`;
    } catch (error) {
      return this.#explain(error, line);
    }
  }
}
