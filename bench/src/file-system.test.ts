import { expect, it } from 'vitest';
import { fileSystemOf } from './file-system.ts';

const MOUNTS = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 22 0:25 / /dev rw,nosuid - devtmpfs devtmpfs rw
31 30 0:26 / /dev/shm rw shared:3 master:2 - tmpfs tmp\\040fs rw,size=1g
32 22 0:30 / /de rw - xfs /dev/vdb rw
33 30 0:40 / /dev/shm rw - ramfs later rw
`;

it('finds the mount that a path is on, by whole names', () => {
  expect(fileSystemOf('/usr', MOUNTS)).toEqual({ folder: '/', type: 'ext4', source: '/dev/vda', options: 'rw,relatime,rw,discard' });
  expect(fileSystemOf('/dev/null', MOUNTS).type).toBe('devtmpfs');
});

it('takes the later of two mounts at one folder, optional fields or not', () => {
  expect(fileSystemOf('/dev/shm', MOUNTS).type).toBe('ramfs');
  const one = MOUNTS.replace(/^33.*\n/m, '');
  expect(fileSystemOf('/dev/shm', one)).toEqual({ folder: '/dev/shm', type: 'tmpfs', source: 'tmp fs', options: 'rw,rw,size=1g' });
});

it('knows those of this machine', () => {
  expect(fileSystemOf('/proc/self').type).toBe('proc');
});
