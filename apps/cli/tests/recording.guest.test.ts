// Recordings of a guest under `vpmem qemu`: begun with the line or while it runs, with marks of the guest and of whoever sits at a monitor.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QmpClient } from '@vpmem/qmp/client';
import { Recording } from '@vpmem/recording';
import { requireTestbed, resumeGuest, startGuest, type Guest } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, onTestFailed } from 'vitest';
import { HmpClient } from './monitor-client.ts';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const MARKS = ['-object', 'memory-backend-ram,id=marks,size=2M', '-device', 'virtio-pmem-pci,memdev=marks,marks=on'];
/** Where QEMU has a filter of its system calls. */
const FOUND_BY_COMPARING = /^compare: process \d+ has a seccomp filter, which may end it for userfaultfd$/;

describe.skipIf(testbed === undefined)(`what is recorded of a guest${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let guest: Guest | undefined;
  let hmp: HmpClient;
  let qmp: QmpClient;
  const clients: { close(): void }[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-recorded-'));
    onTestFailed(() => console.error(guest?.stderr, guest?.console.slice(-3000)));
  });
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    await guest?.stop();
    guest = undefined;
    rmSync(folder, { recursive: true });
  });

  const path = (name: string): string => join(folder, name);
  /** A guest that boots with its devices, and RAM as QEMU makes it, or, without any on its line, goes on from the one that all tests share. */
  const start = async (options: readonly string[], qemuArgs: readonly string[], come: typeof startGuest | typeof resumeGuest = startGuest): Promise<Guest> => {
    if (testbed === undefined) throw new Error(reason);
    const { qemuWrapper } = testbed;
    const monitors = ['--monitor', `unix:${path('hmp')},server=on,wait=off`, '--qmp', `unix:${path('qmp')},server=on,wait=off`];
    guest = await come({ testbed, ...(come === startGuest && { ram: [] }), qemuArgs, command: (line) => [process.execPath, MAIN, 'qemu', '--qemu', qemuWrapper, ...monitors, ...options, '--', ...line.slice(1)] });
    hmp = await HmpClient.connect(path('hmp'));
    qmp = await QmpClient.connect({ path: path('qmp') });
    clients.push(hmp, qmp);
    return guest;
  };
  const plug = async (id: string, rest: string): Promise<void> => {
    expect(await hmp.type(`object_add memory-backend-file,id=m-${id},share=on,mem-path=${path(`${id}.img`)},size=16M,${rest}`)).toBe('');
    expect(await hmp.type(`device_add virtio-pmem-pci,id=${id},memdev=m-${id}`)).toBe('');
  };
  const disk = (id: string): string[] => ['-object', `memory-backend-file,id=m-${id},mem-path=${path(`${id}.img`)},size=16M,share=on`, '-device', `virtio-pmem-pci,memdev=m-${id},id=${id}`];
  /** Makes it hold what no other call has written, and durable. */
  const write = (text: string, place: number): string => `yes ${text} | head -c 8192 | dd of=/dev/pmem0 bs=4096 seek=${place} conv=fsync,notrunc 2>/dev/null`;
  const tracker = async (): Promise<string> => {
    const [info] = await qmp.execute('query-pmem');
    const { tracker: kind, 'tracker-reason': why } = info?.['power-failure'] ?? {};
    return why === undefined ? `${kind}` : `${kind}: ${why}`;
  };
  /** Marks, each with the number of flushes that were answered before it. */
  const marksOf = (file: string): string[] => {
    const recording = Recording.open(path(file));
    let answered = 0;
    const marks: string[] = [];
    for (const event of recording.events()) {
      if (event.type === 'answered') answered++;
      if (event.type === 'mark') marks.push(`${event.text} after ${answered}`);
    }
    expect(recording.verify().problems).toEqual([]);
    recording.close();
    return marks;
  };
  /** What was durable last. */
  const lastImage = (file: string): Buffer => {
    const recording = Recording.open(path(file));
    const fd = openSync(path('image'), 'w+');
    recording.imageOf(`${recording.windows.findLast(({ kind }) => kind === 'flush')?.number ?? 0}:all`, fd);
    for (const close of [() => closeSync(fd), () => recording.close()]) close();
    return readFileSync(path('image'));
  };

  it('is what becomes durable on each device of the line, by two processors, through a reset, with marks in their order', async () => {
    const vm = await start(['--record', path('runs')], [...disk('nv1'), ...MARKS, '-smp', '2']);
    await vm.sh('wait-for /dev/pmem0; wait-for /dev/pmem1');
    expect(await tracker()).toBe('uffd');
    expect(await hmp.type('info pmem')).toContain('nv1: tracker uffd');
    expect(await hmp.type('mark begun')).toMatch(/1/);
    await vm.sh(`for i in 1 2 3; do ( ${write('one', 1)} ) & ( taskset 2 sh -c "${write('two', 9)}" ) & wait; done`);
    await vm.sh(`${write('three', 20)} && echo 'three is acknowledged' > /dev/pmem1 && sync /dev/pmem1 && ${write('four', 30)}`);
    await vm.reboot('reset');
    await vm.sh('wait-for /dev/pmem1');
    await vm.sh(`${write('five', 40)} && echo 'five is acknowledged' | dd of=/dev/pmem1 conv=fsync 2>/dev/null`);
    expect(await tracker()).toBe('uffd');
    await qmp.execute('pmem-mark', { text: 'the end' });
    const [info] = await qmp.execute('query-pmem');
    const asked = info?.flushes.asked ?? 0;
    await vm.powerOff();
    expect(existsSync(path('runs/marks.vpmrec'))).toBe(false);
    expect(marksOf('runs/nv1.vpmrec')).toEqual(['begun after 0', `three is acknowledged after ${asked - 2}`, `five is acknowledged after ${asked}`, `the end after ${asked}`]);
    const image = lastImage('runs/nv1.vpmrec');
    expect(image.equals(readFileSync(path('nv1.img')))).toBe(true);
    expect(['one', 'two', 'three', 'four', 'five'].filter((text, i) => !image.toString('latin1', [1, 9, 20, 30, 40][i]! * 4096).startsWith(`${text}\n`))).toEqual([]);
  });

  it('can begin with a device that is plugged in, and begin and end at a monitor', async () => {
    const vm = await start([], [], resumeGuest);
    await plug('nv1', 'power-failure=on');
    await vm.sh('wait-for /dev/pmem0');
    await plug('nv2', `record=${path('nv2.vpmrec')}`);
    expect(await hmp.type(`object_add memory-backend-file,id=m3,share=on,mem-path=${path('nv3.img')},size=16M,record=${path('nv3.vpmrec')},record-interval=0`)).toMatch(/'record-interval'/);
    expect(existsSync(path('nv3.vpmrec'))).toBe(false);
    await vm.sh('wait-for /dev/pmem1');
    await vm.sh(write('before', 1));
    expect(await hmp.type(`pmem_record nv1 begin,file=${path('nv1.vpmrec')}`)).toBe('');
    await vm.sh(`${write('recorded', 1)}; yes plugged | head -c 4096 | dd of=/dev/pmem1 conv=fsync 2>/dev/null`);
    const kinds = (await qmp.execute('query-pmem')).map(({ 'power-failure': power }) => power?.tracker);
    expect(kinds).toEqual(['uffd', 'uffd']);
    await qmp.execute('pmem-mark', { text: 'both' });
    await hmp.type('pmem_record nv1 end');
    const durable = readFileSync(path('nv1.img'));
    await vm.sh(write('after', 1));
    await qmp.execute('device_del', { id: 'nv2' });
    await qmp.waitForEvent('DEVICE_DELETED', ({ data }) => data.device === 'nv2');
    await qmp.execute('object-del', { id: 'm-nv2' });
    expect(lastImage('nv2.vpmrec').toString('latin1', 0, 16)).toBe('plugged\nplugged\n');
    expect(lastImage('nv1.vpmrec').equals(durable)).toBe(true);
    expect([marksOf('nv1.vpmrec'), marksOf('nv2.vpmrec')]).toEqual([['both after 1'], ['both after 1']]);
  });

  it('goes where it was told to, although all goes into the background and QEMU has a filter of its system calls, and nowhere if QEMU refuses its command line', async () => {
    const background = async (...args: string[]): Promise<unknown> => {
      const device = ['-object', 'memory-backend-file,id=m1,share=on,mem-path=nv1.img,size=4M', '-device', 'virtio-pmem-pci,memdev=m1,id=nv1'];
      const line = ['-S', '-nodefaults', '-display', 'none', '-m', '128M', '-sandbox', 'on', '-daemonize', '-pidfile', path('pid'), ...device, ...args];
      const words = [MAIN, 'qemu', '--qemu', testbed?.qemuWrapper ?? '', '--record', 'runs/today', '--', ...line];
      const [status] = (await once(spawn(process.execPath, words, { cwd: folder, stdio: 'ignore', env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder } }), 'close')) as unknown[];
      return status;
    };
    const files = (): string[] => readdirSync(folder, { recursive: true }).map(String).sort();
    expect(await background('-device', 'no-such-device')).toBe(1);
    expect(files()).toEqual(['vpmem']);
    expect(await background('-qmp', `unix:${path('qmp')},server=on,wait=off`)).toBe(0);
    qmp = await QmpClient.connect({ path: path('qmp') });
    clients.push(qmp);
    await qmp.execute('pmem-mark', { text: 'in the background' });
    expect((await qmp.execute('query-pmem'))[0]?.recording?.file).toBe(path('runs/today/nv1.vpmrec'));
    expect(await tracker()).toMatch(FOUND_BY_COMPARING);
    await qmp.execute('quit');
    await expect.poll(files).toEqual(['nv1.img', 'runs', 'runs/today', 'runs/today/nv1.vpmrec', 'vpmem']);
    expect(marksOf('runs/today/nv1.vpmrec')).toEqual(['in the background after 0']);
  });

  it('is found by comparing where QEMU has a filter of its system calls, and the guest is none the worse', async () => {
    const vm = await start([], ['-sandbox', 'on'], resumeGuest);
    await plug('nv1', `record=${path('nv1.vpmrec')}`);
    await vm.sh('wait-for /dev/pmem0');
    await vm.sh(write('within', 3));
    expect(await tracker()).toMatch(FOUND_BY_COMPARING);
    await vm.sh(write('walls', 5));
    await vm.powerOff();
    expect(vm.exited).toEqual({ code: 0, signal: null });
    const image = lastImage('nv1.vpmrec');
    expect(image.equals(readFileSync(path('nv1.img')))).toBe(true);
    expect(image.toString('latin1', 3 * 4096).startsWith('within\n')).toBe(true);
  });
});
