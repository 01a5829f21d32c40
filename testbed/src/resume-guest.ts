import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Guest } from './guest.ts';
import { bootArguments, launch, startGuest, type GuestOptions } from './start-guest.ts';
import { TestbedError } from './testbed-error.ts';

/** A guest that has booted already. What QEMU is given besides must be nothing that a guest sees: backends, for example. */
export interface ResumeOptions extends Omit<GuestOptions, 'accelerator' | 'firmware' | 'boot' | 'until' | 'timeout'> {
  /** PCI devices and NVDIMMs to plug in when it runs, one after the other, so that Linux numbers them in this order: values of `-device`, in JSON. */
  readonly plug?: readonly string[];
}

/** Milliseconds. */
const KEPT_FOR = 30 * 24 * 3600 * 1000;

/** A guest as it was when it took commands for the first time, in a folder of the testbed's. */
interface SavedGuest {
  /** What QEMU wrote of the whole machine. */
  readonly state: string;
  /** As of {@link Guest}. */
  readonly token: string;
  readonly console: string;
}

/**
 * Goes on with a guest that booted once, for all who want one of that kernel, memory and programs, and was saved by QEMU then: a fifth of
 * the processor time of a boot. Its devices are plugged in while it runs, so what is about a boot, or about what firmware does to a
 * device, needs {@link startGuest}; so does `q35`, which plugs nothing in. A reboot is one, from the firmware on.
 *
 * @throws TestbedError with the console and QEMU's output if that does not work; nothing is left of it then
 */
export async function resumeGuest(options: ResumeOptions): Promise<Guest> {
  const { testbed, plug = [] } = options;
  const folder = join(testbed.dir, 'saved');
  const path = join(folder, await savedName(options));
  // QEMU 11.1 fails an assertion (tlb_reset_dirty_range_all) where one that has saved a guest goes on with it and a memory device is plugged in.
  if (!existsSync(path)) await bootAndSave(options, folder, path);
  const guest = await goOnFrom(readSaved(path), options);
  try {
    await plugIn(guest, plug);
  } catch (error) {
    await guest.stop();
    throw error;
  }
  return guest;
}

/** The guest that was saved before, which is kept for as long as what it was made of stays the same. */
function readSaved(path: string): SavedGuest {
  utimesSync(path, new Date(), new Date());
  return { state: join(path, 'state'), ...(JSON.parse(readFileSync(join(path, 'guest.json'), 'utf8')) as Pick<SavedGuest, 'token' | 'console'>) };
}

async function savedName(options: ResumeOptions): Promise<string> {
  const { testbed, kernel = '6.12' } = options;
  const { size, mtimeMs } = statSync(testbed.qemuWrapper);
  const recipe = JSON.stringify(['mapped-ram', testbed.qemuVersion, testbed.qemuWrapper, size, mtimeMs, ...(await bootArguments(options, ''))]);
  return `${kernel}-${createHash('sha256').update(recipe).digest('hex').slice(0, 16)}`;
}

async function goOnFrom(saved: SavedGuest, options: ResumeOptions): Promise<Guest> {
  const guest = new Guest(saved.token);
  await launch(guest, await bootArguments(options, saved.token), { ...options, qemuArgs: [...(options.qemuArgs ?? []), '-incoming', 'defer'] });
  try {
    guest.cameUpBefore(saved.console);
    await guest.qmp('migrate-set-capabilities', { capabilities: capabilities('mapped-ram') });
    await guest.qmp('migrate-incoming', { uri: `file:${saved.state}` });
    await guest.waitForEvent('RESUME');
    // As after a sleep: what a file system of another guest says of its time was not in the future.
    await guest.sh(`date -s @${Math.floor(Date.now() / 1000)}`);
  } catch (error) {
    await guest.stop();
    throw error;
  }
  return guest;
}

/** Boots the guest, without what a caller adds, and has QEMU write it down. */
async function bootAndSave(options: ResumeOptions, folder: string, path: string): Promise<void> {
  const { plug: _plug, qemuArgs: _qemuArgs, command: _command, channels = {}, ...machine } = options;
  // Devices that it boots with may name them; whoever wants to hear of them hears of the one that goes on.
  const unheard = Object.fromEntries(Object.keys(channels).map((name) => [name, (socket: Socket) => void socket.resume()]));
  mkdirSync(folder, { recursive: true });
  forgetUnused(folder);
  // Others may be making the same one: each its own, and whole ones only.
  const own = mkdtempSync(join(folder, 'partial-'));
  try {
    const guest = await startGuest({ ...machine, channels: unheard });
    try {
      await save(guest, own);
    } finally {
      await guest.stop();
    }
    putInPlace(own, path);
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Has QEMU write a guest down, which stands still from then on. */
async function save(guest: Guest, folder: string): Promise<void> {
  await guest.qmp('migrate-set-capabilities', { capabilities: capabilities('events', 'mapped-ram') });
  await guest.qmp('migrate-set-parameters', { 'max-bandwidth': 2 ** 40 });
  await guest.qmp('migrate', { uri: `file:${join(folder, 'state')}` });
  const { data } = await guest.waitForEvent('MIGRATION', ({ data: { status } }) => status === 'completed' || status === 'failed');
  if (data.status === 'failed') throw new TestbedError('unavailable', `a guest that has booted cannot be saved in ${folder}: ${await whyNot(guest)}`);
  writeFileSync(join(folder, 'guest.json'), JSON.stringify({ token: guest.token, console: guest.console }));
}

async function whyNot(guest: Guest): Promise<string> {
  const { 'error-desc': words = 'QEMU does not say why' } = (await guest.qmp('query-migrate')) as { 'error-desc'?: string };
  return words;
}

/** Of several that are announced at once, ACPI may bring the second first. */
async function plugIn(guest: Guest, devices: readonly string[]): Promise<void> {
  for (const [i, device] of devices.entries()) {
    const properties = JSON.parse(device) as { readonly driver?: unknown };
    // By what the shell does itself: to start a program takes long under TCG.
    const find = `set -- /sys/bus/${properties.driver === 'nvdimm' ? 'nd/devices/nmem' : 'pci/devices/'}*; [ -e "$1" ] || shift`;
    const present = i === devices.length - 1 ? undefined : Number(await guest.sh(`${find}; echo $#`));
    await guest.qmp('device_add', properties);
    if (present !== undefined) await guest.sh(`until ${find}; [ $# -gt ${present} ]; do sleep 0.02; done`);
  }
}

/** @internal Removes saved guests that nobody has gone on from for a month, and what is left of those that were not finished. */
export function forgetUnused(folder: string): void {
  for (const path of readdirSync(folder).map((name) => join(folder, name))) {
    // Another process may have removed it.
    const used = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - used > KEPT_FOR) rmSync(path, { recursive: true, force: true });
  }
}

/** `mapped-ram`: each page has its place in the file, and those that are zero are left alone; otherwise they are looked at, and so allocated. */
function capabilities(...names: ('events' | 'mapped-ram')[]): unknown[] {
  return names.map((capability) => ({ capability, state: true }));
}

/** Whoever was first has made the same. */
function putInPlace(own: string, path: string): void {
  try {
    renameSync(own, path);
  } catch (error) {
    if (!existsSync(path)) throw error;
  }
}
