// nvdimm devices in vpmem run, as whoever types them sees them.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const MACHINE = ['-machine', 'q35,nvdimm=on', '-m', '256M,slots=2,maxmem=1G'];
const LIMIT = 60_000;

let folder: string;
let running: { child: ChildProcess; exit: Promise<unknown> }[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-nvdimm-'));
  writeFileSync(join(folder, 'nv.img'), '');
  truncateSync(join(folder, 'nv.img'), 4 * 2 ** 20);
  running = [];
});
afterEach(async () => {
  for (const { child, exit } of running) {
    child.kill('SIGKILL');
    await exit;
  }
  rmSync(folder, { recursive: true });
});

/** A machine with the file in an nvdimm; `ask` types a line and gives what is answered. */
async function run(share: 'share=on,share-rw=on' | 'share=off'): Promise<{ ask(line: string): Promise<string>; exit: Promise<unknown> }> {
  const device = ['-object', `memory-backend-file,id=m,${share},mem-path=nv.img,size=4M`, '-device', 'nvdimm,id=nv1,memdev=m'];
  const child = spawn(process.execPath, [MAIN, 'run', ...MACHINE, ...device], { cwd: folder, env: { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder } });
  const exit = once(child, 'exit');
  running.push({ child, exit });
  let said = '';
  child.stdout.on('data', (data: Buffer) => (said += data.toString()));
  const prompts = (): number => said.split('(vpmem) ').length - 1;
  await expect.poll(prompts, { timeout: LIMIT }).toBe(1);
  const ask = async (line: string): Promise<string> => {
    const [before, from] = [prompts(), said.length];
    child.stdin.write(`${line}\n`);
    await expect.poll(prompts, { timeout: LIMIT }).toBe(before + 1);
    return said.slice(from).replace(/\(vpmem\) $/, '');
  };
  return { ask, exit };
}

it('two machines on one file: with share=on,share-rw=on each sees what the other stores, with share=off only its own', { timeout: 3 * LIMIT }, async () => {
  const [one, two, alone] = [await run('share=on,share-rw=on'), await run('share=on,share-rw=on'), await run('share=off')];
  expect(await one.ask('guest_write nv1 4096 ping')).not.toMatch(/Error/);
  expect(await two.ask('guest_read nv1 4096 4')).toContain('ping');
  await two.ask('guest_write nv1 4096 pong');
  expect(await one.ask('guest_read nv1 4096 4')).toContain('pong');
  expect(await alone.ask('guest_read nv1 4096 4')).not.toMatch(/p[io]ng/);
  await alone.ask('guest_write nv1 0 mine');
  expect(await one.ask('guest_read nv1 0 4')).not.toContain('mine');
  expect(readFileSync(join(folder, 'nv.img')).subarray(0, 4).toString()).toBe('\0\0\0\0');
});

it('lists what there is, takes one more, and says what QEMU says of one that is to go', { timeout: 2 * LIMIT }, () => {
  const typed = [
    'object_add memory-backend-file,id=m2,share=on,mem-path=more.img,size=4M', 'device_add nvdimm,id=nv2,memdev=m2,label-size=128K', 'info memory-devices', 'guest_disks', 'device_del nv2', 'quit', '',
  ];
  const device = ['-object', 'memory-backend-file,id=m,share=on,mem-path=nv.img,size=4M', '-device', 'nvdimm,id=nv1,memdev=m'];
  const env = { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder };
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'run', ...MACHINE, ...device], { cwd: folder, encoding: 'utf8', env, input: typed.join('\n'), timeout: LIMIT, killSignal: 'SIGKILL' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: 'vpmem run: ready\nvpmem run: shutdown (host-qmp-quit)\n' });
  expect(stdout.replaceAll('\r\n', '\n')).toContain(
    'Memory device [nvdimm]: "nv2"\n  addr: 0x100400000\n  slot: 1\n  node: 0\n  size: 4063232\n  memdev: /objects/m2\n  hotplugged: true\n  hotpluggable: true\n',
  );
  expect(stdout).toContain("Error: device 'nv2': nvdimm device hot unplug is not supported");
  expect(stdout).toMatch(/pmem1: device "nv2"/);
});

it.each([
  [['-device', 'nvdimm,memdev=m'], 'pc', /^vpmem run: -device nvdimm,memdev=m: device 'm': nvdimm is not enabled, .*-machine TYPE,nvdimm=on\n$/],
  [['-device', 'nvdimm,memdev=m,label-size=1K'], 'pc,nvdimm=on', /^vpmem run: -device nvdimm,memdev=m,label-size=1K: .*131072 \(128K\) or more/],
])('%o on %s is refused in one line', { timeout: LIMIT }, (device, machine, message) => {
  const args = ['run', '-machine', machine, '-m', '256M,slots=1,maxmem=1G', '-object', 'memory-backend-file,id=m,share=on,mem-path=nv.img,size=4M', ...device];
  const { status, stderr } = spawnSync(process.execPath, [MAIN, ...args], { cwd: folder, encoding: 'utf8', input: '', timeout: LIMIT, killSignal: 'SIGKILL' });
  expect(status).toBe(1);
  expect(stderr).toMatch(message);
});
