import { describe, expect, it } from 'vitest';
import { availableFlags, isAvailable, isUsed, PvirtqDesc, PvirtqEventSuppress, reachedSlot, slotWord, usedFlags } from './packed-layout.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const offsets = (fields: Record<string, { offset: number }>): Record<string, number> =>
  Object.fromEntries(Object.entries(fields).map(([name, { offset }]) => [name, offset]));

describe('VIRTIO 1.4 §2.8', () => {
  it('struct pvirtq_desc', () => {
    expect(PvirtqDesc.size).toBe(16);
    expect(offsets(PvirtqDesc.fields)).toEqual({ addr: 0, len: 8, id: 12, flags: 14 });
    expect(hex(PvirtqDesc.encode({ addr: 0x1_0000, len: 4, id: 7, flags: 0x0081 }))).toBe('00000100000000000400000007008100');
    expect(hex(PvirtqDesc.encode({ addr: 0x1_0010, len: 4, id: 7, flags: 0x0082 }))).toBe('10000100000000000400000007008200');
    expect(hex(PvirtqDesc.encode({ len: 4, id: 7, flags: usedFlags(true) | 2 })).slice(16)).toBe('0400000007008280');
  });

  it('struct pvirtq_event_suppress', () => {
    expect(PvirtqEventSuppress.size).toBe(4);
    expect(offsets(PvirtqEventSuppress.fields)).toEqual({ desc: 0, flags: 2 });
    expect(hex(PvirtqEventSuppress.encode({ desc: slotWord(5, true), flags: 2 }))).toBe('05800200');
  });

  it.each([
    [true, 0x0080, 0x8080],
    [false, 0x8000, 0x0000],
  ])('PKD-D2 wrap counter %s: available 0x%s, used 0x%s', (wrap, available, used) => {
    expect([availableFlags(wrap), usedFlags(wrap)]).toEqual([available, used]);
    const laps = [0x0080, 0x8080, 0x8000, 0x0000];
    expect(laps.filter((flags) => isAvailable(flags | 7, wrap))).toEqual([available]);
    expect(laps.filter((flags) => isUsed(flags | 7, wrap))).toEqual([used]);
  });

  it('PEVT-D2 a slot is reached when it lies among those just passed, also before the wrap', () => {
    const passed = (next: number, wrap: boolean, count: number): string[] =>
      [true, false].flatMap((lap) => Array.from({ length: 8 }, (_, slot) => (reachedSlot(slotWord(slot, lap), next, wrap, count, 8) ? `${slot}${lap ? '+' : '-'}` : [])).flat());
    expect(passed(5, true, 2)).toEqual(['3+', '4+']);
    expect(passed(5, true, 0)).toEqual([]);
    expect(passed(2, false, 4)).toEqual(['6+', '7+', '0-', '1-']);
    expect(passed(0, false, 8)).toEqual(['0+', '1+', '2+', '3+', '4+', '5+', '6+', '7+']);
  });
});
