import type { ExploreProgress } from '@vpmem/explorer';
import { describe, expect, it } from 'vitest';
import { ProgressLine } from './progress-line.ts';

const WINDOWS = { done: 41, begun: 50, all: 10_000 };
const PROGRESS: ExploreProgress = { type: 'progress', windows: WINDOWS, known: 12_345, checks: 4000, rate: 103.6, failures: { states: 3, groups: 1 }, left: 75 };

describe('ProgressLine', () => {
  it('writes over one line of a terminal, at most ten times a second', () => {
    let time = 0;
    const line = new ProgressLine({ terminal: true, now: () => time });
    expect(line.update(PROGRESS)).toBe('\rwindow 41/10,000, 3 failed, 12,345 states, 104/s, 1 min 15 s left\u001b[K');
    time = 99;
    expect(line.update(PROGRESS)).toBe('');
    time = 100;
    expect(line.update({ ...PROGRESS, windows: { ...WINDOWS, done: 42 } })).toContain('window 42/');
  });

  it('writes plain lines where there is no terminal, one every five seconds', () => {
    let time = 1e6;
    const line = new ProgressLine({ terminal: false, now: () => time, colors: true });
    expect(line.update({ ...PROGRESS, rate: 3.14, left: Infinity })).toBe('window 41/10,000, 3 failed, 12,345 states, 3.1/s\n');
    time += 4999;
    expect(line.update(PROGRESS)).toBe('');
    time += 1;
    expect(line.update(PROGRESS)).toMatch(/^window .* left\n$/);
    expect(line.clear()).toBe('');
  });

  it('never fills the last column, and asks for the width each time', () => {
    let [time, width] = [0, 30];
    const line = new ProgressLine({ terminal: true, now: () => (time += 100), width: () => width });
    expect(line.update(PROGRESS)).toBe('\rwindow 41/10,000, 3 failed, …\u001b[K');
    width = 60;
    expect(line.update(PROGRESS)).toHaveLength(1 + 59 + 3);
  });

  it('takes its line away before something else is written, and shows it again at once', () => {
    const line = new ProgressLine({ terminal: true, now: () => 5 });
    expect(line.clear()).toBe('');
    line.update(PROGRESS);
    expect(line.clear()).toBe('\r\u001b[K');
    expect(line.clear()).toBe('');
    expect(line.update(PROGRESS)).not.toBe('');
  });

  it('is red once something failed, if it may have colours', () => {
    const of = (states: number): string => new ProgressLine({ terminal: true, colors: true }).update({ ...PROGRESS, failures: { states, groups: 1 } });
    expect(of(0)).not.toContain('\u001b[31m');
    expect(of(1)).toContain('\u001b[31m');
  });
});
