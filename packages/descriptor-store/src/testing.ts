import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

const SYSTEMD = ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'];
/** Targets that every unit refers to, and what is booted. */
const TARGETS = ['mini', 'sysinit', 'basic', 'multi-user', 'shutdown', 'local-fs', 'remote-fs'];

/** Has nothing of the host but its files: processes, mounts, /run and a cgroup of its own. */
const BOOT = `
mount --make-rprivate / && mount -t proc proc /proc && mount -t tmpfs tmpfs /run && umount -R -l /sys/fs/cgroup && mount -t cgroup2 cgroup2 /sys/fs/cgroup &&
export container=vpmem-test SYSTEMD_UNIT_PATH="$2" && exec "$1" --system --unit=mini.target --show-status=no --log-target=console --default-standard-output=inherit
`;

/** A systemd that runs as the first process of a container made by unshare(1), with the units it is given and no others. */
export class SystemdContainer {
  readonly #outer: ChildProcess;
  readonly #folder: string;
  readonly #cgroup: string;
  /** Of systemd, outside of the container. */
  readonly #pid: number;

  private constructor(outer: ChildProcess, folder: string, cgroup: string, pid: number) {
    this.#outer = outer;
    this.#folder = folder;
    this.#cgroup = cgroup;
    this.#pid = pid;
  }

  /** Why there can be none here; undefined if there can. */
  static obstacle(): string | undefined {
    if (process.getuid?.() !== 0) return 'it takes root to start a systemd';
    if (systemdPath() === undefined) return 'there is no systemd here';
    const root = cgroupRoot();
    if (root === undefined) return 'there is no cgroup2 here';
    const probe = join(root, `vpmem-probe-${process.pid}`);
    try {
      mkdirSync(probe);
      rmdirSync(probe);
    } catch (error) {
      return `cgroups cannot be made: ${(error as Error).message}`;
    }
    return spawnSync('unshare', ['--pid', '--mount', '--uts', '--ipc', '--cgroup', '--fork', 'mount', '--make-rprivate', '/']).status === 0 ? undefined : 'unshare(1) may not make namespaces here';
  }

  /** Boots one, and waits until it says that it runs. @throws Error with what it said instead */
  static async start(units: Readonly<Record<string, string>>): Promise<SystemdContainer> {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-systemd-'));
    for (const target of TARGETS) writeFileSync(join(folder, `${target}.target`), `[Unit]\nDescription=${target}\n`);
    for (const [name, text] of Object.entries(units)) writeFileSync(join(folder, name), text);
    const cgroup = join(cgroupRoot() ?? '', `vpmem-systemd-${process.pid}-${folder.slice(-6)}`);
    mkdirSync(cgroup);
    const script = 'echo $$ >"$1/cgroup.procs" && shift && exec unshare --pid --mount --uts --ipc --cgroup --fork --kill-child sh -c "$@"';
    const outer = spawn('sh', ['-c', script, 'sh', cgroup, BOOT, 'sh', systemdPath() ?? '', folder], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [outer.stdout, outer.stderr]) stream.on('data', (data: Buffer) => (said += data.toString()));
    // It says so at an address in its own /run, which is not there before.
    for (let tries = 0; tries < 600 && outer.exitCode === null; tries++) {
      const [pid] = readFileSync(`/proc/${String(outer.pid)}/task/${String(outer.pid)}/children`, 'utf8').trim().split(' ').map(Number);
      if (pid !== undefined && pid > 0 && inside(pid, ['systemctl', 'is-system-running']).stdout === 'running\n') return new SystemdContainer(outer, folder, cgroup, pid);
      await setTimeout(50);
    }
    await new SystemdContainer(outer, folder, cgroup, 0).stop();
    throw new Error(`systemd did not come up: ${said}`);
  }

  /** Runs a program in it. */
  run(...words: readonly string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
    return inside(this.#pid, words);
  }

  /** The same, and this process goes on meanwhile. Returns its exit status. */
  async runMeanwhile(...words: readonly string[]): Promise<number | null> {
    const [status] = (await once(spawn('nsenter', [...enter(this.#pid), ...words], { stdio: 'ignore' }), 'exit')) as [number | null];
    return status;
  }

  /** Where a path in it, absolute, is to be found outside of it. */
  outside(path: string): string {
    return `/proc/${this.#pid}/root${path}`;
  }

  /** What `systemctl show` says of a unit. */
  property(unit: string, name: string): string {
    return this.run('systemctl', 'show', unit, '-p', name, '--value').stdout.trim();
  }

  /** Ends it and all that runs in it. */
  async stop(): Promise<void> {
    if (this.#outer.exitCode === null && this.#outer.signalCode === null) {
      this.#outer.kill('SIGKILL');
      await once(this.#outer, 'exit');
    }
    rmSync(this.#folder, { recursive: true });
    // What ran in it ends when its first process does, which the kernel takes a moment for.
    for (let tries = 0; ; tries++) {
      try {
        removeCgroup(this.#cgroup);
        return;
      } catch (error) {
        if (tries === 200) throw error;
        await setTimeout(50);
      }
    }
  }
}

function enter(pid: number): string[] {
  return ['-t', `${pid}`, '-p', '-m', '-C'];
}

function inside(pid: number, words: readonly string[]) {
  return spawnSync('nsenter', [...enter(pid), ...words], { encoding: 'utf8', timeout: 60_000 });
}

function systemdPath(): string | undefined {
  return SYSTEMD.find((path) => existsSync(path));
}

function cgroupRoot(): string | undefined {
  const [, path] = /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'utf8')) ?? [];
  return path;
}

function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  rmdirSync(path);
}
