import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildLine, otherBuild, startDaemon } from './build.ts';

let top: string;
beforeEach(() => (top = mkdtempSync(join(tmpdir(), 'vpmem-bench-build-'))));
afterEach(() => rmSync(top, { recursive: true }));

const DAEMON = 'apps/daemon';
const MACHINE = 'packages/machine';
/** A daemon that says what it serves, and by whose files. */
const MAIN = "console.log(`-device '${process.argv[1]}'\\nvpmemd: ready`); setInterval(() => undefined, 1000);";
/** Starts the program of another checkout, if `main` names one. */
const processModule = (main: string): string => `
import { spawn } from 'node:child_process';
import { once } from 'node:events';
export class DaemonProcess {
  static async start() {
    const child = spawn(process.execPath, [${main}], { stdio: ['ignore', 'pipe', 'ignore'] });
    await once(child.stdout, 'data');
    return { pid: child.pid, devices: [], end: async () => { child.kill(); await once(child, 'exit'); globalThis.ended = child.pid; } };
  }
}`;
const OWN = "new URL('main.js', import.meta.url).pathname";

/** A checkout with one package and the daemon. */
function checkout(name: string, main = OWN): string {
  const folder = join(top, name);
  for (const part of [DAEMON, MACHINE]) mkdirSync(join(folder, part, 'dist'), { recursive: true });
  mkdirSync(join(folder, DAEMON, 'node_modules/@vpmem'), { recursive: true });
  symlinkSync('../../../../packages/machine', join(folder, DAEMON, 'node_modules/@vpmem/machine'));
  writeFileSync(join(folder, DAEMON, 'package.json'), JSON.stringify({ type: 'module', dependencies: { '@vpmem/machine': 'workspace:^' } }));
  writeFileSync(join(folder, MACHINE, 'package.json'), '{}');
  writeFileSync(join(folder, MACHINE, 'dist/index.js'), '1');
  writeFileSync(join(folder, DAEMON, 'dist/main.js'), MAIN);
  writeFileSync(join(folder, DAEMON, 'dist/daemon-process.js'), processModule(main));
  return folder;
}

it('describes a build; the same compiled files have the same fingerprint, wherever they are', () => {
  const one = otherBuild(checkout('one'));
  expect(one).toEqual({ folder: join(top, 'one'), changed: false, fingerprint: expect.stringMatching(/^[0-9a-f]{12}$/) as string });
  expect(otherBuild(checkout('two')).fingerprint).toBe(one.fingerprint);
  writeFileSync(join(top, 'two', MACHINE, 'dist/index.js'), '2');
  expect(otherBuild(join(top, 'two')).fingerprint).not.toBe(one.fingerprint);
  expect(buildLine('other build', { ...one, commit: 'abc', changed: true })).toBe(`other build: ${top}/one at abc with changes, compiled files ${one.fingerprint}`);
});

function replaceByFile(folder: string): void {
  rmSync(folder, { recursive: true });
  writeFileSync(folder, '');
}

const WRONG: [what: string, spoil: (folder: string) => void, message: string][] = [
  ['that is not there', (folder) => rmSync(folder, { recursive: true }), 'there is no such folder'],
  ['that is a file', replaceByFile, 'is no folder'],
  ['of something else', (folder) => rmSync(join(folder, DAEMON), { recursive: true }), 'is no checkout of vpmem: it has no apps/daemon/package.json'],
  ['that is not built', (folder) => rmSync(join(folder, DAEMON, 'dist'), { recursive: true }), 'is not built: it has no apps/daemon/dist'],
  ['of which a package is not built', (folder) => rmSync(join(folder, MACHINE, 'dist'), { recursive: true }), 'is not built: it has no packages/machine/dist'],
  ['whose daemon is half built', (folder) => rmSync(join(folder, DAEMON, 'dist/main.js')), 'is not built: it has no apps/daemon/dist/main.js'],
  ['that is not installed', (folder) => rmSync(join(folder, DAEMON, 'node_modules'), { recursive: true }), 'is not installed: it has no apps/daemon/node_modules/@vpmem/machine'],
];
it.each(WRONG)('a folder %s is refused in one line that says what is right', (_, spoil, message) => {
  const folder = checkout('one');
  spoil(folder);
  expect(() => otherBuild(folder)).toThrow(expect.objectContaining({ name: 'BenchError', message: `--against ${folder}: ${message}; give the top folder of another checkout of vpmem, in which npm run build was run` }) as Error);
});

it('a checkout that would run packages of another is refused', () => {
  const [one, two] = [checkout('one'), checkout('two')];
  const link = join(one, DAEMON, 'node_modules/@vpmem/machine');
  rmSync(link);
  symlinkSync(join(two, MACHINE), link);
  expect(() => otherBuild(one)).toThrow(`its apps/daemon uses @vpmem/machine of ${two}/packages/machine`);
});

it("starts the build's own daemon, from a copy as well", async () => {
  cpSync(checkout('one'), join(top, 'copy'), { recursive: true, verbatimSymlinks: true });
  const daemon = await startDaemon(otherBuild(join(top, 'copy')), []);
  expect(daemon.pid).toBeGreaterThan(0);
  await daemon.end();
});

it('does not take the daemon of another build for its own, and ends it', async () => {
  const one = checkout('one');
  const two = otherBuild(checkout('two', JSON.stringify(join(one, DAEMON, 'dist/main.js'))));
  await expect(startDaemon(two, [])).rejects.toThrow(`the vpmemd of ${two.folder} runs ${one}/apps/daemon/dist/main.js`);
  expect((globalThis as { ended?: number }).ended).toBeGreaterThan(0);
});
