// The oracle of `npm run test:oracle` itself: tests that pass are red if a flush in a vpmemd of theirs does not write.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';

const APP = join(import.meta.dirname, '..');
const ROOT = join(APP, '../..');
const LYING_DISK = pathToFileURL(join(ROOT, 'scripts/oracle/lying-disk.mjs')).href;

function underOracle(nodeOptions = ''): { status: number | null; text: string } {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', '--config', join(ROOT, 'vitest.oracle.config.ts'), 'src/vpmemd.process', '-t', 'SIGTERM: takes its sockets away'];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: APP,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: nodeOptions, NO_COLOR: '1' },
    timeout: 120_000,
  });
  return { status, text: stdout + stderr };
}

it('a test whose flushes write is green, and they are counted', { timeout: 120_000 }, () => {
  const { status, text } = underOracle();
  expect(text).toMatch(/the oracle looked at [1-9]\d* flushes/);
  expect(status).toBe(0);
});

it('the same test is red if they do not, with the device, the flush and the place', { timeout: 120_000 }, () => {
  const { status, text } = underOracle(`--import=${LYING_DISK}`);
  expect(text).toMatch(/FAIL .*vpmemd > SIGTERM: takes its sockets away/);
  expect(text).toMatch(/under the oracle: memory backend 'mem0': flush 1 was answered, but byte 0 of the file is 0 and not 107/);
  expect(status).not.toBe(0);
});
