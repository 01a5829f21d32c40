import type { GuestDimmInfo } from '@vpmem/machine';
import { beforeEach, describe, expect, it } from 'vitest';
import { FakeMachine } from '../fake-machine.ts';
import { HmpShell } from './hmp-shell.ts';

let machine: FakeMachine;
let shell: HmpShell;
let memory: Buffer;
let done: string[];
let dimms: GuestDimmInfo[];
const UUID = '6a1ecb18-9d36-4c53-8a37-11c8d6a52e01';

beforeEach(() => {
  machine = new FakeMachine();
  memory = Buffer.alloc(64);
  done = [];
  dimms = [];
  machine.guest = {
    disks: () => [{ name: 'pmem0', id: 'nv1', address: 0x1_4000_0000n, size: 64, inUse: done.includes('hold pmem0 true') }],
    write: (disk, offset, bytes) => {
      done.push(`write ${disk}`);
      memory.set(bytes, offset);
      return Promise.resolve();
    },
    read: (_disk, offset, length) => Promise.resolve(memory.subarray(offset, offset + length)),
    fsync: (disk) => Promise.resolve(void done.push(`fsync ${disk}`)),
    setInUse: (disk, inUse) => Promise.resolve(void done.push(`hold ${disk} ${inUse}`)),
    dimms: () => dimms,
    initialiseLabels: (dimm) => Promise.resolve(void done.push(`init ${dimm}`)),
    createNamespace: (dimm, wish) => {
      done.push(`create ${dimm} ${JSON.stringify(wish)}`);
      return Promise.resolve({ uuid: UUID, name: wish.name ?? '', offset: 0, size: wish.size ?? 64, disk: 'pmem1' });
    },
    destroyNamespace: (dimm, uuid) => Promise.resolve(void done.push(`destroy ${dimm} ${uuid}`)),
  };
  shell = new HmpShell({ machine, program: 'p', version: 'v', chardevs: () => [] }, (error) => { throw error as Error; });
});

describe('guest commands', () => {
  it('show, store, flush and load', async () => {
    expect(await shell.run('guest_disks')).toBe('pmem0: device "nv1", 64 bytes at 0x140000000\n');
    expect(await shell.run('guest_write pmem0 0x10 hello, "world"')).toBe('');
    expect(await shell.run('guest_fsync pmem0')).toBe('');
    expect(await shell.run('guest_read nv1 16 20')).toBe(
      '0000000000000010: 68 65 6c 6c 6f 2c 20 22 77 6f 72 6c 64 22 00 00  hello, "world"..\n' +
        `0000000000000020: 00 00 00 00${' '.repeat(36)}  ....\n`,
    );
    expect(done).toEqual(['write pmem0', 'fsync pmem0']);
  });

  it('hold on to a disk', async () => {
    await shell.run('guest_hold pmem0 on');
    expect(await shell.run('guest_disks')).toMatch(/, in use\n$/);
    await shell.run('guest_hold pmem0 off');
    expect(done).toEqual(['hold pmem0 true', 'hold pmem0 false']);
    expect(await shell.run('guest_hold pmem0 yes')).toBe("Error: 'yes' is neither 'on' nor 'off'\n");
  });

  it('keep nobody waiting for a guest that is stopped', async () => {
    machine.state = 'paused';
    for (const line of ['guest_write pmem0 0 x', 'guest_read pmem0 0 1', 'guest_fsync pmem0']) {
      expect(await shell.run(line)).toBe('Error: the guest does not run, it is paused\nLet it go on with cont.\n');
    }
    expect(done).toEqual([]);
  });

  it('do not show more than a screen can bear', async () => {
    expect(await shell.run('guest_read pmem0 0 1G')).toMatch(/^Error: length is 1073741824; one line shows 65536 bytes at most/);
    expect(await shell.run('guest_read pmem0 x 1')).toMatch(/^Error: Parameter 'offset' expects/);
  });

  it('are completed, and offered only where there is a guest', async () => {
    expect(await shell.complete('guest_h')).toEqual([['guest_hold '], 'guest_h']);
    expect(await shell.complete('guest_hold p')).toEqual([['pmem0 '], 'p']);
    expect(await shell.complete('guest_hold pmem0 o')).toEqual([['on', 'off'], 'o']);
    delete machine.guest;
    expect(await shell.complete('guest_h')).toEqual([[], 'guest_h']);
    expect(await shell.run('guest_disks')).toBe("unknown command: 'guest_disks'\n");
    expect(await shell.run('help')).not.toContain('guest_');
  });
});

describe('commands for NVDIMMs', () => {
  beforeEach(() => {
    const whole = { uuid: undefined, name: '', offset: 0, size: 4096, disk: 'pmem2' };
    dimms = [
      { name: 'nmem0', id: 'nv2', address: 0x1_0000_0000n, size: 8192, armed: true, labelSize: 1024, labelVersion: '1.2', namespaces: [{ uuid: UUID, name: 'a\n', offset: 4096, size: 4096, disk: 'pmem1' }, { uuid: UUID.replace('6', '7'), name: '', offset: 0, size: 4096, disk: undefined }] },
      { name: 'nmem1', id: undefined, address: 0x2_0000_0000n, size: 4096, armed: false, labelSize: 2048, labelVersion: undefined, namespaces: [whole] },
      { name: 'nmem2', id: undefined, address: 0x3_0000_0000n, size: 4096, armed: true, labelSize: 0, labelVersion: undefined, namespaces: [] },
    ];
  });

  it('show what there is', async () => {
    expect(await shell.run('guest_namespaces')).toBe(
      'nmem0: device "nv2", 8192 bytes at 0x100000000, labels 1.2 in 1024 bytes\n' +
        `  pmem1: namespace ${UUID} "a\\n", 4096 bytes at 4096\n` +
        `  (no disk): namespace ${UUID.replace('6', '7')}, 4096 bytes at 0\n` +
        'nmem1: device "", 4096 bytes at 0x200000000, no labels in 2048 bytes for them, not armed\n' +
        '  pmem2: all of it, 4096 bytes at 0\n' +
        'nmem2: device "", 4096 bytes at 0x300000000, no labels\n',
    );
    dimms = [];
    expect(await shell.run('guest_namespaces')).toBe('no NVDIMM\n');
  });

  it('change labels', async () => {
    await shell.run('guest_init_labels nmem1');
    expect(await shell.run('guest_create_namespace nv2 log 2M')).toBe(`pmem1: namespace ${UUID} "log", 2097152 bytes at 0\n`);
    expect(await shell.run('guest_create_namespace nv2')).toBe(`pmem1: namespace ${UUID}, 64 bytes at 0\n`);
    await shell.run('guest_create_namespace nv2 - 4M');
    await shell.run(`guest_destroy_namespace nmem0 ${UUID}`);
    expect(done).toEqual(['init nmem1', 'create nv2 {"name":"log","size":2097152}', 'create nv2 {}', 'create nv2 {"size":4194304}', `destroy nmem0 ${UUID}`]);
    expect(await shell.run('guest_create_namespace nv2 log x')).toMatch(/^Error: Parameter 'size' expects/);
  });

  it('are completed, and keep nobody waiting', async () => {
    expect(await shell.complete('guest_init_labels nm')).toEqual([['nmem0 ', 'nmem1 ', 'nmem2 '], 'nm']);
    expect(await shell.complete('guest_destroy_namespace nmem0 6')).toEqual([[UUID], '6']);
    machine.state = 'paused';
    for (const line of ['guest_init_labels nmem0', 'guest_create_namespace nmem0', `guest_destroy_namespace nmem0 ${UUID}`]) {
      expect(await shell.run(line)).toBe('Error: the guest does not run, it is paused\nLet it go on with cont.\n');
    }
    expect(done).toEqual([]);
  });
});
