// vpmemd is replaced, or killed, under an unmodified Linux that writes, flushes, reads back and compares. How often is for VPMEM_UPGRADES and
// VPMEM_KILLS to say; docs/upgrades.md has what many came to.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { QmpClient } from '@vpmem/qmp/client';
import { preparePackages, requireTestbed, resumeGuest, type Guest, type KernelName, type PackageTree } from '@vpmem/testbed';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { DaemonProcess } from '../src/daemon-process.ts';
import { Served } from './served.ts';

const { testbed, reason } = await requireTestbed();
/** The second takes the place of one that has taken one itself; more are in the long form. */
const UPGRADES = Number(process.env.VPMEM_UPGRADES ?? (process.env.VPMEM_ALL === '1' ? 4 : 2));
const KILLS = Number(process.env.VPMEM_KILLS ?? 4);
/** The end of a hang, in milliseconds; on a busy machine two minutes were not enough. */
const LIMIT = 600_000;

describe.skipIf(testbed === undefined)(`vpmemd is replaced${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let served: Served;
  let daemons: DaemonProcess[];
  let guest: Guest | undefined;
  let env: NodeJS.ProcessEnv;
  let packages: PackageTree;
  beforeAll(async () => {
    packages = await preparePackages('sqlite-1', ['sqlite3']);
  });
  beforeEach(() => {
    served = new Served();
    env = { ...process.env, XDG_RUNTIME_DIR: served.folder };
    daemons = [];
    onTestFailed(() => {
      console.error(daemons.map(({ stderr }) => stderr).join(''));
      console.error(guest?.console.slice(-3000));
    });
  });
  afterEach(async () => {
    await guest?.stop();
    guest = undefined;
    for (const daemon of daemons) await daemon.end('SIGKILL');
    await served.close();
  });

  const begin = async (kernel: KernelName, sizes: readonly string[], { keep = false }: { readonly keep?: boolean } = {}): Promise<Guest> => {
    if (testbed === undefined) throw new Error(reason);
    const kept = keep ? ['-keep', '-run-with', 'restart-burst=1000'] : [];
    daemons.push(await served.start(sizes, { args: [...kept, '-name', 'guest=upgraded', '-qmp', `unix:${served.folder}/qmp,server=on,wait=off`], env }));
    guest = await resumeGuest({ testbed, kernel, tools: ['fio'], programs: [{ packages, path: 'usr/bin/sqlite3' }], plug: served.daemon.devices });
    for (const [i] of sizes.entries()) await guest.sh(`wait-for /dev/pmem${i}`);
    return guest;
  };
  const upgrade = async (): Promise<void> => {
    const last = daemons.at(-1);
    daemons.push(await DaemonProcess.start(['-takeover', 'upgraded'], { env }));
    expect(await last?.exited).toEqual({ status: 0, signal: null });
  };
  const devices = async (): Promise<readonly { connected: boolean; flushes: { failed: number; asked: number } }[]> => {
    const client = await QmpClient.connect({ path: join(served.folder, 'qmp') });
    const answer = await client.execute('query-pmem');
    client.close();
    return answer;
  };

  /** fio with verification on the second device, and SQLite on ext4 on the first, which says of each transaction when it is durable. */
  const work = async (linux: Guest): Promise<void> => {
    await linux.sh('mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -o dax /dev/pmem0 /mnt');
    const sqlite = `sqlite3 /mnt/db 'create table t(n integer primary key)' && i=0; while [ ! -e /tmp/enough ]; do i=$((i+1)); sqlite3 /mnt/db "pragma synchronous=full; insert into t values($i)" && echo $i > /tmp/acknowledged; done; touch /tmp/sqlite-done`;
    await linux.sh(`(${sqlite}) > /tmp/sqlite.log 2>&1 &`);
    const fio = 'fio --name=v --filename=/dev/pmem1 --rw=randwrite --bs=4k --size=64M --fsync=1 --verify=crc32c --verify_backlog=64 --time_based --runtime=36000 --output=/tmp/fio.json --output-format=json';
    await linux.sh(`(${fio}; echo $? > /tmp/fio-status) > /tmp/fio.log 2>&1 &`);
    await expect.poll(async () => (await devices()).every(({ flushes }) => flushes.asked > 10)).toBe(true);
  };
  /** Ends both, and sees that neither has met an error, that nothing acknowledged is missing, and how long the longest flush took, in ms. */
  const judge = async (linux: Guest): Promise<number> => {
    await linux.sh('until [ "$(cat /tmp/acknowledged)" -gt 3 ] 2> /dev/null || [ -e /tmp/sqlite-done ]; do sleep 0.1; done');
    await linux.sh('touch /tmp/enough; for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" = fio ] && kill -INT ${p#/proc/}; done; while [ ! -e /tmp/sqlite-done ] || [ ! -e /tmp/fio-status ]; do sleep 0.1; done');
    expect(await linux.sh('cat /tmp/sqlite.log /tmp/fio.log; dmesg | grep -iE "pmem|ext4" | grep -iE "error|fail" || true')).toBe('');
    // What fio has to say of its end stands before the report.
    const report = JSON.parse((await linux.sh('cat /tmp/fio.json')).replace(/^[^{]*/, '')) as { jobs: { error: number; sync: { lat_ns: { max: number } } }[] };
    expect(report.jobs[0]?.error).toBe(0);
    const acknowledged = Number(await linux.sh('cat /tmp/acknowledged'));
    expect(acknowledged).toBeGreaterThan(3);
    await linux.sh('umount /mnt && mount -o dax /dev/pmem0 /mnt');
    expect(await linux.sh(`sqlite3 /mnt/db 'pragma integrity_check; select count(*) >= ${acknowledged} from t'`)).toBe('ok\n1');
    return Math.round((report.jobs[0]?.sync.lat_ns.max ?? Infinity) / 1e6);
  };

  it.each(['6.12', '6.1'] as const)('by another under Linux %s: fio with fsync and SQLite on ext4 with DAX go on without an error, and nothing acknowledged is missing', async (kernel) => {
    const linux = await begin(kernel, ['64M', '64M']);
    await work(linux);
    const before = await devices();
    for (let i = 0; i < UPGRADES; i++) await upgrade();
    const after = await devices();
    after.forEach(({ connected, flushes }, i) => {
      expect([connected, flushes.failed]).toEqual([true, 0]);
      expect(flushes.asked).toBeGreaterThanOrEqual(before[i]?.flushes.asked ?? 0);
    });
    // Both go on; on a busy machine a guest may have flushed nothing meanwhile.
    await expect.poll(async () => (await devices()).every(({ flushes }, i) => flushes.asked > (after[i]?.flushes.asked ?? 0))).toBe(true);
    console.info(`Linux ${kernel}, ${UPGRADES} upgrades: the longest flush took ${await judge(linux)} ms`);
  }, LIMIT + UPGRADES * 20_000);

  it('by its keeper under Linux 6.12 when it is killed at any moment: the same', async () => {
    const linux = await begin('6.12', ['64M', '64M'], { keep: true });
    await work(linux);
    const keeper = daemons[0]?.pid ?? 0;
    const child = (): number => Number(readFileSync(`/proc/${keeper}/task/${keeper}/children`, 'utf8').trim().split(' ')[0]);
    for (let i = 0; i < KILLS; i++) {
      // At any moment of what a guest does between two flushes, and of a flush.
      await wait(Math.random() * 200);
      const pid = child();
      const asked = (await devices()).map(({ flushes }) => flushes.asked);
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => child() !== pid && child() > 0).toBe(true);
      // Counters are those of the last change, so they begin anew: both devices flush again.
      expect(asked.length).toBe(2);
      await expect.poll(async () => (await devices().catch(() => [])).every(({ connected, flushes }) => connected && flushes.failed === 0)).toBe(true);
    }
    console.info(`${KILLS} kills: the longest flush took ${await judge(linux)} ms`);
  }, LIMIT + KILLS * 20_000);
});
