import { spawn } from 'node:child_process';
import { TestbedError } from './testbed-error.ts';

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Called with each line of its output as it comes. */
  readonly onLine?: (line: string) => void;
}

export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: Buffer;
  /** Of both streams, as it came. */
  readonly output: string;
}

/** Runs a program to its end, whatever that is. @throws TestbedError if it cannot be started */
export function tryProgram(command: readonly string[], options: ProgramOptions = {}): Promise<ProgramResult> {
  const [path = '', ...args] = command;
  return new Promise((resolve, reject) => {
    const child = spawn(path, args, { cwd: options.cwd, env: options.env ?? process.env, stdio: ['ignore', 'pipe', 'pipe'] });
    const stdout: Buffer[] = [];
    let output = '';
    let line = '';
    const take = (chunk: Buffer): void => {
      const text = chunk.toString();
      output += text;
      const lines = (line + text).split('\n');
      line = lines.pop() ?? '';
      for (const each of lines) options.onLine?.(each);
    };
    child.stdout.on('data', (chunk: Buffer) => {
      stdout.push(chunk);
      // A megabyte of module is no text, and nobody reads it line by line.
      if (options.onLine !== undefined) take(chunk);
    });
    child.stderr.on('data', take);
    child.once('error', (error) => reject(new TestbedError('program', `cannot run ${path}: ${error.message}`, { cause: error })));
    child.once('close', (status) => {
      const bytes = Buffer.concat(stdout);
      resolve({ status, stdout: bytes, output: options.onLine === undefined ? output + bytes.toString() : output });
    });
  });
}

/** Runs a program that has to succeed, and gives back what it wrote. @throws TestbedError with its output if it fails */
export async function runProgram(command: readonly string[], options: ProgramOptions = {}): Promise<Buffer> {
  const { status, stdout, output } = await tryProgram(command, options);
  if (status === 0) return stdout;
  throw new TestbedError('program', `${command.join(' ')}\nended with status ${String(status)}:\n${tail(output, 4000)}`);
}

/** The end of a long text. */
export function tail(text: string, length: number): string {
  return text.length <= length ? text : `…${text.slice(-length)}`;
}
