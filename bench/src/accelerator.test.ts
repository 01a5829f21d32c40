import { expect, it } from 'vitest';
import type { Testbed } from '@vpmem/testbed';
import { chooseAccelerator, firstComplaint, kvmTrouble } from './accelerator.ts';

const works = () => Promise.resolve(undefined);
const broken = () => Promise.resolve('/dev/kvm cannot be opened (ENOENT)');
const notAsked = () => Promise.reject(new Error('nobody is to try'));

it('takes KVM where it works, and TCG where not, and says why', async () => {
  expect(await chooseAccelerator(undefined, works)).toEqual({ accelerator: 'kvm' });
  expect(await chooseAccelerator('kvm', works)).toEqual({ accelerator: 'kvm' });
  expect(await chooseAccelerator(undefined, broken)).toEqual({ accelerator: 'tcg', why: 'KVM does not work here: /dev/kvm cannot be opened (ENOENT)' });
});

it('tries nothing where TCG is asked for', async () => {
  expect(await chooseAccelerator('tcg', notAsked)).toEqual({ accelerator: 'tcg', why: '--accel tcg asked for it' });
});

it('refuses KVM that does not work, in one line', async () => {
  await expect(chooseAccelerator('kvm', broken)).rejects.toThrow(/^--accel kvm: KVM does not work here: \/dev\/kvm cannot be opened \(ENOENT\); leave the option out, or say --accel tcg$/);
});

it('starts nothing where there is no device', async () => {
  expect(await kvmTrouble(undefined as unknown as Testbed, '/dev/null/kvm')).toBe('/dev/null/kvm cannot be opened (ENOTDIR)');
});

it("quotes QEMU's own complaint from all that an error says", () => {
  expect(firstComplaint("QEMU ended while waiting\ncommand (ended with status 1): qemu -accel kvm\nits output: qemu: failed to initialize kvm: Permission denied\nthe guest's console:")).toBe('qemu: failed to initialize kvm: Permission denied');
  expect(firstComplaint('waited 5 ms for boot 1')).toBe('waited 5 ms for boot 1');
});
