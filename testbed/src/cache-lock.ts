import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { TestbedError } from './testbed-error.ts';

/**
 * Does work that no other process of this machine does at the same time. The kernel holds the lock for flock(1), whose
 * life hangs on a pipe from us: however we end, the lock ends too.
 *
 * @param onWait called when somebody else has it
 */
export async function withLock<T>(path: string, onWait: () => void, work: () => Promise<T>): Promise<T> {
  const script = 'flock -n 9 || { echo wait; flock 9; }; echo locked; exec cat';
  const holder = spawn('sh', ['-c', `exec 9>>"$0"; ${script}`, path], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stderr = '';
  holder.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const ended = once(holder, 'close');
  try {
    await new Promise<void>((resolve, reject) => {
      holder.once('error', (error) => reject(new TestbedError('program', `cannot run sh: ${error.message}`, { cause: error })));
      holder.once('close', () => reject(new TestbedError('program', `cannot lock ${path}: ${stderr}`)));
      holder.stdout.on('data', (chunk: Buffer) => {
        const words = chunk.toString().split('\n');
        if (words.includes('wait')) onWait();
        if (words.includes('locked')) resolve();
      });
    });
    return await work();
  } finally {
    holder.stdin.end();
    await ended;
  }
}
