// A machine with libvirt on it, as far as libvirtd can tell: a root of Debian packages in namespaces of their own, in which libvirtd
// runs and virsh talks to it. Nothing of the machine around it changes, and all of it ends with one process.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { PackageTree } from '@vpmem/testbed';

/** What the packages have to be asked for. */
export const LIBVIRT_PACKAGES = ['libvirt-daemon-driver-qemu', 'libvirt-daemon', 'libvirt-clients', 'coreutils', 'dash'];

export interface LibvirtHostOptions {
  readonly packages: PackageTree;
  /** Nobody else's; shared with the host, under the same path. */
  readonly folder: string;
  /** The project, and whatever the emulator is and needs; under their own paths. */
  readonly shared: readonly string[];
  /** What `/etc/vpmem/qemu.conf` says there. */
  readonly conf: string;
}

export interface Said {
  readonly status: number | null;
  /** Both streams. */
  readonly text: string;
}

const SETTINGS = {
  'libvirt/qemu.conf': [
    ...['user = "root"', 'group = "root"', 'dynamic_ownership = 0', 'remember_owner = 0', 'security_driver = "none"'],
    ...['cgroup_controllers = []', 'namespaces = []', 'stdio_handler = "file"'],
  ],
  'libvirt/libvirtd.conf': ['unix_sock_group = "root"', 'auth_unix_rw = "none"', 'auth_unix_ro = "none"', 'log_outputs = "3:file:/var/log/libvirtd.log"'],
  passwd: ['root:x:0:0:root:/root:/bin/sh', 'libvirt-qemu:x:64055:64055::/var/lib/libvirt:/bin/false', 'nobody:x:65534:65534::/:/bin/sh'],
  group: ['root:x:0:', 'kvm:x:104:', 'libvirt:x:105:', 'libvirt-qemu:x:64055:', 'nogroup:x:65534:'],
};

/** A libvirtd of its own. Whoever has one calls {@link LibvirtHost.stop}, whatever happened. */
export class LibvirtHost {
  readonly #folder: string;
  readonly #init: ChildProcess;

  static async start(options: LibvirtHostOptions): Promise<LibvirtHost> {
    const { folder, conf } = options;
    for (const [name, lines] of Object.entries({ ...SETTINGS, 'vpmem/qemu.conf': [conf] })) {
      mkdirSync(dirname(join(folder, 'etc', name)), { recursive: true });
      writeFileSync(join(folder, 'etc', name), `${lines.join('\n')}\n`);
    }
    writeFileSync(join(folder, 'node'), nodeScript(), { mode: 0o755 });
    writeFileSync(join(folder, 'set-up'), setUpScript(options));
    const unshare = ['unshare', '--mount', '--pid', '--ipc', '--uts', '--fork', '--kill-child', 'sh', '-e', join(folder, 'set-up')];
    const [program = '', ...args] = unshare;
    const init = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    const host = new LibvirtHost(folder, init);
    await Promise.race([once(init.stdout, 'data'), once(init, 'exit').then(() => Promise.reject(new Error('the namespaces cannot be set up')))]);
    await host.startDaemon();
    return host;
  }

  private constructor(folder: string, init: ChildProcess) {
    this.#folder = folder;
    this.#init = init;
  }

  /** Runs a program in there to its end. */
  run(...words: readonly string[]): Promise<Said> {
    const pid = readFileSync(`/proc/${this.#init.pid ?? 0}/task/${this.#init.pid ?? 0}/children`, 'utf8').trim();
    const environment = ['/usr/bin/env', '-i', 'PATH=/opt:/usr/sbin:/usr/bin', 'LC_ALL=C'];
    const child = spawn('nsenter', ['--target', pid, '--mount', '--pid', '--ipc', '--uts', '--root', '--wd', ...environment, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (text += data.toString()));
    return once(child, 'close').then(([status]: unknown[]) => ({ status: status as number | null, text }));
  }

  virsh(...words: readonly string[]): Promise<Said> {
    return this.run('virsh', '-q', '-c', 'qemu:///system', ...words);
  }

  /** It answers when this is over. @throws Error with what it said */
  async startDaemon(): Promise<void> {
    const { status, text } = await this.run('sh', '-c', 'libvirtd -d -p /run/libvirtd.pid && until [ -S /run/libvirt/libvirt-sock ]; do kill -0 "$(cat /run/libvirtd.pid)" || { cat /var/log/libvirtd.log; exit 1; }; sleep 0.05; done');
    if (status !== 0) throw new Error(`libvirtd does not run: ${text}`);
  }

  /** Ends libvirtd; virtual machines run on. */
  async stopDaemon(): Promise<void> {
    await this.run('sh', '-c', 'kill "$(cat /run/libvirtd.pid)"; while [ -e /run/libvirtd.pid ]; do sleep 0.05; done');
  }

  /** Words of the command line of each process in there, but those that are there in any case. */
  async processes(): Promise<string[]> {
    const { text } = await this.run('sh', '-c', 'for each in /proc/[0-9]*; do tr "\\0" " " < $each/cmdline && echo; done');
    return text.split('\n').filter((line) => line !== '' && !/^(sh -c for each|\/bin\/sh -c echo ready|sleep infinity|libvirtd -d|tr )|No such/.test(line));
  }

  /** What qemu and libvirtd have complained about. */
  async log(domain: string): Promise<string> {
    return (await this.run('sh', '-c', `cat /var/log/libvirtd.log /var/log/libvirt/qemu/${domain}.log`)).text;
  }

  async stop(): Promise<void> {
    if (this.#init.exitCode !== null || this.#init.signalCode !== null) return;
    this.#init.kill('SIGKILL');
    await once(this.#init, 'exit');
  }

  /** Path of a file that both see. */
  path(name: string): string {
    return join(this.#folder, name);
  }
}

/** Why there can be none here, if so. */
export function noLibvirtHost(): string | undefined {
  if (process.getuid?.() !== 0) return 'libvirtd as it runs for everybody needs root';
  for (const program of ['unshare', 'nsenter', 'ldd']) if (spawnSync('which', [program]).status !== 0) return `this machine has no ${program}`;
  const tried = spawnSync('unshare', ['--mount', '--pid', '--ipc', '--uts', '--fork', 'mount', '-t', 'tmpfs', 'none', '/mnt'], { encoding: 'utf8' });
  return tried.status === 0 ? undefined : `no namespaces can be made here: ${tried.stderr.trim()}`;
}

/** node as it is on the host, with the host's own loader and libraries. */
function nodeScript(): string {
  const { stdout } = spawnSync('ldd', [process.execPath], { encoding: 'utf8' });
  const libraries = [...stdout.matchAll(/=> (\/\S+)/g)].map(([, path = '']) => realpathSync(dirname(path)));
  const loader = realpathSync(/^\s*(\/\S*ld-linux\S*)/m.exec(stdout)?.[1] ?? '/lib64/ld-linux-x86-64.so.2');
  const inside = (path: string): string => `/opt/host${path}`;
  return `#!/bin/sh\nexec ${inside(loader)} --library-path ${[...new Set(libraries)].map(inside).join(':')} ${inside(realpathSync(process.execPath))} "$@"\n`;
}

function setUpScript({ packages, folder, shared }: LibvirtHostOptions): string {
  const root = join(folder, 'root');
  const at = (path: string): string => `'${root}${path}'`;
  const bind = (from: string, to = from): string[] => [`mkdir -p ${at(to)}`, `mount --rbind '${from}' ${at(to)}`];
  return [
    'mount --make-rprivate /',
    `mkdir -p ${at('')}`,
    `mount -t tmpfs none ${at('')}`,
    ...bind(join(packages.folder, 'usr'), '/usr'),
    ...['bin', 'sbin', 'lib', 'lib64'].map((name) => `ln -s usr/${name} ${at(`/${name}`)}`),
    `mkdir -p ${['proc', 'run/libvirt', 'tmp', 'root', 'opt/host', 'var/lib/libvirt', 'var/cache', 'var/log'].map((name) => at(`/${name}`)).join(' ')}`,
    `ln -s ../run ${at('/var/run')}`,
    `cp -r '${folder}/etc' ${at('/etc')}`,
    `cp '${folder}/node' ${at('/opt/node')}`,
    `mount --bind / ${at('/opt/host')}`,
    `mount -t proc proc ${at('/proc')}`,
    ...bind('/dev'),
    ...bind('/sys'),
    ...[folder, ...shared].flatMap((path) => bind(path)),
    // The first process of the namespace; it has to see to those whose parents have ended.
    `exec chroot ${at('')} /bin/sh -c 'echo ready; sleep infinity & wait'`,
    '',
  ].join('\n');
}
