import { execFileSync } from 'node:child_process';
import { closeSync, readSync, writeSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openPipe } from './pipe.ts';

it('carries bytes one way, and can be opened by its name', () => {
  const [read, write] = openPipe();
  try {
    const bytes = Buffer.alloc(8);
    writeSync(write, 'ab');
    expect(bytes.toString('utf8', 0, readSync(read, bytes))).toBe('ab');
    execFileSync('sh', ['-c', 'printf cd >/dev/stdout'], { stdio: ['ignore', write, 'ignore'] });
    expect(bytes.toString('utf8', 0, readSync(read, bytes))).toBe('cd');
    closeSync(write);
    expect(readSync(read, bytes)).toBe(0);
  } finally {
    closeSync(read);
  }
});
