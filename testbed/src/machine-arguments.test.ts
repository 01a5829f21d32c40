import { expect, it } from 'vitest';
import { machineArguments, ramArguments } from './machine-arguments.ts';

it.each([
  [undefined, '512M', '512M'],
  ['1G', '1G', '1G'],
  ['768', '768', '768M'],
  ['512M,slots=2,maxmem=4G', '512M,slots=2,maxmem=4G', '512M'],
  ['slots=2,maxmem=4G,size=256M', 'slots=2,maxmem=4G,size=256M', '256M'],
])('memory %s is shared', (memory, option, size) => {
  const args = ramArguments(memory === undefined ? {} : { memory });
  expect(args).toEqual(['-m', option, '-object', `memory-backend-memfd,id=ram,size=${size},share=on`, '-machine', 'memory-backend=ram']);
});

it('takes RAM of the caller instead, also none', () => {
  expect(ramArguments({ ram: ['-object', 'x'] })).toEqual(['-m', '512M', '-object', 'x']);
  expect(ramArguments({ memory: '1G', ram: [] })).toEqual(['-m', '1G']);
});

it('runs under TCG, the same everywhere, unless KVM is asked for; then with the processor of the host', () => {
  expect(machineArguments({})).toEqual(['-machine', 'pc', '-accel', 'tcg,thread=multi', '-cpu', 'qemu64,+rdrand']);
  expect(machineArguments({ machine: 'q35', accelerator: 'tcg', boot: 'plain' })).toEqual(['-machine', 'q35', '-accel', 'tcg,thread=multi']);
  expect(machineArguments({ machine: 'q35', accelerator: 'kvm' })).toEqual(['-machine', 'q35', '-accel', 'kvm', '-cpu', 'host']);
});
