import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const NR = '/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages';

/** One test at a time has a say in how many there are. */
const LOCK = join(tmpdir(), 'vpmem-huge-pages.lock');

// Whatever happens to who asked, its end closes standard input, and everything is as it was.
const SCRIPT = `
  before=$(cat ${NR})
  echo $((before + PAGES)) > ${NR}
  if [ $(($(cat ${NR}) - before)) -eq $PAGES ] && mount -t hugetlbfs -o pagesize=2M none "$FOLDER"; then
    echo $$
    cat > /dev/null
    umount "$FOLDER"
  fi
  echo $before > ${NR}
`;

/** Why no test can have huge pages here; undefined if one can. Where `CI` is `true`, only a kernel without them is a reason. */
export function noHugePages(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  if (!existsSync(NR)) return 'this kernel has no huge pages of 2 MiB';
  if (process.getuid?.() === 0) return undefined;
  if (environment.CI === 'true') throw new Error('tests of huge pages want root');
  return 'huge pages take root';
}

/** Huge pages of 2 MiB that are there for as long as a test wants them, and a mount of them that nobody else sees. */
export class HugePageMount {
  /** Where files of huge pages can be made. */
  readonly folder: string;
  readonly #point: string;
  readonly #holder: ChildProcess;

  private constructor(holder: ChildProcess, point: string, pid: string) {
    this.#holder = holder;
    this.#point = point;
    this.folder = `/proc/${pid}/root${point}`;
  }

  /** Waits for its turn. @throws Error where there are not as many */
  static async of(pages: number): Promise<HugePageMount> {
    const point = mkdtempSync(join(tmpdir(), 'vpmem-huge-'));
    const holder = spawn('flock', [LOCK, 'unshare', '--mount', 'sh', '-c', SCRIPT], { env: { ...process.env, PAGES: `${pages}`, FOLDER: point }, stdio: ['pipe', 'pipe', 'inherit'] });
    for await (const pid of createInterface(holder.stdout)) return new HugePageMount(holder, point, pid);
    throw new Error(`there are no ${pages} huge pages to be had`);
  }

  /** Gives them back; nobody may use one any more. */
  async close(): Promise<void> {
    const gone = once(this.#holder, 'exit');
    this.#holder.stdin?.end();
    await gone;
    rmSync(this.#point, { recursive: true });
  }
}
