// vpmemd is replaced under an unmodified Linux that writes, flushes, reads back and compares. How often is for VPMEM_UPGRADES to say;
// docs/upgrades.md has what a hundred came to.
import { join } from 'node:path';
import { QmpClient } from '@vpmem/qmp/client';
import { preparePackages, requireTestbed, startGuest, type Guest, type KernelName, type PackageTree } from '@vpmem/testbed';
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { DaemonProcess } from '../src/daemon-process.ts';
import { Served } from './served.ts';

const { testbed, reason } = await requireTestbed();
const UPGRADES = Number(process.env.VPMEM_UPGRADES ?? 4);
/** Milliseconds in which a request of a guest under TCG may have to wait when a machine is busy; docs/upgrades.md has what it is when it is not. */
const STALL = 4000;

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

  const begin = async (kernel: KernelName, sizes: readonly string[], device?: string): Promise<Guest> => {
    if (testbed === undefined) throw new Error(reason);
    const args = ['-name', 'guest=upgraded', '-qmp', `unix:${served.folder}/qmp,server=on,wait=off`];
    daemons.push(await served.start(sizes, { args, env, ...(device !== undefined && { device }) }));
    guest = await startGuest({ testbed, kernel, tools: ['fio'], programs: [{ packages, path: 'usr/bin/sqlite3' }], qemuArgs: served.qemuArgs });
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

  it.each(['6.12', '6.1'] as const)('under Linux %s with ext4 on DAX: fio with fsync and SQLite go on without an error, and nothing they were told is durable is missing', async (kernel) => {
    const linux = await begin(kernel, ['128M', '64M']);
    await linux.sh('mkfs.ext4 -q -b 4096 /dev/pmem0 && mkdir -p /mnt && mount -o dax /dev/pmem0 /mnt');
    // Each transaction says when it is durable: what was acknowledged is counted outside of the file system.
    const sqlite = `sqlite3 /mnt/db 'create table t(n integer primary key)' && i=0; while [ ! -e /tmp/enough ]; do i=$((i+1)); sqlite3 /mnt/db "pragma synchronous=full; insert into t values($i)" && echo $i > /tmp/acknowledged; done; touch /tmp/sqlite-done`;
    await linux.sh(`(${sqlite}) > /tmp/sqlite.log 2>&1 &`);
    await linux.sh(`(fio --name=v --filename=/dev/pmem1 --rw=randwrite --bs=4k --size=64M --fsync=1 --verify=crc32c --verify_backlog=64 --time_based --runtime=3600 --output=/tmp/fio.json --output-format=json; echo $? > /tmp/fio-status) > /tmp/fio.log 2>&1 &`);
    // Both are at work.
    await expect.poll(async () => (await devices()).every(({ flushes }) => flushes.asked > 10)).toBe(true);
    const before = await devices();
    for (let i = 0; i < UPGRADES; i++) await upgrade();
    const after = await devices();
    after.forEach(({ connected, flushes }, i) => {
      expect([connected, flushes.failed]).toEqual([true, 0]);
      expect(flushes.asked).toBeGreaterThan(before[i]?.flushes.asked ?? 0);
    });
    await linux.sh('touch /tmp/enough; for p in /proc/[0-9]*; do [ "$(cat $p/comm 2>/dev/null)" = fio ] && kill -INT ${p#/proc/}; done; while [ ! -e /tmp/sqlite-done ] || [ ! -e /tmp/fio-status ]; do sleep 0.1; done', { timeout: 60_000 });
    expect(await linux.sh('cat /tmp/sqlite.log /tmp/fio.log; dmesg | grep -iE "pmem|ext4" | grep -iE "error|fail" || true')).toBe('');
    const report = JSON.parse(await linux.sh('cat /tmp/fio.json')) as { jobs: { error: number; sync: { lat_ns: { max: number } } }[] };
    console.info(`Linux ${kernel}, ${UPGRADES} upgrades: the longest flush took ${Math.round((report.jobs[0]?.sync.lat_ns.max ?? 0) / 1e6)} ms`);
    expect(report.jobs[0]?.error).toBe(0);
    expect((report.jobs[0]?.sync.lat_ns.max ?? Infinity) / 1e6).toBeLessThan(STALL);
    const acknowledged = Number(await linux.sh('cat /tmp/acknowledged'));
    expect(acknowledged).toBeGreaterThan(UPGRADES);
    await linux.sh('umount /mnt && mount -o dax /dev/pmem0 /mnt');
    expect(await linux.sh(`sqlite3 /mnt/db 'pragma integrity_check; select count(*) >= ${acknowledged} from t'`)).toBe('ok\n1\n');
  });
});
