import type { PmemInfo } from '@vpmem/machine';
import { expect, it } from 'vitest';
import { PatientPmem } from './patient-pmem.ts';
import { sampleDevice } from './sample-device.ts';

const device = sampleDevice();
const NEVER = new Promise<never>(() => undefined);

/** A machine that answers what `answer` says, and what it was asked. */
function asked(answer: (exposure: boolean) => Promise<readonly PmemInfo[]>): { pmem: (of?: { readonly exposure?: boolean }) => Promise<readonly PmemInfo[]>; questions: boolean[] } {
  const questions: boolean[] = [];
  return { questions, pmem: ({ exposure = true } = {}) => (questions.push(exposure), answer(exposure)) };
}

it('asks once where there is an answer', async () => {
  const machine = asked(() => Promise.resolve([device]));
  expect(await new PatientPmem(machine).ask()).toEqual([device]);
  expect(machine.questions).toEqual([true]);
});

it('does without what a power cut would cost where that takes too long, and asks for it no more until it is there', async () => {
  let free: (devices: readonly PmemInfo[]) => void = () => undefined;
  const busy = new Promise<readonly PmemInfo[]>((resolve) => (free = resolve));
  const machine = asked((exposure) => (exposure ? busy : Promise.resolve([device])));
  const pmem = new PatientPmem(machine, { exposure: 1 });
  expect(await pmem.ask()).toEqual([device]);
  expect(await pmem.ask()).toEqual([device]);
  expect(machine.questions).toEqual([true, false, false]);
  free([]);
  await busy;
  expect(await pmem.ask()).toEqual([]);
});

it('gives up where nothing is answered, and does not pile questions up', async () => {
  const machine = asked(() => NEVER);
  const pmem = new PatientPmem(machine, { exposure: 1, all: 1 });
  await expect(pmem.ask()).rejects.toThrow('the devices do not answer');
  await expect(pmem.ask()).rejects.toThrow('the devices do not answer');
  expect(machine.questions).toEqual([true, false]);
});
