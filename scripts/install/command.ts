import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Milliseconds after which a command hangs. */
const LIMIT = 600_000;

/** What a command printed. */
export interface Printed {
  readonly stdout: string;
  readonly stderr: string;
}

/** What this process was started with, without what npm, pnpm and vitest tell their children: a user's shell has none of it. */
export function userEnvironment(own: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !/^(npm_|pnpm_|vitest|node_env$|node_options$|init_cwd$|xdg_runtime_dir$|vpmem_(?!testbed_|qemu$))/i.test(name));
  const path = (process.env.PATH ?? '').split(':').filter((folder) => !folder.includes('node_modules'));
  return { ...Object.fromEntries(inherited), PATH: path.join(':'), ...own };
}

/** Runs a program to its end. @throws Error with all it printed, if its status is not 0 */
export async function run(program: string, args: readonly string[], options: { cwd: string; env: NodeJS.ProcessEnv }): Promise<Printed> {
  try {
    return await execute(program, args, { ...options, timeout: LIMIT, killSignal: 'SIGKILL', maxBuffer: 2 ** 26 });
  } catch (error) {
    const { stdout = '', stderr = '', code, signal } = error as Partial<Printed> & { code?: unknown; signal?: unknown };
    throw new Error(`${[program, ...args].join(' ')} in ${options.cwd} ended with ${String(signal ?? code)}\n${stdout}${stderr}`);
  }
}
