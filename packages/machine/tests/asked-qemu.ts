import { spawn } from 'node:child_process';
import type { Verdict } from './option-case.ts';

const LIMIT = 60_000;

/**
 * What QEMU makes of a command line: it is started in `folder` and asked to quit as soon as it has set everything up.
 *
 * @throws if it neither starts nor refuses, as when it crashes
 */
export async function askQemu(command: readonly string[], folder: string): Promise<Verdict> {
  const [program = '', ...args] = command;
  const child = spawn(program, [...args, '-qmp', 'stdio'], { cwd: folder, stdio: 'pipe', timeout: LIMIT, killSignal: 'SIGKILL' });
  let answers = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => (answers += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  // It may be gone before it reads any of this.
  child.stdin.on('error', () => undefined);
  child.stdin.end('{"execute": "qmp_capabilities"} {"execute": "quit"}');
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...end) => resolve(end));
  });
  if (status === 0) return answers.startsWith('{"QMP"') ? 'accepts' : 'help';
  if (status === 1) return { refused: complaint };
  throw new Error(`${command.join(' ')}\nended with ${signal ?? `status ${String(status)}`}: ${complaint}`);
}
