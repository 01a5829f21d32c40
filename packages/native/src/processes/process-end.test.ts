import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { processEnd } from './process-end.ts';

describe('processEnd', () => {
  it('waits for a process that somebody else started', async () => {
    const { stdout } = spawnSync('sh', ['-c', 'sleep 60 > /dev/null 2>&1 & echo $!'], { encoding: 'utf8' });
    const pid = Number(stdout);
    let ended = false;
    const end = processEnd(pid).then(() => (ended = true));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(ended).toBe(false);
    process.kill(pid);
    await end;
  });

  it('is over at once where there is no such process', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    await processEnd(child.pid ?? 0);
  });
});
