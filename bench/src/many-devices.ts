import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DaemonProcess } from '@vpmem/daemon/process';

/** A vpmemd with a number of devices nobody uses. */
interface Footprint {
  /** From its start to its readiness, in milliseconds. */
  readonly ready: number;
  /** Resident, in KiB, and how much of that is no file's. */
  readonly resident: number;
  readonly own: number;
  readonly descriptors: number;
}

/** What one more device costs. */
export interface DeviceCost {
  /** The daemon with one device. */
  readonly one: Footprint;
  /** How many there were in the end. */
  readonly devices: number;
  /** Milliseconds until the daemon with all of them is ready. */
  readonly ready: number;
  /** Milliseconds more for each. */
  readonly milliseconds: number;
  /** Resident KiB more for each. */
  readonly kib: number;
  /** File descriptors more for each. */
  readonly descriptors: number;
}

/** Starts a daemon with one device and one with `devices`, and compares. */
export async function measureManyDevices(devices: number): Promise<DeviceCost> {
  const one = await footprint(1);
  const many = await footprint(devices);
  const each = (of: (footprint: Footprint) => number): number => (of(many) - of(one)) / (devices - 1);
  return {
    one,
    devices,
    ready: many.ready,
    milliseconds: each(({ ready }) => ready),
    kib: each(({ resident }) => resident),
    descriptors: each(({ descriptors }) => descriptors),
  };
}

async function footprint(devices: number): Promise<Footprint> {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-bench-'));
  const args = Array.from({ length: devices }, (_, i) => [
    '-object',
    `memory-backend-file,id=mem${i},share=on,mem-path=${folder}/mem${i}.img,size=2M`,
    '-device',
    `virtio-pmem-pci,memdev=mem${i},id=nv${i},socket=${folder}/nv${i}.sock`,
  ]).flat();
  const started = performance.now();
  const daemon = await DaemonProcess.start(args);
  try {
    const ready = performance.now() - started;
    const status = readFileSync(`/proc/${daemon.pid}/status`, 'utf8');
    const kib = (name: string): number => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]);
    return { ready, resident: kib('VmRSS'), own: kib('RssAnon'), descriptors: readdirSync(`/proc/${daemon.pid}/fd`).length };
  } finally {
    await daemon.end();
    rmSync(folder, { recursive: true });
  }
}
