import { closeSync, openSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EventFd } from '../events/event-fd.ts';
import { redirect } from './descriptor.ts';
import { compareOpenFiles, sameOpenFile } from './same-open-file.ts';

describe('sameOpenFile', () => {
  it('tells a file that is open under two numbers from one that was opened twice', () => {
    const [first, second, name] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r'), openSync('/dev/zero', 'r')];
    expect(sameOpenFile(first, second)).toBe(false);
    redirect(first, name);
    expect(sameOpenFile(first, name)).toBe(true);
    expect(sameOpenFile(second, name)).toBe(false);
    for (const fd of [first, second, name]) closeSync(fd);
    expect(() => sameOpenFile(first, 0)).toThrow(RangeError);
    expect(() => sameOpenFile(0, first)).toThrow(RangeError);
  });

  it('and has an order of them all', () => {
    const events = Array.from({ length: 50 }, () => new EventFd());
    const fds = events.map(({ fd }) => fd).sort((a, b) => compareOpenFiles(a, b) ?? Number.NaN);
    fds.forEach((a, i) => fds.forEach((b, j) => expect(Math.sign(compareOpenFiles(a, b) ?? Number.NaN)).toBe(Math.sign(i - j))));
    const name = openSync('/dev/null', 'r');
    redirect(fds[7] ?? -1, name);
    expect(compareOpenFiles(name, fds[7] ?? -1)).toBe(0);
    closeSync(name);
    for (const event of events) event.close();
    expect(() => compareOpenFiles(name, 0)).toThrow(RangeError);
  });

  it('tells eventfds apart, which all are one inode', () => {
    const [a, b] = [new EventFd(), new EventFd()];
    expect(sameOpenFile(a.fd, b.fd)).toBe(false);
    expect(sameOpenFile(a.fd, a.fd)).toBe(true);
    a.close();
    b.close();
  });
});
