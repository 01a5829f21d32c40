import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureSocketFolder } from './socket-folder.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-socket-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

describe('ensureSocketFolder', () => {
  it('is vpmem in XDG_RUNTIME_DIR, made for its owner alone', () => {
    vi.stubEnv('XDG_RUNTIME_DIR', folder);
    expect(ensureSocketFolder()).toBe(join(folder, 'vpmem'));
    expect(statSync(join(folder, 'vpmem')).mode & 0o777).toBe(0o700);
    expect(ensureSocketFolder()).toBe(join(folder, 'vpmem'));
  });

  it('is one of this user\'s in the temporary directory without it', () => {
    vi.stubEnv('XDG_RUNTIME_DIR', '');
    vi.stubEnv('TMPDIR', folder);
    expect(ensureSocketFolder()).toBe(join(folder, `vpmem-${process.getuid?.()}`));
  });

  it.each<[string, (at: string) => void]>([
    ['others may enter', (at) => { mkdirSync(at); chmodSync(at, 0o755); }],
    ['is a link to somewhere', (at) => symlinkSync(folder, at)],
    ['is a file', (at) => writeFileSync(at, '')],
  ])('is refused when it %s', (_, prepare) => {
    vi.stubEnv('XDG_RUNTIME_DIR', folder);
    prepare(join(folder, 'vpmem'));
    expect(ensureSocketFolder).toThrow(/not a directory of this user's alone/);
  });
});
