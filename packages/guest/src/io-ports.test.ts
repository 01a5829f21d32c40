import { beforeEach, describe, expect, it } from 'vitest';
import { IoPorts } from './io-ports.ts';

describe('I/O ports', () => {
  let ports: IoPorts;
  let written: [offset: number, width: number, value: number][];
  beforeEach(() => {
    ports = new IoPorts();
    written = [];
    ports.add({ start: 0xa18, size: 4, read: (offset, width) => offset * 16 + width, write: (...access) => written.push(access) });
  });

  it('reach who answers there, with the offset from its first', () => {
    expect([ports.read(0xa18, 4), ports.read(0xa1a, 2), ports.read(0xa1b, 1)]).toEqual([0x04, 0x22, 0x31]);
    ports.write(0xa19, 1, 7);
    expect(written).toEqual([[1, 1, 7]]);
  });

  it('read as all ones and take anything where nobody does', () => {
    expect([ports.read(0xa17, 1), ports.read(0xa1c, 2), ports.read(0xa1a, 4)]).toEqual([0xff, 0xffff, 0xffff_ffff]);
    ports.write(0xa1a, 4, 1);
    expect(written).toEqual([]);
  });

  it('have one who answers', () => {
    const range = { size: 4, read: () => 0, write: () => undefined };
    expect(() => ports.add({ ...range, start: 0xa1b })).toThrow('ports 0xa1b to 0xa1e are taken');
    ports.add({ ...range, start: 0xa1c });
    expect(ports.read(0xa1c, 4)).toBe(0);
  });
});
