import { beforeEach, describe, expect, it } from 'vitest';
import { bytes, le16, le32, le64big, u8 } from './field.ts';
import { RegisterBlock, type Registers } from './register-block.ts';
import { struct } from './struct.ts';

const Layout = struct('block', { select: le32, size: le16, status: u8, generation: u8, address: le64big });

class Block implements Registers<typeof Layout> {
  select = 0;
  size = 7;
  address = 0n;
  writes: number[] = [];
  get status(): number {
    return 0x0f;
  }
  set status(value: number) {
    this.writes.push(value);
  }
  get generation(): number {
    return 3;
  }
}

let registers: Block;
let block: RegisterBlock<(typeof Layout)['members']>;
beforeEach(() => {
  registers = new Block();
  block = new RegisterBlock(Layout, registers);
});

describe('RegisterBlock', () => {
  it('reads and writes each register at its offset and width', () => {
    expect(block.write(0, 4, 0x1234_5678)).toBe(true);
    expect(registers.select).toBe(0x1234_5678);
    expect(block.read(0, 4)).toBe(0x1234_5678);
    expect(block.read(4, 2)).toBe(7);
    block.write(6, 1, 0);
    expect(registers.writes).toEqual([0]);
  });

  it('takes a write to a getter and ignores it', () => {
    expect(block.write(7, 1, 9)).toBe(true);
    expect(block.read(7, 1)).toBe(3);
  });

  it('serves the halves of a 64-bit register independently (VIRTIO 1.4 §4.1.3.1)', () => {
    block.write(12, 4, 0xffff_fffe);
    block.write(8, 4, 0x8000_0001);
    expect(registers.address).toBe(0xffff_fffe_8000_0001n);
    expect(block.read(8, 4)).toBe(0x8000_0001);
    expect(block.read(12, 4)).toBe(0xffff_fffe);
  });

  it('composes reads of other widths from the bytes that lie there', () => {
    registers.select = 0x4433_2211;
    expect(block.read(1, 1)).toBe(0x22);
    expect(block.read(2, 2)).toBe(0x4433);
    expect(block.read(4, 4)).toBe(0x030f_0007);
    expect(block.read(15, 4)).toBe(0);
  });

  it('refuses writes of another width, between registers, and outside', () => {
    expect(block.write(0, 2, 1)).toBe(false);
    expect(block.write(1, 1, 1)).toBe(false);
    expect(block.write(4, 4, 1)).toBe(false);
    expect(block.write(10, 4, 1)).toBe(false);
    expect(block.write(16, 4, 1)).toBe(false);
    expect(registers).toMatchObject({ select: 0, size: 7, address: 0n });
  });

  it('refuses a register of an odd width, and one without a property', () => {
    expect(() => new RegisterBlock(struct('s', { x: bytes(3) }), { x: new Uint8Array(3) })).toThrow(/1, 2, 4 or 8 bytes/);
    expect(() => new RegisterBlock(struct('s', { x: u8 }), {} as { x: number })).toThrow(/no property behind it/);
  });
});
