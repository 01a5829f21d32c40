import { vi } from 'vitest';
import { program } from '../src/vpmem-program.ts';

/** How a command ended, and what it said. */
export interface Outcome {
  readonly status: NodeJS.Process['exitCode'];
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `vpmem` in this process, which must do nothing else meanwhile: for many command lines of which only what they say matters. That a process
 * ends so too is for others to try.
 */
export async function vpmemHere(args: readonly string[], { cwd, env = {} }: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv }): Promise<Outcome> {
  const said = { stdout: '', stderr: '' };
  const before = { cwd: process.cwd(), exitCode: process.exitCode, env: Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]])) };
  const streams = (['stdout', 'stderr'] as const).map((name) =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      said[name] += text.toString();
      return true;
    }),
  );
  process.chdir(cwd);
  // One by one: what node itself reads, such as TMPDIR, is the process's, whatever object stands here.
  setAll(env);
  process.exitCode = 0;
  try {
    await program.parseAsync(args, { from: 'user' });
    return { status: process.exitCode, ...said };
  } finally {
    process.chdir(before.cwd);
    setAll(before.env);
    process.exitCode = before.exitCode;
    for (const stream of streams) stream.mockRestore();
  }
}

function setAll(variables: NodeJS.ProcessEnv): void {
  for (const [name, value] of Object.entries(variables)) {
    if (value === undefined) Reflect.deleteProperty(process.env, name);
    else process.env[name] = value;
  }
}
