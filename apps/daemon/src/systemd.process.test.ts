// The unit under a real systemd.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemdContainer } from '@vpmem/descriptor-store/testing';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bytesOf } from '../../../packages/machine/tests/bytes-of.ts';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const obstacle = SystemdContainer.obstacle();
const CONFIG = '[object "mem0"]\nqom-type = "memory-backend-file"\nmem-path = "mem0.img"\nsize = "4M"\nshare = "on"\n[device "nv0"]\ndriver = "virtio-pmem-pci"\nmemdev = "mem0"\n';

describe.skipIf(obstacle !== undefined)(`vpmemd@.service under systemd${obstacle === undefined ? '' : ` (skipped: ${obstacle})`}`, () => {
  let folder: string;
  let systemd: SystemdContainer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmemd-systemd-'));
    const journal = join(folder, 'journal');
    writeFileSync(journal, '');
    const { dev, ino } = statSync(journal);
    // Everything as it is, but for where vpmemd, its options and its files are.
    const unit = readFileSync(here('../systemd/vpmemd@.service'), 'utf8')
      .replaceAll(/^(Exec\w+)=vpmemd/gm, `$1=${process.execPath} ${here('../dist/main.js')}`)
      .replaceAll('/etc/vpmem', folder)
      .replace('StateDirectory=vpmem/%i', `ReadWritePaths=${folder}`)
      .replace('WorkingDirectory=%S/vpmem/%i', `WorkingDirectory=${folder}/%i`)
      // The test's folder, and perhaps node and vpmemd, are there.
      .replace('PrivateTmp=yes', 'PrivateTmp=no')
      .replace('WatchdogSec=30', 'WatchdogSec=3')
      // What would be the journal.
      .replace('[Service]\n', `[Service]\nStandardError=append:${journal}\nEnvironment=JOURNAL_STREAM=${dev}:${ino}\n`)
      .replace('ProtectHome=yes', 'ProtectHome=no');
    for (const name of ['vm1', 'wrong']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, `${name}.conf`), name === 'wrong' ? CONFIG.replace('[object "mem0"]', '[object "mem1"]') : CONFIG);
    }
    systemd = await SystemdContainer.start({ 'vpmemd@.service': unit });
  });
  afterAll(async () => {
    await systemd.stop();
    rmSync(folder, { recursive: true });
  });

  const show = (unit: string, ...names: string[]): string[] => names.map((name) => systemd.property(unit, name));
  const said = (): string => readFileSync(join(folder, 'journal'), 'utf8');
  const inode = (): string => systemd.run('stat', '-c', '%i', '/run/vpmem/vm1').stdout;

  it('is ready, says how it is, is started again after kill -9 with its folder as it was, and stops in good order', async () => {
    expect(systemd.run('systemctl', 'start', 'vpmemd@vm1')).toMatchObject({ status: 0, stderr: '' });
    expect(show('vpmemd@vm1', 'ActiveState', 'StatusText', 'NRestarts')).toEqual(['active', '1 device, 0 in use', '0']);
    const [main = ''] = show('vpmemd@vm1', 'MainPID');
    const before = inode();
    systemd.run('kill', '-KILL', main);
    await expect.poll(() => show('vpmemd@vm1', 'SubState', 'StatusText', 'NRestarts')).toEqual(['running', '1 device, 0 in use', '1']);
    expect(inode()).toBe(before);
    expect(systemd.run('systemctl', 'stop', 'vpmemd@vm1').status).toBe(0);
    expect(show('vpmemd@vm1', 'ActiveState', 'Result', 'NFileDescriptorStore')).toEqual(['inactive', 'success', '0']);
  });

  describe('under a guest', () => {
    let guest: Guest;
    let disk: GuestDisk;
    beforeEach(() => {
      expect(systemd.run('systemctl', 'start', 'vpmemd@vm1')).toMatchObject({ status: 0, stderr: '' });
      guest = new Guest();
      disk = guest.plug(RemoteFunction.connect(systemd.outside('/run/vpmem/vm1/nv0.sock')));
    });
    afterEach(() => {
      guest.cutPower();
      writeFileSync(join(folder, 'vm1.conf'), CONFIG);
      systemd.run('systemctl', 'stop', 'vpmemd@vm1');
    });

    const main = (): string => systemd.property('vpmemd@vm1', 'MainPID');
    const kill = (pid: string): Promise<number | null> => systemd.runMeanwhile('kill', '-KILL', pid);
    const systemctl = (verb: string): Promise<number | null> => systemd.runMeanwhile('systemctl', verb, 'vpmemd@vm1');
    const ended = (pid: string): boolean => systemd.run('kill', '-0', pid).status !== 0;
    const running = (...then: string[]): Promise<void> => expect.poll(() => show('vpmemd@vm1', 'SubState', 'StatusText', 'NFileDescriptorStore')).toEqual(['running', '1 device, 1 in use', ...then]);
    /** Does it while the guest flushes without a pause, and then some times more: no flush fails, and each is true. */
    const whileFlushing = async (act: () => Promise<unknown>): Promise<void> => {
      let left = Infinity;
      const flushing = (async () => {
        for (let i = 0; left > 0; i++) {
          const text = `flush ${i} `;
          disk.write(0, Buffer.from(text));
          await disk.fsync();
          expect(bytesOf(join(folder, 'vm1', 'mem0.img'), 0, text.length).toString()).toBe(text);
          await new Promise(setImmediate);
          left--;
        }
      })();
      await act();
      left = 100;
      await flushing;
    };

    it('which waits when it is killed, and notices nothing else', async () => {
      await disk.fsync();
      const [held = ''] = show('vpmemd@vm1', 'NFileDescriptorStore');
      for (let times = 0; times < 3; times++) {
        const before = main();
        await whileFlushing(() => kill(before));
        await running(held);
        expect(main()).not.toBe(before);
      }
    });

    it('which waits when it is restarted', async () => {
      await disk.fsync();
      const [held = ''] = show('vpmemd@vm1', 'NFileDescriptorStore');
      for (let times = 0; times < 3; times++) {
        const [before, folderBefore] = [main(), inode()];
        await whileFlushing(async () => expect(await systemctl('restart')).toBe(0));
        await running(held);
        expect([ended(before), inode()]).toEqual([true, folderBefore]);
      }
      expect(show('vpmemd@vm1', 'NRestarts')).toEqual(['0']);
    });

    it('which goes on with the process that takes over, at each reload and when that is killed', async () => {
      await disk.fsync();
      const [[held = ''], since] = [show('vpmemd@vm1', 'NFileDescriptorStore'), show('vpmemd@vm1', 'ActiveEnterTimestampMonotonic')];
      for (let times = 0; times < 2; times++) {
        const before = main();
        await whileFlushing(async () => expect(await systemctl('reload')).toBe(0));
        await expect.poll(() => ended(before)).toBe(true);
        await running(held);
        expect([ended(main()), show('vpmemd@vm1', 'ActiveEnterTimestampMonotonic')]).toEqual([false, since]);
      }
      const next = main();
      // It speaks to the watchdog: once when it begins, and then again and again.
      const fed = (): string => systemd.property('vpmemd@vm1', 'WatchdogTimestampMonotonic');
      for (let times = 0; times < 2; times++) {
        const last = fed();
        await expect.poll(() => main() !== next || fed() !== last).toBe(true);
      }
      expect(main()).toBe(next);
      await whileFlushing(() => kill(next));
      await running(held);
      expect(show('vpmemd@vm1', 'NRestarts')).toEqual(['1']);
    });

    it('which does not notice a reload that is refused', async () => {
      const before = main();
      writeFileSync(join(folder, 'vm1.conf'), CONFIG.replace('4M', '8M'));
      await whileFlushing(async () => expect(await systemctl('reload')).not.toBe(0));
      await running(...show('vpmemd@vm1', 'NFileDescriptorStore'));
      expect(main()).toBe(before);
      expect(said()).toMatch(/<4>vpmemd: warning: not taken over: -takeover vm1: .*size=8M here/);
    });

    it('and has messages in the journal, also as the process that took over', async () => {
      expect(await systemctl('reload')).toBe(0);
      guest.cutPower();
      await expect.poll(said).toMatch(/process \d+ has taken over\n(?:.*\n)*.*<6>vpmemd: .*the VM has gone\n/);
    });

    it('which may lose power: a restart leaves undone what was not flushed, a stop flushes it', async () => {
      guest.cutPower();
      systemd.run('systemctl', 'stop', 'vpmemd@vm1');
      writeFileSync(join(folder, 'vm1.conf'), CONFIG.replace('share = "on"\n', 'share = "on"\npower-failure = "on"\n'));
      expect(systemd.run('systemctl', 'start', 'vpmemd@vm1').status).toBe(0);
      guest = new Guest();
      disk = guest.plug(RemoteFunction.connect(systemd.outside('/run/vpmem/vm1/nv0.sock')));
      const durable = (): string => readFileSync(join(folder, 'vm1', 'mem0.img')).subarray(4096, 4101).toString();
      disk.write(4096, Buffer.from('first'));
      await disk.fsync();
      disk.write(4096, Buffer.from('later'));
      expect(await systemctl('restart')).toBe(0);
      expect(durable()).toBe('first');
      expect(await systemctl('stop')).toBe(0);
      expect(durable()).toBe('later');
    });

    it('whose connection ends when it is stopped, and nothing is left', async () => {
      await disk.fsync();
      expect(await systemctl('reload')).toBe(0);
      expect(await systemctl('stop')).toBe(0);
      await expect(disk.fsync()).rejects.toThrow('EPIPE');
      expect(show('vpmemd@vm1', 'ActiveState', 'Result', 'NFileDescriptorStore')).toEqual(['inactive', 'success', '0']);
      expect(existsSync(systemd.outside('/run/vpmem/vm1'))).toBe(false);
    });
  });

  it('is not tried again with an option that is wrong', () => {
    expect(systemd.run('systemctl', 'start', 'vpmemd@wrong').status).toBe(1);
    expect(show('vpmemd@wrong', 'ActiveState', 'ExecMainStatus', 'NRestarts')).toEqual(['failed', '1', '0']);
  });
});
