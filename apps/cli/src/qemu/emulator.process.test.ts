// The emulator for managers: which QEMU it finds, what it hands over to it, and what it says where that cannot be.
import { spawnSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const EMULATOR = fileURLToPath(new URL('../../bin/vpmem-qemu-system-x86_64.js', import.meta.url));
const QEMU = `#!/bin/sh
case $1 in --version) echo 'QEMU emulator version 11.0.3'; exit ;; esac
printf '%s\\n' "$0" "$@"
echo "parent $PPID, is $$"
env | grep -c '^VPMEM_\\(DESCRIPTORS\\|REAL_QEMU\\)'
exit 4
`;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-emulator-'));
  for (const name of ['first', 'second']) mkdirSync(join(folder, name));
  writeFileSync(join(folder, 'second/qemu-system-x86_64'), QEMU, { mode: 0o755 });
});
afterEach(() => rmSync(folder, { recursive: true }));

const file = (name: string): string => join(folder, name);
const run = (args: readonly string[], { conf, program = EMULATOR }: { conf?: string; program?: string } = {}): { status: number | null; pid: number; stdout: string; stderr: string } => {
  if (conf !== undefined) writeFileSync(file('conf'), conf);
  const env = { PATH: `${file('first')}:${file('second')}:${process.env.PATH ?? ''}`, TMPDIR: folder, XDG_RUNTIME_DIR: folder, VPMEM_QEMU_CONF: file('conf') };
  return spawnSync(program, args, { encoding: 'utf8', env, timeout: 400_000 });
};

describe('vpmem-qemu-system-x86_64', () => {
  it.each([[['-version']], [['-m', '1G', '--help']], [['-S', '-machine', 'none,accel=kvm:tcg', '-daemonize']], [['-M', 'type=none']], [['-device', 'help']], [['-nographic', '-M', '?']]])('becomes QEMU, where there can be no device of ours: %j', (args) => {
    const { pid, stdout, status } = run(args);
    expect(stdout.split('\n').slice(0, args.length + 2)).toEqual([file('second/qemu-system-x86_64'), ...args, `parent ${process.pid}, is ${pid}`]);
    expect(status).toBe(4);
  });

  it.each([[['-name', '-version']], [['-M', 'none', '-M', 'pc']], [['-append', 'help']], [['-machine', 'accel=tcg']], [[]]])('starts QEMU where there can be one: %j', (args) => {
    const { pid, stdout, status } = run(args);
    expect(stdout.split('\n').slice(0, args.length + 1)).toEqual([file('second/qemu-system-x86_64'), ...args]);
    expect(stdout).toMatch(new RegExp(`^parent ${pid}, `, 'm'));
    expect(stdout).toMatch(/\n0\n$/);
    expect(status).toBe(4);
  });

  it.each<[string, (path: string) => void]>([
    ['a link', (path) => symlinkSync(EMULATOR, path)],
    [
      'a link to a link',
      (path) => {
        symlinkSync(EMULATOR, file('middle'));
        symlinkSync(file('middle'), path);
      },
    ],
    ['a script', (path) => writeFileSync(path, `#!/bin/sh\nexec '${EMULATOR}' "$@"\n`, { mode: 0o755 })],
    ['a script that stays', (path) => writeFileSync(path, `#!/bin/sh\n'${EMULATOR}' "$@"\n`, { mode: 0o755 })],
  ])('never takes itself for QEMU, though it has its name by %s', (_, make) => {
    make(file('first/qemu-system-x86_64'));
    for (const program of [EMULATOR, file('first/qemu-system-x86_64')]) expect(run(['-version'], { program }).stdout).toMatch(/second\/qemu-system-x86_64\n-version\n/);
  });

  it('takes what the file says, and says where it is wrong', () => {
    linkSync(file('second/qemu-system-x86_64'), file('first/my qemu'));
    const named = run(['-version'], { conf: `# ours\n  qemu =  ${file('first/my qemu')}  \n` });
    expect(named.stdout.split('\n')[0]).toBe(file('first/my qemu'));
    expect(run(['-S'], { conf: `qemu=${file('first/my qemu')}` }).status).toBe(4);
    expect(run(['-version'], { conf: 'qemu = /no/such/qemu' })).toMatchObject({ status: 1, stderr: `vpmem-qemu-system-x86_64: ${file('conf')}: qemu = /no/such/qemu: there is no such program; name QEMU with its whole path\n` });
    expect(run(['-version'], { conf: `qemu = ${EMULATOR}` }).stderr).toMatch(/is this program itself; name the real QEMU\n$/);
    expect(run(['-S'], { conf: `qemu = ${file('first/my qemu')}\nrootports = 3\n` })).toMatchObject({ status: 1, stderr: `vpmem-qemu-system-x86_64: ${file('conf')}:2: 'rootports = 3' means nothing here; write KEY = VALUE, the keys are qemu, root-ports, unplug\n` });
  });

  it('says so where there is no QEMU', () => {
    rmSync(file('second/qemu-system-x86_64'));
    symlinkSync(EMULATOR, file('first/qemu-system-x86_64'));
    expect(run(['-version']).stderr).toMatch(/^vpmem-qemu-system-x86_64: no qemu-system-x86_64 in PATH but this program; write 'qemu = /);
  });
});
