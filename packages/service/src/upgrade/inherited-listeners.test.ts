import { existsSync, fstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listenAtPath } from '@vpmem/native';
import { expect, it } from 'vitest';
import { closeListeners } from './inherited-listeners.ts';

it.each([
  ['a monitor', 'unix:'],
  ['a monitor that speaks telnet', 'telnet:'],
  ['metrics', 'metrics unix:'],
])('%s that nobody has any more is closed, and its path is gone', (_, scheme) => {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-listeners-'));
  const { path, fd } = listenAtPath(join(folder, 'monitor.sock'));
  closeListeners(new Map([[`${scheme}${path},server=on`, fd]]));
  expect(existsSync(path)).toBe(false);
  expect(() => fstatSync(fd)).toThrow('EBADF');
  rmSync(folder, { recursive: true });
});
