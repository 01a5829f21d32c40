// What QEMU gets of the process that `vpmem qemu` is: descriptors, environment, signals; and what it gives back: its status.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, openSync, closeSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const LAUNCHER = fileURLToPath(new URL('../bin/vpmem.js', import.meta.url));
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Tells what it was given, says so, and waits to be told what to do. */
const QEMU = `#!/bin/sh
case $1 in --version) echo 'QEMU emulator version 11.1.3'; exit ;; esac
ls -l /proc/$$/fd > "$OUT/descriptors"
cat /proc/$$/environ > "$OUT/environment"
printf '%s\\n' "$@" > "$OUT/arguments"
echo $$ > "$OUT/pid"
read -r what
eval "$what"
`;

let folder: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-process-'));
  writeFileSync(join(folder, 'qemu'), QEMU);
  chmodSync(join(folder, 'qemu'), 0o755);
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(folder, { recursive: true });
});

interface Run {
  readonly child: ChildProcess;
  readonly stderr: () => string;
  readonly ended: Promise<unknown>;
}

const environment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, OUT: folder, TMPDIR: folder, XDG_RUNTIME_DIR: folder });

/** Starts it with these descriptors, by their numbers. */
const start = (command: readonly string[], args: readonly string[] = ['-S'], descriptors: readonly number[] = []): Run => {
  const [path = '', ...words] = command;
  const held = descriptors.map(() => openSync(join(folder, 'qemu'), 'r'));
  const stdio = Array.from({ length: Math.max(2, ...descriptors) + 1 }, (_, fd) => held[descriptors.indexOf(fd)] ?? ('ignore' as const));
  const child = spawn(path, [...words, 'qemu', '--qemu', join(folder, 'qemu'), '--', ...args], { stdio: ['pipe', 'pipe', 'pipe', ...stdio.slice(3)], env: environment() });
  for (const fd of held) closeSync(fd);
  children.push(child);
  let stderr = '';
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString()));
  return { child, stderr: () => stderr, ended: once(child, 'close') };
};

const there = async (name: string): Promise<string> => {
  await expect.poll(() => existsSync(join(folder, name)) && readFileSync(join(folder, name), 'utf8')).toBeTruthy();
  return readFileSync(join(folder, name), 'utf8');
};

/** Those of QEMU above 2 and what they are; the shell that it is here has its script open, at 10 or above. */
const received = async (): Promise<Record<number, string>> => {
  await there('pid');
  const lines = readFileSync(join(folder, 'descriptors'), 'utf8').matchAll(/ (\d+) -> (.*)$/gm);
  return Object.fromEntries([...lines].map(([, fd = '', name = '']) => [Number(fd), name] as const).filter(([fd]) => fd > 2));
};

describe('what QEMU gets', () => {
  it.each([
    ['the launcher', [LAUNCHER]],
    ['node itself', [process.execPath, MAIN]],
  ])('are the descriptors that were passed, under their numbers, and no other: %s', async (_, command) => {
    const bare = spawn(join(folder, 'qemu'), [], { stdio: ['pipe', 'ignore', 'inherit'], env: environment() });
    const none = Object.values(await received());
    bare.kill();
    await once(bare, 'close');
    rmSync(join(folder, 'pid'));
    const passed = [3, 4, 16, 25, 300];
    const { child, ended } = start(command, ['-m', '128M'], passed);
    const now = await received();
    const script = join(folder, 'qemu');
    expect(Object.fromEntries(passed.map((fd) => [fd, now[fd]]))).toEqual(Object.fromEntries(passed.map((fd) => [fd, script])));
    expect(Object.values(now).filter((name) => name !== script)).toHaveLength(none.length - 1);
    // Whoever is at the other end is to learn when QEMU lets go, so nobody else has them.
    const left = readdirSync(`/proc/${child.pid ?? 0}/fd`).filter((fd) => passed.includes(Number(fd)));
    expect(left.map((fd) => readFileSync(`/proc/${child.pid ?? 0}/fdinfo/${fd}`, 'utf8')).filter((info) => info.includes(script))).toEqual([]);
    child.stdin?.write('exit 7\n');
    expect(await ended).toEqual([7, null]);
  });

  it('is the environment as it was, and the arguments in their order', async () => {
    const args = ['-name', 'a b', '-m', '128M', '-name', ''];
    const { child, ended } = start([LAUNCHER], args, [3]);
    await there('pid');
    const lines = readFileSync(join(folder, 'environment'), 'utf8').split('\0').filter((line) => !/^(PWD|OLDPWD|_|SHLVL)=/.test(line));
    expect(lines.filter(Boolean).sort()).toEqual(Object.entries(environment()).map(([name, value]) => `${name}=${value ?? ''}`).sort());
    // What is added stands before it.
    expect(readFileSync(join(folder, 'arguments'), 'utf8').split('\n').slice(2, 2 + args.length)).toEqual(args);
    child.stdin?.write('exit 0\n');
    expect(await ended).toEqual([0, null]);
  });

  it.each(['SIGTERM', 'SIGQUIT', 'SIGUSR2'] as const)('are signals: one that ends it ends us in the same way: %s', async (signal) => {
    const { child, ended } = start([LAUNCHER]);
    await there('pid');
    child.kill(signal);
    expect(await ended).toEqual([null, signal]);
  });

  it.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)('are signals that it handles itself: %s', async (signal) => {
    const { child, ended } = start([LAUNCHER]);
    await there('pid');
    child.stdin?.write(`trap "exit 5" ${signal.slice(3)}; touch "$OUT/trapped"; while :; do read -r nothing; done\n`);
    await expect.poll(() => existsSync(join(folder, 'trapped'))).toBe(true);
    child.kill(signal);
    child.stdin?.write('\n');
    expect(await ended).toEqual([5, null]);
  });

  it('is a stop, and what continues it', async () => {
    const { child, ended } = start([LAUNCHER]);
    const pid = Number(await there('pid'));
    // Where nobody could continue them, the kernel stops nobody: what it does with a program that does not care is right.
    const plain = spawn('sleep', ['60']);
    children.push(plain);
    const state = (of: number): string | undefined => /^State:\s+(\w)/m.exec(readFileSync(`/proc/${of}/status`, 'utf8'))?.[1];
    for (const each of [plain, child]) each.kill('SIGTSTP');
    await expect.poll(() => new Set([plain.pid ?? 0, pid, child.pid ?? 0].map((each) => state(each) === 'T')).size).toBe(1);
    child.kill('SIGCONT');
    await expect.poll(() => state(pid)).not.toBe('T');
    child.stdin?.write('exit 0\n');
    expect(await ended).toEqual([0, null]);
  });

  it('is the end of whoever started it: it is told to follow', async () => {
    start([LAUNCHER]);
    await there('pid');
    expect(readFileSync(join(folder, 'arguments'), 'utf8')).toMatch(/^-run-with\nexit-with-parent=on$/m);
  });
});
