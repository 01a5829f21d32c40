import { RECORDING, SERVED_DEVICE, SHARDS } from './given.ts';

/** How the example of a package's README is tried; without an entry its first block runs as it is, in an empty folder. */
export interface Trial {
  /** Which blocks run, one after the other, each in a process of its own; counted from 0. Default: the first. */
  readonly blocks?: readonly number[];
  /** JavaScript before and after it: the files it begins with, what it says is declared elsewhere, a call of the function that it is. */
  readonly before?: string;
  readonly after?: string;
  /** What is installed beside what the README says, for `before`, `after` and the types of other blocks. */
  readonly packages?: readonly string[];
  /** What it prints. Default: anything, or nothing. */
  readonly prints?: RegExp;
  /** Why it runs only where everything does: it boots guests. */
  readonly long?: string;
  /** Why it never runs. */
  readonly never?: string;
}

const EMBEDDED = `import { EmbeddedMachine } from '@vpmem/embedded-machine';
const machine = EmbeddedMachine.create({ machine: ['q35'], memory: '1G,maxmem=16G', warn: console.warn });`;

/** By the package's name, without its scope. */
export const TRIALS: Readonly<Record<string, Trial>> = {
  'check-places': {
    before: `${RECORDING}
import { writeFileSync } from 'node:fs';
writeFileSync('check.sh', '#!/bin/sh\\necho looked at "$1" after "$VPMEM_ACKED"\\nexit 1\\n', { mode: 0o755 });`,
    prints: /^violated looked at .+ after 7\n$/,
  },
  chardev: {
    after: `import { connect } from 'node:net';
const client = connect(address.path);
client.end('hello');
client.on('data', (data) => console.log(String(data)));
client.once('close', () => void chardev.close());`,
    prints: /^connect to unix:.*\nhello\n$/,
  },
  compare: { packages: ['@vpmem/testbed'], prints: /virtio-pmem/ },
  daemon: { prints: /vfio-user-pci.*nv1\.sock/ },
  // Somebody who has seen the address says that it is enough.
  dashboard: {
    before: `import { mkdirSync } from 'node:fs';
mkdirSync('reports');
const { log } = console;
console.log = (text) => (log(text), process.nextTick(() => process.emit('SIGINT')));`,
    prints: /^http:\/\/127\.0\.0\.1:\d+\/\?token=\S+\n$/,
  },
  'descriptor-store': { prints: /^nobody holds descriptors/ },
  'disk-names': {
    before: `import { writeFileSync } from 'node:fs';
for (const name of ['after.img', 'before.img']) writeFileSync(name, new Uint8Array(65536));`,
    prints: /^1024 1024 unknown\nundefined\nundefined\n$/,
  },
  explorer: { before: RECORDING, prints: /^a record is lost \d+:\S+/m },
  // Of what is reported, states fail, so the example's status is 1.
  'explorer-report': { before: SHARDS, after: 'if (process.exitCode === 1) process.exitCode = 0;', packages: ['@vpmem/explorer', '@vpmem/recording'], prints: /a record is lost/ },
  guest: { before: SERVED_DEVICE, after: 'await daemon.end();\nconsole.log("ended");', packages: ['@vpmem/daemon'], prints: /^ended$/m },
  'guest-memory': { prints: /^0\nundefined\n$/ },
  'guest-place': {
    long: 'it boots a guest',
    before: `${RECORDING}
import { writeFileSync } from 'node:fs';
writeFileSync('check.sh', '#!/bin/sh\\nexit 0\\n', { mode: 0o755 });`,
    prints: /^41:page:-3 \w+/m,
  },
  'hand-over': {
    before: `import { mkdirSync } from 'node:fs';
mkdirSync(process.env.XDG_RUNTIME_DIR + '/vpmem', { recursive: true, mode: 0o700 });
const offer = { program: 'one', version: '1.0.0', pid: process.pid, state: 1, words: [], folder: '/', about: null };
const giver = { offer, stop: async () => {}, save: async () => ({ answered: 41 }), proceed: () => {} };`,
    prints: /^to go on from \{ answered: 41 \}\n$/,
  },
  layout: { prints: /^0\n7 10\n$/ },
  'log-writes': {
    // The example has a RecordingWriter of its own.
    before: `${RECORDING.replace('{ RecordingWriter }', '{ RecordingWriter as Recorder }').replace('RecordingWriter.create', 'Recorder.create')}
import { writeFileSync } from 'node:fs';
import { Recording as Recorded } from '@vpmem/recording';
writeFileSync('before.img', new Uint8Array(Number(Recorded.open('run.vpmrec').size)));`,
    prints: /^\d+ entries\n$/,
  },
  machine: {
    before: EMBEDDED,
    after: "await plug(machine, 'pmem.img');\nawait machine.close();",
    packages: ['@vpmem/embedded-machine'],
    prints: /virtio-pmem-pci/,
  },
  'memory-backend': { prints: /^durable\n$/ },
  metrics: { prints: /^200\n$/ },
  monitor: {
    before: `${EMBEDDED}
await machine.start();
import { mkdirSync } from 'node:fs';
mkdirSync(process.env.XDG_RUNTIME_DIR + '/vpmem', { recursive: true, mode: 0o700 });`,
    after: 'await monitors.close();\nawait machine.close();',
    packages: ['@vpmem/embedded-machine'],
    prints: /hmp\.sock[^]*qmp\.sock/,
  },
  nvdimm: {
    before: `const bytes = new Uint8Array(4096);
const ram = { read: (address, into) => (into.set(bytes), true), write: (address, from) => (bytes.set(from), true) };`,
    prints: /^67108864 2 answered\n$/,
  },
  options: { prints: /^4294967296 undefined memory-backend-file,.*size=4294967296/m },
  'page-kit': { never: 'it makes a page of files that the package of that page has' },
  'page-tracker': {
    before: `import { writeFileSync } from 'node:fs';
writeFileSync('durable.img', new Uint8Array(2 ** 20));`,
    prints: /^(?:uffd|compare|comparison|difference) /m,
  },
  pci: { prints: /^11234\n$/ },
  qemu: { prints: /vfio-user-pci.*nv1\.sock/ },
  'qemu-monitors': { never: 'it is a VM that goes on until somebody ends it' },
  qmp: { prints: /^1073741824 /m },
  recording: {
    blocks: [0, 1],
    before: `import { truncateSync, writeFileSync } from 'node:fs';
writeFileSync('disk.img', 'what was there');
truncateSync('disk.img', 2 ** 28);`,
  },
  'running-programs': { prints: /^vm1 does not run\n$/ },
  'served-machine': { prints: /nv1\.sock/ },
  service: { before: "process.argv.push('-help');", prints: /^usage: …[^]*-object/ },
  'simulated-medium': { prints: /cut the guest off now/ },
  top: { prints: /No program of vpmem runs/ },
  testbed: { long: 'it boots a guest', prints: /region/ },
  'vfio-user': {
    before: SERVED_DEVICE,
    after: "console.log(vendorOf(socket).toString(16));\nawait daemon.end();",
    packages: ['@vpmem/daemon'],
    prints: /^1af4\n$/m,
  },
  virtio: {
    after: `import { bringUp, testBench } from '@vpmem/virtio/testing';
const bench = testBench(new Entropy());
console.log(bringUp(bench).constructor.name, bench.controller.status);`,
    prints: /^DriverQueue 15\n$/,
  },
  'virtio-pci': {
    after: `import { BusSegment } from '@vpmem/pci';
const device = { deviceId: 4, features: 0n, queueSizes: [64], sharedMemory: [], config: () => ({ size: 0, read: () => 0, write: () => false }) };
const bus = new BusSegment();
const slot = plugIn(device, bus);
console.log(bus.readConfig(slot << 3, 0, 4).toString(16));`,
    prints: /^10441af4\n$/,
  },
  'virtio-pmem': { prints: /^27 \d+/ },
  watch: { before: "setImmediate(() => process.emit('SIGINT'));" },
};
