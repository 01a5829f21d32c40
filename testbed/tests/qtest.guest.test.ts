import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startQtest, type Qtest } from '../src/qtest.ts';
import { requireTestbed } from '../src/testbed.ts';

const { testbed, reason } = await requireTestbed();
const title = reason === undefined ? 'a machine without a processor' : `a machine without a processor (skipped: ${reason})`;

describe.skipIf(testbed === undefined)(title, () => {
  let machine: Qtest;
  beforeEach(async () => {
    machine = await startQtest({ testbed: testbed!, qemuArgs: ['-device', 'virtio-rng-pci,id=rng,addr=5.0'] });
  });
  afterEach(() => machine.stop());

  it('reads and writes config space in every width', async () => {
    expect(await machine.configRead(0, 5, 0, 0, 4)).toBe(0x10051af4);
    expect(await machine.configRead(0, 5, 0, 2, 2)).toBe(0x1005);
    expect(await machine.configRead(0, 5, 0, 1, 1)).toBe(0x1a);
    expect(await machine.configRead(0, 6, 0, 0, 4)).toBe(0xffffffff);
    await machine.configWrite(0, 5, 0, 0x20, 4, 0xffffffff);
    const mask = await machine.configRead(0, 5, 0, 0x20, 4);
    expect([mask & 0xf, (~(mask & ~0xf) >>> 0) + 1]).toEqual([0xc, 0x4000]);
    await machine.configWrite(0, 5, 0, 0x3c, 1, 11);
    expect(await machine.configRead(0, 5, 0, 0x3c, 1)).toBe(11);
  });

  it('reads and writes memory in every width, low byte first', async () => {
    await machine.writeq(0x1000, 0xfedc_ba98_7654_3210n);
    expect(await machine.readq(0x1000n)).toBe(0xfedc_ba98_7654_3210n);
    expect([await machine.readl(0x1004), await machine.readw(0x1006), await machine.readb(0x1007)]).toEqual([0xfedcba98, 0xfedc, 0xfe]);
    await machine.writel(0x1000, 0x89abcdef);
    await machine.writew(0x1004, 0x4567);
    await machine.writeb(0x1006, 0x23);
    expect((await machine.read(0x1000, 8)).toString('hex')).toBe('efcdab89674523fe');
    const bytes = Buffer.from(Array.from({ length: 200_001 }, (_, i) => i * 7));
    await machine.write(0x100003n, bytes);
    expect((await machine.read(0x100003, bytes.length)).equals(bytes)).toBe(true);
  });

  it('reads and writes ports', async () => {
    await machine.outb(0x70, 0x0f);
    await machine.outb(0x71, 0x5a);
    await machine.outb(0x70, 0x0f);
    expect(await machine.inb(0x71)).toBe(0x5a);
    await machine.outl(0xcf8, 0x80002800);
    expect([await machine.inl(0xcfc), await machine.inw(0xcfe)]).toEqual([0x10051af4, 0x1005]);
  });

  it('moves the clock only when it is told to', async () => {
    const now = await machine.clockStep(1_000);
    expect(await machine.clockStep(500)).toBe(now + 500n);
    expect(await machine.clockStep()).toBeGreaterThan(now + 500n);
  });

  it('has a monitor with events', async () => {
    await machine.qmp('system_reset');
    expect((await machine.waitForEvent('RESET')).data).toMatchObject({ guest: false });
    await expect(machine.qmp('no-such-command')).rejects.toMatchObject({ code: 'refused' });
  });

  it('dies when it is killed, and says so to whoever waits', async () => {
    const waiting = machine.waitForEvent('SHUTDOWN');
    const told = expect(waiting).rejects.toMatchObject({ code: 'dead' });
    expect(await machine.kill()).toEqual({ code: null, signal: 'SIGKILL' });
    await told;
    await expect(machine.readb(0)).rejects.toMatchObject({ code: 'dead' });
    expect(machine.exited).toEqual({ code: null, signal: 'SIGKILL' });
  });
});
