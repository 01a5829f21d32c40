import type { GuestConsole, GuestDimmInfo, GuestNamespaceInfo } from '@vpmem/machine';
import { parseSize } from '@vpmem/options';
import { optionalWord, word, type Completer } from './argument.ts';
import { guestCommon, guestOf, runningGuest } from './guest-context.ts';
import { defineCommand, type HmpCommand } from './hmp-command.ts';

const completeDimm: Completer = ({ machine }, text) => ({ candidates: dimmsOf(machine.guest).map(({ name }) => `${name} `), replaced: text });
const completeNamespace: Completer = ({ machine }, text) => ({
  candidates: dimmsOf(machine.guest).flatMap(({ namespaces }) => namespaces.flatMap(({ uuid }) => uuid ?? [])),
  replaced: text,
});

const guestNamespaces = defineCommand({
  ...guestCommon,
  names: ['guest_namespaces'],
  help: "show the guest's NVDIMMs, their labels and namespaces",
  manual:
    'The NVDIMMs that the embedded guest has found through ACPI, and below each of them the disks it has made of it, as Linux does: with valid labels one for ' +
    'each namespace, without any one of all the memory.',
  arguments: {},
  run: (invocation) => {
    const dimms = guestOf(invocation).dimms();
    if (dimms.length === 0) invocation.print('no NVDIMM');
    for (const dimm of dimms) {
      invocation.print(showDimm(dimm));
      for (const namespace of dimm.namespaces) invocation.print(`  ${showNamespace(namespace)}`);
    }
  },
});

const guestInitLabels = defineCommand({
  ...guestCommon,
  names: ['guest_init_labels'],
  params: 'dimm',
  help: 'let the guest initialise the labels of an NVDIMM',
  manual:
    "The embedded guest makes the label area of an NVDIMM one without namespaces, as `ndctl init-labels` does; the NVDIMM is named as the guest names it or by its device's id. " +
    'The disk that all of it was is gone then; its bytes stay. Refused while that disk is in use, and where there are namespaces.',
  example: ['guest_init_labels nmem0'],
  arguments: { dimm: word(completeDimm) },
  run: async (invocation, { dimm }) => (await runningGuest(invocation)).initialiseLabels(dimm),
});

const guestCreateNamespace = defineCommand({
  ...guestCommon,
  names: ['guest_create_namespace'],
  params: 'dimm [name [size]]',
  help: 'let the guest make a namespace on an NVDIMM, and a disk of it',
  manual:
    'The embedded guest writes the label of a raw namespace, as `ndctl create-namespace --mode=raw` does. The size is a multiple of 2M, by default all that is free in a row; ' +
    'a name of `-` is none. The labels have to be valid: see `guest_init_labels`.',
  example: ['guest_create_namespace nmem0 log 16M'],
  arguments: { dimm: word(completeDimm), name: optionalWord(), size: optionalWord() },
  run: async (invocation, { dimm, name, size }) => {
    const wish = {
      ...(name === undefined || name === '-' ? {} : { name }),
      ...(size === undefined ? {} : { size: parseSize(size, { parameter: 'size' }) }),
    };
    invocation.print(showNamespace(await (await runningGuest(invocation)).createNamespace(dimm, wish)));
  },
});

const guestDestroyNamespace = defineCommand({
  ...guestCommon,
  names: ['guest_destroy_namespace'],
  params: 'dimm uuid',
  help: 'let the guest free the label of a namespace',
  manual: 'The embedded guest takes the disk of a namespace out of service and frees its label; the bytes stay. Refused while the disk is in use.',
  example: ['guest_destroy_namespace nmem0 6a1ecb18-9d36-4c53-8a37-11c8d6a52e01'],
  arguments: { dimm: word(completeDimm), uuid: word(completeNamespace) },
  run: async (invocation, { dimm, uuid }) => (await runningGuest(invocation)).destroyNamespace(dimm, uuid),
});

/** Commands for the NVDIMMs of a guest that is part of this program. */
export const namespaceCommands: readonly HmpCommand[] = [guestNamespaces, guestInitLabels, guestCreateNamespace, guestDestroyNamespace];

const dimmsOf = (guest: GuestConsole | undefined): readonly GuestDimmInfo[] => guest?.dimms() ?? [];

function showDimm({ name, id, size, address, armed, labelSize, labelVersion }: GuestDimmInfo): string {
  const labels = labelVersion === undefined ? `no labels${labelSize === 0 ? '' : ` in ${labelSize} bytes for them`}` : `labels ${labelVersion} in ${labelSize} bytes`;
  return `${name}: device "${id ?? ''}", ${size} bytes at 0x${address.toString(16)}, ${labels}${armed ? '' : ', not armed'}`;
}

function showNamespace({ disk, uuid, name, size, offset }: GuestNamespaceInfo): string {
  const what = uuid === undefined ? 'all of it' : `namespace ${uuid}${name === '' ? '' : ` ${JSON.stringify(name)}`}`;
  return `${disk ?? '(no disk)'}: ${what}, ${size} bytes at ${offset}`;
}
