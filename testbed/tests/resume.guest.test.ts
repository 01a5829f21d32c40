import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Guest } from '../src/guest.ts';
import { resumeGuest, type ResumeOptions } from '../src/resume-guest.ts';
import { requireTestbed } from '../src/testbed.ts';

const { testbed, reason } = await requireTestbed();
/** Each boot has a token of its own there. */
const LINE = 'cat /proc/cmdline';

describe.skipIf(testbed === undefined)(`a guest that has booted before${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const guests: Guest[] = [];
  const outer = process.env.TMPDIR;
  let folder: string;
  beforeEach(() => {
    folder = process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'vpmem-resume-'));
  });
  afterEach(async () => {
    for (const guest of guests.splice(0)) await guest.stop();
    if (outer === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = outer;
    rmSync(folder, { recursive: true });
  });
  const resume = async (options: Partial<ResumeOptions> = {}): Promise<Guest> => {
    const guest = await resumeGuest({ testbed: testbed!, ...options });
    guests.push(guest);
    return guest;
  };

  it('goes on in any number of machines, each for itself, at the time of the host, with what is plugged in; and boots when it is told to', async () => {
    const began = Math.floor(Date.now() / 1000);
    const [one, two] = [await resume({ plug: [JSON.stringify({ driver: 'virtio-rng-pci', id: 'rng' })] }), await resume()];
    const now = Number(await two.sh('date +%s'));
    expect([now >= began, now <= Math.ceil(Date.now() / 1000)]).toEqual([true, true]);
    expect([one.boots, one.console]).toEqual([1, expect.stringContaining('Linux version')]);
    expect(await one.sh(LINE)).toBe(await two.sh(LINE));
    await one.sh('until cat /sys/bus/virtio/devices/*/device | grep -q 0x0004; do sleep 0.05; done; touch /root/here');
    expect(await two.sh('ls /root /sys/bus/virtio/devices')).toBe('/root:\n\n/sys/bus/virtio/devices:');

    await one.reboot('reset');
    expect([one.boots, await one.sh('ls /root; cat /sys/bus/virtio/devices/*/device')]).toEqual([2, '0x0004']);
  });

  it('leaves nothing where a device cannot be plugged in', async () => {
    await expect(resume({ plug: ['{"driver":"no-such-device"}'] })).rejects.toMatchObject({ code: 'refused', message: expect.stringContaining("'no-such-device' is not a valid device model name") as string });
    expect(readdirSync(folder)).toEqual([]);
  });
});
