import { StringDecoder } from 'node:string_decoder';
import { ExploreError, type CheckQuestion } from '@vpmem/explorer';
import { acknowledged, type CheckPaths } from '../check-environment.ts';
import type { Checker } from '../checker.ts';
import { OUTPUT_LIMIT, type CheckerAnswer, type CheckerSession } from './checker-session.ts';
import { OutputTail } from './output-tail.ts';
import { ShellProcess } from './shell-process.ts';
import { lastLine } from '../verdict.ts';
import { parseWorkerAnswer, type WorkerQuestion } from './worker-protocol.ts';

/** Longest line, in bytes, that a worker may write. */
const MAX_LINE = 2 ** 20;

/** Starts the checker once, writes it a question for each image, and reads an answer. One that does not answer in time is killed, and begun anew for the next. */
export class WorkerSession implements CheckerSession {
  readonly #checker: Pick<Checker, 'script' | 'timeout'>;
  readonly #folder: string;
  readonly #environment: NodeJS.ProcessEnv;
  readonly #stderr = new OutputTail(OUTPUT_LIMIT);
  #process: ShellProcess | undefined;
  /** What was written since the last question, as far as it is no whole line yet. */
  #line = '';
  #settle: ((answer: CheckerAnswer) => void) | undefined;
  #closed = false;

  constructor(checker: Pick<Checker, 'script' | 'timeout'>, folder: string, environment: NodeJS.ProcessEnv) {
    this.#checker = checker;
    this.#folder = folder;
    // By which it is found if it leaves its group.
    this.#environment = { ...environment, VPMEM_OUT: `${folder}/out` };
  }

  async ask(question: CheckQuestion, _argument: string, { image, mount, out }: CheckPaths): Promise<CheckerAnswer> {
    if (this.#closed) throw new ExploreError('the place of this checker is closed');
    const process = (this.#process ??= this.#start());
    this.#stderr.clear();
    const asked: WorkerQuestion = {
      image,
      mount: mount ?? null,
      state: question.state,
      flush: question.window,
      marks: question.marks,
      lastMark: question.marks.at(-1) ?? '',
      acked: acknowledged(question.marks) ?? null,
      out,
    };
    let timer: NodeJS.Timeout | undefined;
    const answer = await new Promise<CheckerAnswer>((resolve) => {
      this.#settle = resolve;
      timer = setTimeout(() => resolve({ verdict: 'hang', signature: 'no answer in time', output: '' }), this.#checker.timeout);
      if (this.#line !== '') this.#refuse(this.#line);
      else process.write(`${JSON.stringify(asked)}\n`);
    });
    clearTimeout(timer);
    this.#settle = undefined;
    if (answer.verdict === 'hang' || answer.verdict === 'broken') await this.#end();
    return { ...answer, output: `${this.#stderr.text()}${answer.output}`.slice(-OUTPUT_LIMIT) };
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#end();
  }

  #start(): ShellProcess {
    this.#line = '';
    const decoder = new StringDecoder();
    const process = new ShellProcess(this.#checker.script, {
      environment: this.#environment,
      folder: this.#folder,
      writable: true,
      hear: (stream, chunk) => {
        if (stream === 'stderr') this.#stderr.add(chunk);
        else this.#hear(decoder.write(chunk));
      },
    });
    void process.end.then(({ status, signal, problem }) => {
      if (this.#process !== process) return;
      this.#process = undefined;
      const how = problem ?? (signal === undefined ? `with exit status ${status}` : `by signal ${signal}`);
      const said = lastLine(this.#stderr.text());
      this.#settle?.({ verdict: 'broken', signature: `the worker ended ${how}${said === undefined ? '' : `: ${said}`}`, output: '' });
    });
    return process;
  }

  /** An answer is one line, and nothing follows it. */
  #hear(text: string): void {
    this.#line += text;
    const end = this.#line.indexOf('\n');
    if (end === -1 && this.#line.length < MAX_LINE) return;
    const line = this.#line;
    const answer = end === line.length - 1 ? parseWorkerAnswer(line) : undefined;
    if (answer === undefined || this.#settle === undefined) {
      this.#refuse(line);
      return;
    }
    this.#line = '';
    this.#settle(answer);
  }

  #refuse(line: string): void {
    this.#settle?.({ verdict: 'broken', signature: `the worker wrote something that is no answer: ${line.trim().slice(0, 100)}`, output: line.slice(-OUTPUT_LIMIT) });
  }

  async #end(): Promise<void> {
    const process = this.#process;
    this.#process = undefined;
    this.#line = '';
    process?.kill();
    await process?.end;
    this.#settle?.({ verdict: 'broken', signature: 'the worker was ended', output: '' });
  }
}
