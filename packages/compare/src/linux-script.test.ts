import { spawnSync } from 'node:child_process';
import { gzipSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { readDisks, unpack, workScript } from './linux-script.ts';
import { WORKLOAD_NAMES } from './workload.ts';
import { workload } from './workload-list.ts';

const script = (name: (typeof WORKLOAD_NAMES)[number]): string => workScript({ workload: workload(name), device: 'nvdimm' }, '/disks/x');

it('stores by the processor in a mapping, and says nothing of an fsync where there is none', () => {
  expect(script('stores')).toMatch(/xfs_io -f -c "truncate 262144" -c "mmap -rw 0 262144" -c "mwrite -S 65 0 12288" -c "mwrite -S 66 12288 12288" .* -c "mwrite -S 80 184320 12288" \/disks\/x\/stores$/);
  expect(script('stores')).not.toContain('fsync');
  expect(script('stores-fsync')).toMatch(/ -c "fsync" \/disks\/x\/stores-fsync$/);
});

it('writes records of a log from a file that has them, with an fsync after each', () => {
  expect(script('log-fsync')).toContain(' -c "pwrite -q -i /tmp/records -s 12288 12288 12288" -c "fsync" -c ');
  expect(script('log-fsync').match(/"fsync"/g)).toHaveLength(15);
  expect(script('torn')).toMatch(/xfs_io -f -c "pwrite -q -S 0 0 262144" -c "fsync" -c "pwrite -q -i \/tmp\/records -s 0 0 6144" -c "pwrite -q -i \/tmp\/records -s 6144 6144 6144" -c "fsync"/);
});

it.each(WORKLOAD_NAMES)('%s is a script that a shell can read, and short enough for the guest', (name) => {
  expect(script(name).length).toBeLessThan(24_000);
  expect(spawnSync('sh', ['-n'], { input: script(name), encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  const packed = /<<'END'[^\n]*\n([^]*?)\nEND\n/.exec(script(name))?.[1] ?? '';
  expect(unpack(packed).equals(Buffer.concat(workload(name).records))).toBe(true);
});

it('knows what it is given back, also if there is nothing', () => {
  expect(unpack('').length).toBe(0);
  expect(unpack(`${gzipSync('abc').toString('base64')}\n`).toString()).toBe('abc');
});

it('knows the disks of each kind in the order of their devices', () => {
  const list = [
    'pmem0 /sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00/ndbus0/region1/namespace1.0/block/pmem0 0x144000000',
    'pmem1 /sys/devices/LNXSYSTM:00/LNXSYBUS:00/ACPI0012:00/ndbus0/region0/pfn0.1/block/pmem1 0x140000000',
    'pmem2 /sys/devices/pci0000:00/0000:00:0a.0/virtio1/ndbus2/region3/namespace3.0/block/pmem2 0x380000000',
    'pmem3 /sys/devices/pci0000:00/0000:00:02.0/virtio0/ndbus1/region2/namespace2.0/block/pmem3 0x384000000',
  ].join('\n');
  expect(readDisks(list)).toEqual({ 'virtio-pmem': ['/dev/pmem3', '/dev/pmem2'], nvdimm: ['/dev/pmem1', '/dev/pmem0'] });
});
