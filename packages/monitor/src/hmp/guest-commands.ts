import { OptionError, parseSize } from '@vpmem/options';
import { word, rest, type Completer } from './argument.ts';
import { guestCommon, guestOf, runningGuest } from './guest-context.ts';
import { defineCommand, type HmpCommand } from './hmp-command.ts';

/** Bytes that one line reads at most. */
const MAX_READ = 64 * 1024;

const completeDisk: Completer = ({ machine }, text) => ({
  candidates: (machine.guest?.disks() ?? []).map(({ name }) => `${name} `),
  replaced: text,
});

const guestDisks = defineCommand({
  ...guestCommon,
  names: ['guest_disks'],
  help: "show the guest's pmem disks",
  manual: "The disks that the embedded guest has made of its virtio-pmem devices and NVDIMMs. Only where the guest is part of this program, as in `vpmem run`.",
  arguments: {},
  run: (invocation) => {
    const disks = guestOf(invocation).disks();
    if (disks.length === 0) invocation.print('no disk');
    for (const { name, id, address, size, inUse } of disks) {
      invocation.print(`${name}: device "${id ?? ''}", ${size} bytes at 0x${address.toString(16)}${inUse ? ', in use' : ''}`);
    }
  },
});

const guestWrite = defineCommand({
  ...guestCommon,
  names: ['guest_write'],
  params: 'disk offset text',
  help: 'let the guest store text on a disk',
  manual: "The embedded guest stores the rest of the line at an offset of a disk, which is named as the guest names it or by its device's id. It is durable after `guest_fsync`.",
  example: ['guest_write pmem0 0 hello'],
  arguments: { disk: word(completeDisk), offset: word(), text: rest() },
  run: async (invocation, { disk, offset, text }) => (await runningGuest(invocation)).write(disk, parseSize(offset, { parameter: 'offset' }), Buffer.from(text)),
});

const guestRead = defineCommand({
  ...guestCommon,
  names: ['guest_read'],
  params: 'disk offset length',
  help: 'show what the guest loads from a disk',
  manual: `Shows bytes that the embedded guest loads from a disk, ${MAX_READ / 1024} KiB at most.`,
  example: ['guest_read pmem0 0 5'],
  arguments: { disk: word(completeDisk), offset: word(), length: word() },
  run: async (invocation, values) => {
    const offset = parseSize(values.offset, { parameter: 'offset' });
    const length = parseSize(values.length, { parameter: 'length' });
    if (length > MAX_READ) throw new OptionError('out-of-range', `length is ${length}; one line shows ${MAX_READ} bytes at most`, { parameter: 'length' });
    showBytes(offset, await (await runningGuest(invocation)).read(values.disk, offset, length)).forEach(invocation.print);
  },
});

const guestFsync = defineCommand({
  ...guestCommon,
  names: ['guest_fsync'],
  params: 'disk',
  help: 'let the guest flush a disk',
  manual: 'The embedded guest asks for a flush and waits for it; afterwards all that it stored before is durable. A disk on an NVDIMM has nobody to ask: it succeeds at once, and nothing is durable.',
  example: ['guest_fsync pmem0'],
  arguments: { disk: word(completeDisk) },
  run: async (invocation, { disk }) => (await runningGuest(invocation)).fsync(disk),
});

const guestHold = defineCommand({
  ...guestCommon,
  names: ['guest_hold'],
  params: 'disk on|off',
  help: 'let the guest hold on to a disk, as if it were mounted',
  manual: 'While the embedded guest holds on to a disk it does not give it up: `device_del` then ends in DEVICE_UNPLUG_GUEST_ERROR.',
  example: ['guest_hold pmem0 on'],
  arguments: { disk: word(completeDisk), state: word((_context, text) => ({ candidates: ['on', 'off'], replaced: text })) },
  run: async (invocation, { disk, state }) => {
    if (state !== 'on' && state !== 'off') throw new OptionError('invalid-value', `'${state}' is neither 'on' nor 'off'`);
    await guestOf(invocation).setInUse(disk, state === 'on');
  },
});

/** Commands for a guest that is part of this program. */
export const guestCommands: readonly HmpCommand[] = [guestDisks, guestWrite, guestRead, guestFsync, guestHold];

/** Sixteen bytes in a line: where, in hexadecimal, as text. */
function showBytes(offset: number, bytes: Uint8Array): string[] {
  return Array.from({ length: Math.ceil(bytes.length / 16) }, (_, line) => {
    const row = Buffer.from(bytes.subarray(line * 16, line * 16 + 16));
    const hex = [...row].map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    return `${(offset + line * 16).toString(16).padStart(16, '0')}: ${hex.padEnd(47)}  ${row.toString('latin1').replace(/[^\x20-\x7e]/g, '.')}`;
  });
}
