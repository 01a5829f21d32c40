import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaemonProcess } from '@vpmem/daemon/process';
import { Guest, type PmemDisk } from '@vpmem/guest';
import { closeBackend, fileSyncer, MemoryBackend, openBackend } from '@vpmem/memory-backend';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { VirtioPciFunction } from '@vpmem/virtio-pci';
import { VirtioPmem } from '@vpmem/virtio-pmem';
import colors from 'picocolors';

const MIB = 2 ** 20;
const SIZE = 64 * MIB;

let step = 0;
const say = (text = ''): unknown => process.stdout.write(`${text}\n`);
const title = (text: string): unknown => say(`\n${colors.bold(`${++step}. ${text}`)}`);
const note = (text: string): unknown => say(`   ${text}`);
const good = (text: string): unknown => note(`${colors.green('✓')} ${text}`);

/** Something the demonstration says is true is not. */
class DemoFailure extends Error {}

function check(condition: boolean, text: string): void {
  if (!condition) throw new DemoFailure(text);
  good(text);
}

/** `vpmem demo`: one machine, one device, told step by step; the exit status. */
export async function runDemo(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-demo-'));
  const started = performance.now();
  say(colors.bold('vpmem: persistent memory for virtual machines, from a program of its own'));
  note('No virtual machine is needed for this: a guest written in TypeScript drives the device as Linux would.');
  const demo = new Demo(folder);
  try {
    await demo.inThisProcess();
    await demo.behindASocket();
    await demo.afterKill();
    say(`\n${colors.bold('Done')} in ${((performance.now() - started) / 1000).toFixed(1)} s. What to try next:`);
    nextThings();
    return 0;
  } catch (error) {
    if (!(error instanceof DemoFailure)) throw error;
    note(colors.red(`✗ not so: ${error.message}`));
    return 1;
  } finally {
    await demo.tidyUp();
    rmSync(folder, { recursive: true });
  }
}

class Demo {
  readonly #folder: string;
  readonly #files: readonly string[];
  readonly #written = new Map<string, string>();

  constructor(folder: string) {
    this.#folder = folder;
    this.#files = [join(folder, 'pmem0.img'), join(folder, 'pmem1.img')];
  }

  async inThisProcess(): Promise<void> {
    title('A machine in this process, with a virtio-pmem device on a file');
    const description = await openBackend({ type: 'memory-backend-file', id: 'mem0', memPath: this.#file(0), size: SIZE, share: true });
    const backend = new MemoryBackend(description, fileSyncer(description.fd));
    note(`memory-backend-file,id=mem0,share=on,mem-path=${this.#file(0)},size=64M`);
    const guest = new Guest();
    const disk = guest.plug(new VirtioPciFunction(new VirtioPmem(backend)));
    describeDisk(disk);
    await this.#storeAndFlush(disk, 0, MIB);
    check(this.#fileHolds(0, 0, MIB), 'the file holds every byte, although no byte went through the device: the guest stored into its memory');
    await Promise.all(Array.from({ length: 20 }, () => disk.fsync()));
    const { asked, synced } = backend.flushes.stats;
    good(`20 more flushes at once: ${asked - 1} asked, ${synced - 1} fdatasync calls, because those that wait share one`);
    await guest.close();
    closeBackend(description);
  }

  async behindASocket(): Promise<void> {
    title('The same guest, the same file, but the device is in another process: vpmemd');
    this.#daemon = await this.#startDaemon();
    note(`vpmemd (pid ${this.#daemon.pid}) serves two devices over vfio-user; QEMU would connect exactly like this`);
    const guest = (this.#guest = new Guest());
    const disk = guest.plug(RemoteFunction.connect(this.#socket(0)));
    describeDisk(disk);
    check(this.#holds(disk, 0, 0, MIB), 'what the first machine stored is there');
    await this.#storeAndFlush(disk, 0, MIB, MIB);

    title('A second device is plugged in while the first is busy');
    const work = { flushes: 0, wanted: Infinity };
    const busy = (async () => {
      for (; work.flushes < work.wanted; work.flushes++) await disk.fsync();
    })();
    const second = guest.plug(RemoteFunction.connect(this.#socket(1)));
    describeDisk(second);
    await this.#storeAndFlush(second, 1, 2 * MIB);
    work.wanted = work.flushes;
    await busy;
    good(`meanwhile the first device answered ${work.flushes} flushes`);
  }

  async afterKill(): Promise<void> {
    title('kill -9: the device dies under a running guest');
    const guest = this.#guest;
    const disk = guest?.disks[0];
    if (guest === undefined || disk === undefined) throw new DemoFailure('there is a running guest');
    await this.#daemon?.end('SIGKILL');
    const refusal = await disk.fsync().then(
      () => undefined,
      (error: unknown) => (error as Error).message,
    );
    check(refusal !== undefined, `a flush no longer succeeds (${refusal ?? ''}): the guest is told, not lied to`);
    guest.cutPower();

    title('vpmemd starts again, and so does the guest');
    this.#daemon = await this.#startDaemon();
    note(`vpmemd (pid ${this.#daemon.pid}) found its files, and replaced the sockets its predecessor left`);
    const again = new Guest();
    const disks = [0, 1].map((i) => again.plug(RemoteFunction.connect(this.#socket(i))));
    const intact = disks.map((each, i) => this.#holds(each, i, 0, 2 * MIB));
    check(intact[0] === true && intact[1] === true, 'every byte that was flushed is there, on both devices (SHA-256 compared)');
    await Promise.all(disks.map((each) => each.fsync()));
    good('and flushes succeed again');
    await again.close();
    note('(kill -9 cannot lose what was not flushed either: the page cache of the host outlives the process. Only a power');
    note(' cut can, and against that nothing helps but the flush.)');
  }

  async tidyUp(): Promise<void> {
    await this.#daemon?.end('SIGTERM');
  }

  #daemon: DaemonProcess | undefined;
  #guest: Guest | undefined;

  #startDaemon(): Promise<DaemonProcess> {
    const args = this.#files.flatMap((file, i) => [
      '-object',
      `memory-backend-file,id=mem${i},share=on,mem-path=${file},size=64M`,
      '-device',
      `virtio-pmem-pci,id=nv${i},memdev=mem${i},socket=${this.#socket(i)}`,
    ]);
    return DaemonProcess.start(args);
  }

  #file(i: number): string {
    return this.#files[i] ?? '';
  }

  #socket(i: number): string {
    return join(this.#folder, `nv${i}.sock`);
  }

  /** Stores a pattern of its own at `offset`, flushes, and remembers what the file has to hold from now on. */
  async #storeAndFlush(disk: PmemDisk, file: number, length: number, offset = 0): Promise<void> {
    const pattern = Buffer.alloc(length, `device ${file}, offset ${offset}: `);
    disk.write(offset, pattern);
    const before = performance.now();
    await disk.fsync();
    good(`stored ${length / MIB} MiB with plain stores, flushed in ${(performance.now() - before).toFixed(1)} ms`);
    const end = offset + length;
    this.#written.set(`${file} ${end}`, digest(disk.read(0, end)));
  }

  #holds(disk: PmemDisk, file: number, offset: number, length: number): boolean {
    return digest(disk.read(offset, length)) === this.#written.get(`${file} ${length}`);
  }

  #fileHolds(file: number, offset: number, length: number): boolean {
    const bytes = Buffer.alloc(length);
    const fd = openSync(this.#file(file), 'r');
    readSync(fd, bytes, 0, length, offset);
    closeSync(fd);
    return digest(bytes) === this.#written.get(`${file} ${length}`);
  }
}

function describeDisk({ slot, address, size, features }: PmemDisk): void {
  good(`found 1af4:105b in slot ${slot}, enabled its BARs, negotiated features 0x${features.toString(16)}`);
  good(`${size / MIB} MiB of persistent memory at 0x${address.toString(16)}`);
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function nextThings(): void {
  // In the workspace the launchers stand at the root; installed from npm, both are on the path.
  const at = existsSync('vpmemd') ? './' : '';
  const pair = '-object memory-backend-file,id=mem1,share=on,mem-path=pmem.img,size=256M -device virtio-pmem-pci,memdev=mem1,id=nv1';
  note('a device for a real virtual machine; vpmemd prints what to give to QEMU (10.1 or newer):');
  note(colors.cyan(`  ${at}vpmemd ${pair}`));
  note('or a QEMU command line as it is, its virtio-pmem devices served by vpmem:');
  note(colors.cyan(`  ${at}vpmem qemu -- -m 1G ${pair} …`));
  note('every state that a power cut can leave of a log with a mistake in it, and the bytes that matter, in a few seconds:');
  note(colors.cyan(`  ${at}vpmem explore --demo`));
}
