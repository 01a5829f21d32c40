import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { be16, be32, be64, bytes, le16, le32, le64, le64big, u8 } from './field.ts';
import { struct } from './struct.ts';

/** VIRTIO 1.4 §2.7.5, struct virtq_desc: the structure the notation was made for. */
const VirtqDesc = struct('virtq_desc', { addr: le64, len: le32, flags: le16, next: le16 });

describe('struct', () => {
  it('places members one after the other', () => {
    expect(VirtqDesc.size).toBe(16);
    expect(Object.fromEntries(Object.entries(VirtqDesc.fields).map(([k, f]) => [k, f.offset]))).toEqual({ addr: 0, len: 8, flags: 12, next: 14 });
  });

  it('encodes in memory order, little-endian', () => {
    const encoded = VirtqDesc.encode({ addr: 0x1_0000, len: 4, flags: 1, next: 1 });
    expect(Buffer.from(encoded).toString('hex')).toBe('00000100000000000400000001000100');
  });

  it('leaves members it was not given', () => {
    const view = new DataView(VirtqDesc.encode({ addr: 1, len: 2, flags: 3, next: 4 }).buffer);
    VirtqDesc.write(view, 0, { len: 9 });
    expect(VirtqDesc.decode(view)).toEqual({ addr: 1, len: 9, flags: 3, next: 4 });
  });

  it('reads back what was written, at any base', () => {
    const All = struct('all', { a: u8, b: le16, c: le32, d: le64, e: le64big, f: bytes(3) });
    expect(All.size).toBe(1 + 2 + 4 + 8 + 8 + 3);
    fc.assert(
      fc.property(
        fc.nat(9),
        fc.record({
          a: fc.nat(0xff),
          b: fc.nat(0xffff),
          c: fc.nat(0xffff_ffff),
          d: fc.maxSafeNat(),
          e: fc.bigInt(0n, 2n ** 64n - 1n),
          f: fc.uint8Array({ minLength: 3, maxLength: 3 }),
        }),
        (base, values) => {
          const view = new DataView(new ArrayBuffer(base + All.size));
          All.write(view, base, values);
          expect(All.decode(view, base)).toEqual(values);
        },
      ),
    );
  });

  it('a 64-bit number above 2^53 never reads as a smaller address', () => {
    fc.assert(
      fc.property(fc.bigInt(2n ** 53n, 2n ** 64n - 1n), (value) => {
        const view = new DataView(new ArrayBuffer(8));
        view.setBigUint64(0, value, true);
        expect(struct('s', { x: le64 }).fields.x.get(view, 0)).toBeGreaterThanOrEqual(2 ** 53);
      }),
    );
  });

  it('has big-endian members, the most significant byte first', () => {
    const S = struct('s', { a: be16, b: be32, c: be64 });
    const encoded = S.encode({ a: 0x0102, b: 0x8304_0506, c: 0x1f_0809_0a0b_0c0d });
    expect(Buffer.from(encoded).toString('hex')).toBe('010283040506001f08090a0b0c0d');
    expect(S.decode(new DataView(encoded.buffer))).toEqual({ a: 0x0102, b: 0x8304_0506, c: 0x1f_0809_0a0b_0c0d });
    fc.assert(
      fc.property(fc.nat(0xffff), fc.nat(0xffff_ffff), fc.maxSafeNat(), (a, b, c) => {
        expect(S.decode(new DataView(S.encode({ a, b, c }).buffer))).toEqual({ a, b, c });
      }),
    );
  });

  it('cuts and pads bytes to their length', () => {
    const S = struct('s', { x: bytes(2) });
    expect([...S.encode({ x: Uint8Array.of(1, 2, 3) })]).toEqual([1, 2]);
    expect([...S.encode({ x: Uint8Array.of(1) })]).toEqual([1, 0]);
  });
});
