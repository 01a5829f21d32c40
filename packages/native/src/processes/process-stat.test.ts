import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { processStat } from './process-stat.ts';

it('reads what stands behind a name, whatever that is', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-stat-'));
  const program = join(folder, 'a) R 1 (b');
  symlinkSync('/bin/cat', program);
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'ignore'] });
  // It reads, so it has its name by now.
  child.stdin.write('x');
  await once(child.stdout, 'data');
  const { state, started } = processStat(child.pid ?? 0);
  expect('RSD').toContain(state);
  expect(Number(started)).toBeGreaterThanOrEqual(Number(processStat(process.pid).started));
  child.kill();
  await once(child, 'exit');
  expect(() => processStat(child.pid ?? 0)).toThrow(/ENOENT|ESRCH/);
  rmSync(folder, { recursive: true });
});

it('counts processor time as node does', () => {
  // More than one tick of each, so that one in place of the other would be seen.
  for (let i = 0; process.cpuUsage().user < 300_000 && i < 1e9; i++);
  const before = process.cpuUsage();
  const { userTicks, systemTicks } = processStat(process.pid);
  const after = process.cpuUsage();
  for (const [ticks, least, most] of [[userTicks, before.user, after.user], [systemTicks, before.system, after.system]] as const) {
    // Node reads the same in µs; the kernel rounds down.
    expect(ticks * 10_000).toBeGreaterThan(least - 20_000);
    expect(ticks * 10_000).toBeLessThanOrEqual(most + 10_000);
  }
});
