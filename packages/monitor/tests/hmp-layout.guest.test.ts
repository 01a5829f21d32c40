import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTestbed, startGuest, type Guest } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FakeMachine } from '../src/fake-machine.ts';
import { HmpShell } from '../src/hmp/hmp-shell.ts';
import { askMachine, readQtree } from './asked-machine.ts';

const { testbed, reason } = await requireTestbed();
const QUIET = 'merge=off,dump=off';

describe.skipIf(testbed === undefined)(`HMP beside QEMU's${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-layout-'));
  let guest: Guest;
  let machine: FakeMachine;
  let shell: HmpShell;

  /** What QEMU prints. */
  const theirs = async (line: string): Promise<string> => ((await guest.qmp('human-monitor-command', { 'command-line': line })) as string).replaceAll('\r\n', '\n');

  beforeAll(async () => {
    const file = (id: string): string => `memory-backend-file,id=${id},share=on,size=64M,mem-path=${join(folder, id)},${QUIET}`;
    guest = await startGuest({
      testbed: testbed!,
      machine: 'q35,nvdimm=on',
      memory: '256M,slots=2,maxmem=2G',
      ram: ['-object', `memory-backend-memfd,id=ram,size=256M,share=on,${QUIET}`, '-machine', 'memory-backend=ram'],
      qemuArgs: [
        ...['-name', 'beside'],
        ...['-object', file('mem1'), '-object', file('mem2'), '-object', file('mem3'), '-object', file('spare')],
        ...['-device', 'pcie-root-port,id=rp0,chassis=1,slot=1', '-device', 'virtio-pmem-pci,id=nv1,memdev=mem1,bus=rp0'],
        ...['-device', 'virtio-pmem-pci,id=nv2,memdev=mem2', '-device', 'nvdimm,id=dimm1,memdev=mem3'],
      ],
    });
    machine = await askMachine((command, args) => guest.qmp(command, args));
    const qtree = readQtree(await theirs('info qtree'));
    machine.mainBus = () => Promise.resolve(qtree);
    shell = new HmpShell({ machine, program: 'p', version: 'v', chardevs: () => [] }, (error) => {
      throw error as Error;
    });
  });
  afterAll(async () => {
    await guest.stop();
    rmSync(folder, { recursive: true });
  });

  it.each([
    'info memory-devices', 'info memdev', 'info memory_size_summary', 'info status', 'info name', 'info qtree -b',
    'info qom-tree /objects', 'info qom-tree /machine/peripheral', 'qom-list', 'qom-list /objects/mem1',
    'qom-get /objects/mem1 size', 'qom-get /objects/mem1 mem-path', 'qom-get /objects/mem1 host-nodes', 'qom-get /objects/mem1 share', 'qom-get /objects type',
  ])('%s', async (line) => {
    const expected = await theirs(line);
    expect(expected).not.toMatch(/^(Error|unknown)/);
    expect(await shell.run(line)).toBe(expected);
  });

  it('info pci, but for I/O ports, which our devices do not have', async () => {
    const expected = (await theirs('info pci')).split('\n').filter((line) => !/BAR\d: I\/O/.test(line)).join('\n');
    expect(expected).toContain('id "nv1"');
    expect(expected).toContain('secondary bus');
    expect(await shell.run('info pci')).toBe(expected);
  });

  it('info qtree, but for what is no property', async () => {
    const expected = (await theirs('info qtree')).split('\n').filter((line) => !/^ *(gpio-|mmio |class |bar \d)/.test(line)).join('\n');
    expect(await shell.run('info qtree')).toBe(expected);
  });

  it.each([
    'foo', 'foo bar', 'info foo', 'info foo bar', 'info -b', 'help foo', 'help a b',
    'object_add', 'object_del', 'device_del', 'qom-get', 'qom-get /objects/mem1', 'device_del a b', 'device_del "x y" z',
    'info status x', 'info qtree -x', 'stop x', 's x', 'quit x', 'info qtree -b x',
    'qom-list /foo', 'qom-get /foo x', 'qom-get /objects/mem1 xx', 'info qom-tree /foo', 'device_del zz', 'object_del zz', '', '   ',
  ])('answers "%s" as QEMU does', async (line) => {
    expect(await shell.run(line)).toBe(await theirs(line));
  });

  it.each([
    'help help', 'help stop', 'help cont', 'help quit', 'help system_reset', 'help object_add', 'help object_del', 'help device_add', 'help qom-list', 'help qom-get',
    'help info chardev', 'help info history', 'help info memdev', 'help info memory-devices', 'help info name', 'help info pci', 'help info qom-tree', 'help info qtree', 'help info status',
  ])('%s', async (line) => {
    expect(await shell.run(line)).toBe(await theirs(line));
  });
});
