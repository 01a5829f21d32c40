import { expect, it } from 'vitest';
import { guestLines, hostLines, hostSurroundings, isBusy } from './surroundings.ts';

const HOST = { kernel: '6.18.1', node: '20.19.0', processor: 'Some CPU', processors: 4, load: [2, 1.5, 1] };

it('is busy above half a load for each processor, in the last minute', () => {
  expect(isBusy({ processors: 4, load: [2, 9, 9] })).toBe(false);
  expect(isBusy({ processors: 4, load: [2.01, 0, 0] })).toBe(true);
});

it('says in one line that it was busy, and nothing of it otherwise', () => {
  expect(hostLines(HOST)).toEqual(['Host: Linux 6.18.1, 4 processors (Some CPU), Node 20.19.0', 'Load before it began: 2.00, 1.50, 1.00 over 1, 5 and 15 minutes']);
  expect(hostLines({ ...HOST, processors: 1, load: [0.51, 0, 0] }).at(2)).toBe(
    'This machine was busy before the bench began: a load of 0.51 on 1 processor. Figures are worse than on a quiet one and differ more; low percentiles suffer least.',
  );
});

it('takes the load of a moment before it, where somebody took it', () => {
  expect(hostSurroundings('0.10 0.20 0.30').load).toEqual([0.1, 0.2, 0.3]);
  expect(hostSurroundings().load).toHaveLength(3);
});

it('says what the guest runs on, and why', () => {
  const guest = { accelerator: 'tcg', why: 'KVM does not work here', qemu: '11.1.3 (Debian)', kernel: '6.12', processor: 'Virtual', processors: 1, files: { folder: '/dev/shm', type: 'tmpfs', source: 'tmpfs', options: 'rw' } } as const;
  expect(guestLines(guest)).toEqual(['Guest: Linux 6.12, 1 processor (Virtual), QEMU 11.1.3 (Debian)', 'Accelerator: TCG, because KVM does not work here', 'Backing files: tmpfs (tmpfs at /dev/shm; rw)']);
});
