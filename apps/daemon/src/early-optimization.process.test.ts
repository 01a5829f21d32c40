// That what each flush runs through is compiled while a slow disk has been flushed for a second or two, and not for a minute.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Guest } from '@vpmem/guest';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterEach, beforeEach, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
/** Left to itself V8 compiles these after one to two thousand. */
const FLUSHES = 800;
/** Of a virtqueue, called once for each flush, whatever file system the file is on. */
const HOT = /completed optimizing .*<JSFunction #?(needsInterrupt|walk)\b/;

let folder: string;
let vpmemd: ChildProcess;
let lines: Interface;
let guest: Guest;
let compiled: string[];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-hot-'));
  guest = new Guest();
  compiled = [];
  const args = ['-object', `memory-backend-file,id=mem1,share=on,mem-path=${folder}/file,size=2M`, '-device', `virtio-pmem-pci,memdev=mem1,id=nv1,socket=${folder}/nv1.sock`];
  vpmemd = spawn(process.execPath, ['--trace-opt', MAIN, ...args, '-run-with', 'exit-with-parent=on'], { stdio: ['ignore', 'pipe', 'ignore'] });
  if (vpmemd.stdout === null) throw new Error('vpmemd has no output');
  lines = createInterface(vpmemd.stdout);
  await new Promise<void>((ready) => lines.on('line', (line) => {
    const [, name] = HOT.exec(line) ?? [];
    if (name !== undefined) compiled.push(name);
    if (line === 'vpmemd: ready') ready();
  }));
});
afterEach(async () => {
  await guest.close();
  const gone = once(vpmemd, 'close');
  vpmemd.kill('SIGKILL');
  await gone;
  rmSync(folder, { recursive: true });
});

it(`compiles what is hot within ${FLUSHES} flushes`, async () => {
  const disk = guest.plug(RemoteFunction.connect(`${folder}/nv1.sock`));
  for (let i = 0; i < FLUSHES; i++) await disk.fsync();
  await expect.poll(() => new Set(compiled)).toEqual(new Set(['needsInterrupt', 'walk']));
});
