import { beforeEach, describe, expect, it } from 'vitest';
import { FakeMachine } from '../fake-machine.ts';
import { HmpShell } from './hmp-shell.ts';

let machine: FakeMachine;
let shell: HmpShell;
let memory: Buffer;
let done: string[];

beforeEach(() => {
  machine = new FakeMachine();
  memory = Buffer.alloc(64);
  done = [];
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
