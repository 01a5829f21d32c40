import { ExploreError } from '@vpmem/explorer';
import { resumeGuest, TestbedError, type Guest, type GuestProgram, type GuestTool, type Testbed } from '@vpmem/testbed';
import { AGENT, AGENT_PROGRAM } from './guest-agent.ts';
import { AgentLink } from './agent-link.ts';
import { PANIC, PANIC_END } from './kernel-words.ts';

/** What a guest is made of. */
export interface GuestSetUp {
  readonly testbed: Testbed;
  /** A file that can be opened by QEMU: what the guest has as its device. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly tools: readonly GuestTool[];
  readonly programs: readonly GuestProgram[];
  readonly modules: readonly string[];
  readonly files: readonly GuestFile[];
}

/** A file that is put into the guest when it is up. */
export interface GuestFile {
  readonly path: string;
  /** In octal. */
  readonly mode: string;
  readonly bytes: Uint8Array;
  /** What runs it, which the guest has to have. */
  readonly interpreter?: string;
}

/**
 * What came of a request: an answer; a kernel that panicked, or gave no answer in time; a guest that was switched off or began anew, or whose QEMU
 * ended. After all but an answer the guest is of no use. `step` is what it was at.
 */
export type GuestOutcome =
  | { readonly kind: 'answer'; readonly values: ReadonlyMap<string, Buffer> }
  | { readonly kind: 'panic'; readonly step: string; readonly console: string }
  | { readonly kind: 'silent'; readonly step: string; readonly console: string }
  | { readonly kind: 'gone'; readonly step: string; readonly why: string };

/**
 * What makes a guest quicker, each measured: no zeroing, no looking for faults in itself, no security module, no accounting. No watchdog: where the host
 * has no time for the guest, one sees lockups that there are not. And an oops is the end, so that it is seen.
 */
const KERNEL_OPTIONS = ['loglevel=2', 'oops=panic', 'nowatchdog', 'init_on_alloc=0', 'hardened_usercopy=off', 'lsm=capability', 'audit=0', 'cgroup_disable=memory', 'preempt=none', 'norandmaps'];
/** For crc32c, with which ext4 and XFS sum up everything. */
const CPU = 'qemu64,+ssse3,+sse4.1,+sse4.2';
const MIB = 2 ** 20;
/** Milliseconds. */
const PANIC_TIME = 3000;
const FOR_EVER = 2 ** 31 - 1;

/** A guest with the agent in it. */
export class CheckingGuest {
  readonly #guest: Guest;
  readonly #link: AgentLink;
  /** Settles with the reason why the agent is no more. */
  readonly #gone: Promise<string>;
  readonly #panic: Promise<void>;

  /** @throws TestbedError where it does not come up */
  static async start(setUp: GuestSetUp): Promise<CheckingGuest> {
    const { testbed, path, size, tools, programs, modules } = setUp;
    // Images of about the same size go on from the same guest.
    const largest = 2 ** Math.ceil(Math.log2(Math.max(size / MIB, 1024)));
    const memory = 512 + largest / 32;
    const link = new AgentLink();
    const guest = await resumeGuest({
      testbed,
      tools,
      programs,
      modules,
      memory: `${memory}M,slots=1,maxmem=${memory + largest + 2048}M`,
      // Its own: nobody else has to see it.
      ram: [],
      append: KERNEL_OPTIONS.join(' '),
      channels: { [AGENT.port]: (socket) => link.connect(socket) },
      machineArgs: ['-cpu', CPU, '-device', 'virtio-serial-pci', '-device', `virtserialport,chardev=${AGENT.port},name=${AGENT.port}`],
      qemuArgs: ['-object', `memory-backend-file,id=image,mem-path=${path},size=${size},share=on`],
      plug: [JSON.stringify({ driver: 'virtio-pmem-pci', memdev: 'image' })],
    });
    const made = new CheckingGuest(guest, link);
    try {
      await made.#prepare(setUp.files);
    } catch (error) {
      await guest.stop();
      throw error;
    }
    return made;
  }

  private constructor(guest: Guest, link: AgentLink) {
    this.#guest = guest;
    this.#link = link;
    const port = '/dev/vport0p1';
    // Each page that is read is read because it was asked for.
    const quiet = `echo 0 > /sys/block/${AGENT.device.replace('/dev/', '')}/queue/read_ahead_kb`;
    const script = `cat > /run/agent <<'END OF AGENT'\n${AGENT_PROGRAM}\nEND OF AGENT\nwait-for ${AGENT.device} && wait-for ${port} && ${quiet} && exec perl /run/agent ${port}`;
    this.#gone = guest.run(script, { timeout: FOR_EVER }).then(
      ({ status, output }) => `its agent ended with status ${status}: ${output.trim()}`,
      (error: unknown) => (error as Error).message.split('\n')[0] ?? '',
    );
    this.#panic = guest.waitForConsole(PANIC, { timeout: FOR_EVER }).then(
      () => undefined,
      // It ended otherwise, which is heard elsewhere.
      () => new Promise<never>(() => undefined),
    );
  }

  get pid(): number {
    return this.#guest.pid;
  }

  /**
   * Asks the agent.
   *
   * @param timeout of all, in milliseconds
   * @param checkerTimeout of a checker, from its start; then it is killed, and the guest goes on
   */
  async ask(members: readonly (string | Uint8Array)[], timeout: number, checkerTimeout = timeout): Promise<GuestOutcome> {
    const since = this.#guest.console.length;
    let timer: NodeJS.Timeout | undefined;
    let checkerTimer: NodeJS.Timeout | undefined;
    const heard = (step: string): void => {
      clearTimeout(checkerTimer);
      if (step === 'check') checkerTimer = setTimeout(() => this.#link.endChecker(), checkerTimeout);
    };
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(() => resolve('late'), timeout)));
    const panicked = this.#panic.then(() => 'panic' as const);
    const wrong = this.#link.failed.catch((error: unknown) => `its agent wrote something that is no answer: ${(error as Error).message}`);
    try {
      const first = await Promise.race([this.#link.request(members, heard), late, panicked, this.#gone, wrong]);
      const { step } = this.#link;
      if (typeof first !== 'string') return { kind: 'answer', values: first.values };
      if (first === 'panic') return { kind: 'panic', step, console: await this.#lastWords(since) };
      if (first === 'late') return { kind: 'silent', step, console: this.#guest.console.slice(since) };
      return { kind: 'gone', step, why: first };
    } finally {
      clearTimeout(timer);
      clearTimeout(checkerTimer);
    }
  }

  async stop(): Promise<void> {
    await this.#guest.stop();
  }

  async #prepare(files: readonly GuestFile[]): Promise<void> {
    const gone = this.#gone.then((why): never => {
      throw new TestbedError('dead', why);
    });
    await Promise.race([this.#link.ready, gone]);
    for (const { path, mode, bytes, interpreter = '' } of files) {
      const outcome = await this.ask(['put', path, mode, bytes, interpreter], 60_000);
      const problem = outcome.kind === 'answer' ? outcome.values.get('error')?.toString() : `the guest is ${outcome.kind}`;
      if (problem !== '') throw new ExploreError(`${path} cannot be put into the guest: ${problem}`);
    }
  }

  async #lastWords(since: number): Promise<string> {
    // All of it is better, but not needed.
    await this.#guest.waitForConsole(PANIC_END, { since, timeout: PANIC_TIME }).catch(() => undefined);
    return this.#guest.console.slice(since);
  }
}
