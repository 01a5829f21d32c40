// How far a guest can address, asked of the QEMU that will run it: by the rules of each processor model, accelerator and host.
// A guest that has no address for a device's memory starts all the same, and has no /dev/pmem.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { splitCommandLine, type CommandLineItem } from '../command-line/command-line.ts';
import { powerOfTwo } from '../command-line/hot-plug-room.ts';
import { propertiesOf } from '../command-line/item-properties.ts';
import { QemuError } from '../qemu-error.ts';
import { addressAdvice } from './place-advice.ts';

/** The processor of a guest. */
export interface Processor {
  readonly addressBits: number;
  /** Whether it keeps a stretch below 1 TiB for itself. */
  readonly amd: boolean;
}

/** Memory of devices that fits everywhere, so that nobody has to be asked: 36 bits reach 64 GiB. */
const ALWAYS_FITS = 16 * 2 ** 30;
/** Of the command line, what decides about the processor. */
const DECIDING = new Set(['cpu', 'accel', 'enable-kvm', 'global', 'L']);
/** For QEMU to start in and answer, in milliseconds. */
const PATIENCE = 20_000;

/**
 * Whether the guest of a command line can address all memory of its devices. Costs a start of QEMU without a guest (0.2 s)
 * where that is not plain.
 *
 * @throws QemuError if it cannot
 */
export async function checkAddressBits(qemu: string, args: readonly string[], devices: readonly { readonly id: string; readonly size: number }[]): Promise<void> {
  const items = splitCommandLine(args);
  const sizes = devices.map(({ size }) => powerOfTwo(size));
  const limited = items.some(({ argument = '' }) => /phys[-_]bits/.test(argument));
  if (sizes.length === 0 || (!limited && sizes.reduce((sum, size) => sum + size, 0) <= ALWAYS_FITS)) return;
  const processor = await askProcessor(qemu, items);
  // A QEMU that does not start will say why itself.
  const advice = processor === undefined ? undefined : addressAdvice(sizes, processor.addressBits, processor.amd);
  const [biggest] = [...devices].sort((a, b) => b.size - a.size);
  if (advice !== undefined) throw new QemuError('not-supported', `device '${biggest?.id ?? ''}': ${advice}`);
}

/** Undefined if QEMU does not tell. */
async function askProcessor(qemu: string, items: readonly CommandLineItem[]): Promise<Processor | undefined> {
  const args = ['-nodefaults', '-display', 'none', '-S', '-qmp', 'stdio', ...items.flatMap(deciding)];
  const child = spawn(qemu, args, { stdio: ['pipe', 'pipe', 'ignore'], timeout: PATIENCE, killSignal: 'SIGKILL' });
  const failed = new Promise<void>((resolve) => child.once('error', () => resolve()));
  // It may have ended before it has been asked.
  child.stdin.on('error', () => undefined);
  try {
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const ask = async (execute: string, given: object = {}): Promise<unknown> => {
      child.stdin.write(`${JSON.stringify({ execute, arguments: given })}\n`);
      for (;;) {
        const line = await Promise.race([lines.next(), failed]);
        if (line === undefined || line.done === true) return undefined;
        const answer = JSON.parse(line.value) as { readonly return?: unknown; readonly error?: unknown };
        if (answer.error !== undefined) return undefined;
        if (answer.return !== undefined) return answer.return;
      }
    };
    await ask('qmp_capabilities');
    const cpus = (await ask('query-cpus-fast')) as readonly { readonly 'qom-path': string }[] | undefined;
    const path = cpus?.[0]?.['qom-path'];
    if (path === undefined) return undefined;
    const addressBits = await ask('qom-get', { path, property: 'phys-bits' });
    const vendor = await ask('qom-get', { path, property: 'vendor' });
    return typeof addressBits === 'number' ? { addressBits, amd: vendor === 'AuthenticAMD' } : undefined;
  } finally {
    child.kill('SIGKILL');
  }
}

function deciding({ option = '', argument = '', words }: CommandLineItem): readonly string[] {
  if (DECIDING.has(option)) return words;
  if (option !== 'machine' && option !== 'M') return [];
  const { type, accel } = propertiesOf(argument, 'keyval', 'type');
  const kept = Object.entries({ type, accel }).flatMap(([name, value]) => (typeof value === 'string' ? [`${name}=${value.replaceAll(',', ',,')}`] : []));
  return kept.length === 0 ? [] : ['-machine', kept.join(',')];
}
