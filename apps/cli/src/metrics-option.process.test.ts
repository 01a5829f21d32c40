// --metrics of vpmem qemu and -metrics of vpmem run, as their users have them. What vpmemd tells is in its own tests.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage, type RequestOptions } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { readExposition } from '@vpmem/metrics/testing';
import { afterEach, beforeEach, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
/** Ends when it is told to. */
const QEMU = `#!/bin/sh
case $1 in --version) echo 'QEMU emulator version 11.1.3'; exit ;; esac
read -r what
`;
const BACKEND = ['-object', 'memory-backend-file,id=mem0,share=on,mem-path=mem0.img,size=4M'];

let folder: string;
let child: ChildProcess | undefined;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-metrics-'));
  writeFileSync(join(folder, 'qemu'), QEMU);
  chmodSync(join(folder, 'qemu'), 0o755);
});
afterEach(() => {
  child?.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

/** Starts vpmem; what it says comes line by line. */
function start(...args: string[]): { readonly program: ChildProcess; readonly lines: AsyncIterable<string> } {
  const program = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env: { PATH: process.env.PATH, TMPDIR: folder, XDG_RUNTIME_DIR: folder }, stdio: ['pipe', 'pipe', 'pipe'] });
  child = program;
  return { program, lines: createInterface(args[0] === 'run' ? program.stdout : program.stderr) };
}
async function location(lines: AsyncIterable<string>): Promise<string> {
  for await (const line of lines) {
    const [, found] = /metrics at (\S+)$/.exec(line) ?? [];
    if (found !== undefined) return found;
  }
  throw new Error('it does not say where');
}
async function scrape(where: string | RequestOptions): Promise<ReadonlyMap<string, number>> {
  const [response] = (await once(request(where).end(), 'response')) as [IncomingMessage];
  return readExposition(await text(response));
}

it('vpmem qemu tells of the devices of its line', async () => {
  const { program, lines } = start('qemu', '--qemu', './qemu', '--metrics', '0', '--', '-S', '-name', 'vm1', ...BACKEND, '-device', 'virtio-pmem-pci,memdev=mem0,id=nv0');
  const found = await scrape(await location(lines));
  expect(found.get('vpmem_device_size_bytes{device="nv0",machine="vm1"}')).toBe(2 ** 22);
  expect([...found.keys()].find((series) => series.startsWith('vpmem_build_info'))).toContain('program="vpmem qemu"');
  program.stdin?.write('\n');
  expect(await once(program, 'close')).toEqual([0, null]);
});

it('vpmem run tells of a device and an nvdimm, at a socket that is gone afterwards', async () => {
  const { program, lines } = start('run', '-m', '64M,slots=2,maxmem=1G', '-monitor', 'none', '-machine', 'pc,nvdimm=on', '-metrics', 'unix:m.sock', ...BACKEND, '-device', 'virtio-pmem-pci,memdev=mem0,id=nv0', '-object', 'memory-backend-file,id=mem1,share=on,mem-path=mem1.img,size=4M', '-device', 'nvdimm,memdev=mem1,id=nv1');
  expect(await location(lines)).toBe('unix:m.sock');
  const found = await scrape({ socketPath: join(folder, 'm.sock'), path: '/metrics' });
  expect([found.get('vpmem_driver_errors_total{device="nv0"}'), found.get('vpmem_device_connected{device="nv1"}')]).toEqual([0, 1]);
  expect([...found.keys()].filter((series) => series.includes('flush') && series.includes('nv1'))).toEqual([]);
  program.kill('SIGTERM');
  expect(await once(program, 'close')).toEqual([0, null]);
  expect(readdirSync(folder).sort()).toEqual(['mem0.img', 'mem1.img', 'qemu', 'vpmem']);
});

it.each([
  ['nonsense', "'nonsense' is no address; give unix:PATH, PORT, or HOST:PORT"],
  ['unix:/nowhere/m.sock', "there is no folder '/nowhere'; make it, or name another path"],
])('vpmem qemu refuses %s in one line, and makes nothing', async (address, message) => {
  const { program } = start('qemu', '--qemu', './qemu', '--metrics', address, '--', ...BACKEND, '-device', 'virtio-pmem-pci,memdev=mem0,id=nv0');
  const said = program.stderr === null ? '' : text(program.stderr);
  expect(await once(program, 'close')).toEqual([1, null]);
  expect(await said).toBe(`vpmem: --metrics ${address}: ${message}\n`);
  expect(readdirSync(folder).filter((name) => name.endsWith('.img'))).toEqual([]);
});
