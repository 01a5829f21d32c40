import { duplicate, EventFd, openPipe } from '@vpmem/native';
import { closeSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { OrderedFiles } from './ordered-files.ts';

let open: number[];
beforeEach(() => {
  open = [...Array.from({ length: 300 }, () => duplicated(new EventFd())), ...openPipe(), ...openPipe()];
});
afterEach(() => open.forEach((fd) => closeSync(fd)));

function duplicated(event: EventFd): number {
  const fd = duplicate(event.fd);
  event.close();
  return fd;
}

it('finds each of hundreds by any of its numbers, and none that is not there', () => {
  const files = new OrderedFiles<{ readonly fds: Set<number> }>();
  const entries = open.map((fd) => ({ fds: new Set([fd]) }));
  entries.forEach((entry, i) => {
    expect(files.find(open[i] ?? -1)).toBeUndefined();
    files.add(entry);
  });
  for (const [i, fd] of open.entries()) {
    const name = duplicate(fd);
    expect(files.find(name)).toBe(entries[i]);
    closeSync(name);
  }
  entries.forEach((entry, i) => i % 2 === 0 && files.remove(entry));
  open.forEach((fd, i) => expect(files.find(fd)).toBe(i % 2 === 0 ? undefined : entries[i]));
});
