import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { leaveCore } from './core-change.ts';
import { schedGetcpu } from '../libc.ts';

/** The processors this thread may use, as /proc has them. */
const allowed = (): string => /^Cpus_allowed:\t(.*)$/m.exec(readFileSync('/proc/thread-self/status', 'utf8'))?.[1] ?? '';

it.skipIf(availableParallelism() === 1)(`goes to another core, and may use all of them as before${availableParallelism() === 1 ? ' (skipped: there is one)' : ''}`, () => {
  const before = allowed();
  // The scheduler may move the thread as well, between the two questions.
  const changes = Array.from({ length: 20 }, () => {
    const core = schedGetcpu();
    return leaveCore() && schedGetcpu() !== core;
  });
  expect(changes.filter((changed) => changed).length).toBeGreaterThan(10);
  expect(allowed()).toBe(before);
});
