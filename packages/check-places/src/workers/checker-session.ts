import { ExploreError, type CheckQuestion, type Verdict } from '@vpmem/explorer';
import { checkEnvironment, type CheckPaths } from '../check-environment.ts';
import type { Checker } from '../checker.ts';
import { OutputTail } from './output-tail.ts';
import { ShellProcess } from './shell-process.ts';
import { verdictOf } from '../verdict.ts';

/** Bytes kept of what a checker writes. */
export const OUTPUT_LIMIT = 65_536;

/** What a checker says of one image. */
export interface CheckerAnswer {
  readonly verdict: Verdict;
  readonly signature: string;
  readonly output: string;
}

/** A checker at one place: a program that is run for each image, or one that is started once and asked. */
export interface CheckerSession {
  /** `argument`: what `$1` is. */
  ask(question: CheckQuestion, argument: string, paths: CheckPaths): Promise<CheckerAnswer>;
  /** Ends what runs now, whose answer comes at once. */
  close(): Promise<void>;
}

/** Runs the checker's script for each image. */
export class ScriptSession implements CheckerSession {
  readonly #script: string;
  readonly #timeout: number;
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  #running: ShellProcess | undefined;
  #closed = false;

  /** `environment`: what its own variables are added to. */
  constructor({ script, timeout }: Pick<Checker, 'script' | 'timeout'>, folder: string, environment: NodeJS.ProcessEnv) {
    this.#script = script;
    this.#timeout = timeout;
    this.#folder = folder;
    this.#environment = environment;
  }

  async ask(question: CheckQuestion, argument: string, paths: CheckPaths): Promise<CheckerAnswer> {
    if (this.#closed) throw new ExploreError('the place of this checker is closed');
    const heard = { stdout: new OutputTail(OUTPUT_LIMIT), stderr: new OutputTail(OUTPUT_LIMIT) };
    const both = new OutputTail(OUTPUT_LIMIT);
    let timedOut = false;
    const process = new ShellProcess(this.#script, {
      argument,
      environment: { ...this.#environment, ...checkEnvironment(question, paths) },
      folder: this.#folder,
      hear: (stream, chunk) => {
        heard[stream].add(chunk);
        both.add(chunk);
      },
    });
    this.#running = process;
    const timer = setTimeout(() => {
      timedOut = true;
      process.kill();
    }, this.#timeout);
    const { status, signal, problem } = await process.end;
    clearTimeout(timer);
    this.#running = undefined;
    if (problem !== undefined) return { verdict: 'broken', signature: problem, output: problem };
    return { ...verdictOf({ status, signal, timedOut, stdout: heard.stdout.text(), stderr: heard.stderr.text() }), output: both.text() };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#running?.kill();
    await this.#running?.end;
  }
}
