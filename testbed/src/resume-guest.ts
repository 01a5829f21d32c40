import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Guest } from './guest.ts';
import { bootArguments, launch, startGuest, type GuestOptions } from './start-guest.ts';

/** A guest that has booted already. What QEMU is given besides must be nothing that a guest sees: backends, for example. */
export interface ResumeOptions extends Omit<GuestOptions, 'accelerator' | 'firmware' | 'boot' | 'until' | 'timeout'> {
  /** PCI devices to plug in when it runs, one after the other, so that Linux numbers them in this order: values of `-device`, in JSON. */
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
  const { plug = [], qemuArgs = [] } = options;
  const saved = await findSaved(options);
  const guest = new Guest(saved.token);
  await launch(guest, await bootArguments(options, saved.token), { ...options, qemuArgs: [...qemuArgs, '-incoming', 'defer'] });
  try {
    guest.cameUpBefore(saved.console);
    await guest.qmp('migrate-set-capabilities', { capabilities: capabilities('mapped-ram') });
    await guest.qmp('migrate-incoming', { uri: `file:${saved.state}` });
    await guest.waitForEvent('RESUME');
    // As after a sleep: what a file system of another guest says of its time was not in the future.
    await guest.sh(`date -s @${Math.floor(Date.now() / 1000)}`);
    await plugIn(guest, plug);
  } catch (error) {
    await guest.stop();
    throw error;
  }
  return guest;
}

/** Of several that are announced at once, ACPI may bring the second first. */
async function plugIn(guest: Guest, devices: readonly string[]): Promise<void> {
  for (const [i, device] of devices.entries()) {
    const present = i === devices.length - 1 ? undefined : Number(await guest.sh('ls /sys/bus/pci/devices | wc -l'));
    await guest.qmp('device_add', JSON.parse(device) as Record<string, unknown>);
    if (present !== undefined) await guest.sh(`until [ $(ls /sys/bus/pci/devices | wc -l) -gt ${present} ]; do sleep 0.02; done`);
  }
}

/** The guest that was saved before, or one that boots and is saved now. Kept for as long as what it was made of stays the same. */
async function findSaved(options: ResumeOptions): Promise<SavedGuest> {
  const { testbed } = options;
  const { size, mtimeMs } = statSync(testbed.qemuWrapper);
  const recipe = JSON.stringify(['mapped-ram', testbed.qemuVersion, testbed.qemuWrapper, size, mtimeMs, ...(await bootArguments(options, ''))]);
  const folder = join(testbed.dir, 'saved');
  const path = join(folder, `${options.kernel ?? '6.12'}-${createHash('sha256').update(recipe).digest('hex').slice(0, 16)}`);
  if (!existsSync(path)) {
    mkdirSync(folder, { recursive: true });
    forgetUnused(folder);
    // Others may be making the same one: each its own, and whole ones only.
    const own = mkdtempSync(join(folder, 'partial-'));
    try {
      await save(options, own);
      putInPlace(own, path);
    } finally {
      rmSync(own, { recursive: true, force: true });
    }
  }
  utimesSync(path, new Date(), new Date());
  return { state: join(path, 'state'), ...(JSON.parse(readFileSync(join(path, 'guest.json'), 'utf8')) as Pick<SavedGuest, 'token' | 'console'>) };
}

/** @internal Removes saved guests that nobody has gone on from for a month, and what is left of those that were not finished. */
export function forgetUnused(folder: string): void {
  for (const path of readdirSync(folder).map((name) => join(folder, name))) {
    // Another process may have removed it.
    const used = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - used > KEPT_FOR) rmSync(path, { recursive: true, force: true });
  }
}

/** Boots the guest, without what a caller adds, and has QEMU write it down. */
async function save(options: ResumeOptions, folder: string): Promise<void> {
  const { plug: _plug, qemuArgs: _qemuArgs, channels: _channels, command: _command, ...machine } = options;
  const guest = await startGuest(machine);
  try {
    await guest.qmp('migrate-set-capabilities', { capabilities: capabilities('events', 'mapped-ram') });
    await guest.qmp('migrate-set-parameters', { 'max-bandwidth': 2 ** 40 });
    await guest.qmp('migrate', { uri: `file:${join(folder, 'state')}` });
    await guest.waitForEvent('MIGRATION', ({ data }) => data.status === 'completed');
    writeFileSync(join(folder, 'guest.json'), JSON.stringify({ token: guest.token, console: guest.console }));
  } finally {
    await guest.stop();
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
