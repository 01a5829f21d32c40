import { checkEnvironment, mountOptions, OneCheck, type Checker } from '@vpmem/check-places';
import { ExploreError, type CheckAnswer, type CheckPlace, type CheckQuestion } from '@vpmem/explorer';
import { openTracker, type PageTracker } from '@vpmem/page-tracker';
import { prepareTestbed, TestbedError, type Testbed } from '@vpmem/testbed';
import { judge, type Judged } from './agent-answer.ts';
import { CheckingGuest, type GuestSetUp } from './checking-guest.ts';
import { AGENT } from './guest-agent.ts';
import { guestContents } from './guest-contents.ts';
import { TouchedPages } from './touched-pages.ts';
import { TwinImage } from './twin-image.ts';

/** What mount(2) is asked for. */
interface MountRequest {
  /** Empty: nothing is mounted. */
  readonly type: string;
  readonly flags: number;
  readonly data: string;
}

/** What is checked in the guest, and how. */
export interface GuestPlaceOptions {
  readonly checker: Checker;
  /** Of the image, in bytes. */
  readonly size: number;
  /** What is mounted, as the kernel names it; the checker's own if not given, `none` for nothing. */
  readonly fileSystem?: string;
  /** Options of mount(8), with commas between them. */
  readonly mountOptions?: string;
  /** Debian packages whose programs the checker runs; those that built-in checkers need come by themselves. */
  readonly packages?: readonly string[];
  /** Files that the guest is to have: their absolute paths in it, and where they are on this host. Programs come with their libraries. */
  readonly files?: Readonly<Record<string, string>>;
  /** Milliseconds that a guest has beyond what its checker has: to mount, to unmount, and to say so, on a host that is busy. Default: 20,000. */
  readonly grace?: number;
  readonly testbed?: Testbed;
}

const GRACE = 20_000;
/** How often a check is begun in all. */
const TRIES = 2;
/** What a checker in the guest has beside what it is told. */
const ENVIRONMENT = { PATH: '/bin', HOME: '/root', TERM: 'dumb', LANG: 'C' } as const;
const NOTHING: MountRequest = { type: '', flags: 0, data: '' };
const EMPTY: MountRequest = { type: 'tmpfs', flags: 0, data: 'size=1M' };

/**
 * One Linux guest that stays up, in an unmodified QEMU, and looks at image after image: each is put under its device while that is not mounted. The
 * kernel lets go of what it has cached of a device when its last user closes it.
 *
 * A guest that hangs or panics is an answer, and the next check has a new one.
 */
export class GuestPlace implements CheckPlace {
  readonly kind = 'guest';
  readonly target: TwinImage;
  readonly #checker: Checker;
  readonly #mount: MountRequest | undefined;
  readonly #setUp: GuestSetUp;
  readonly #limit: number;
  readonly #tracker: PageTracker;
  readonly #one = new OneCheck();
  #guest: CheckingGuest | undefined;
  #starting: Promise<CheckingGuest> | undefined;
  #touched: TouchedPages | undefined;
  #reads = new Set<number>();

  /** Starts the guest. @throws ExploreError where it cannot be had, or the checker cannot be taken into it; nothing is left then */
  static async open(options: GuestPlaceOptions): Promise<GuestPlace> {
    const { checker, size, packages = [], files = {} } = options;
    if (checker.worker) throw new ExploreError(`checker ${checker.name} is a worker, and --where guest runs a checker anew for each image; leave --worker away, or take --where host`);
    const named = options.fileSystem ?? checker.fileSystem;
    const fileSystem = named === 'none' ? undefined : named;
    if (checker.looksAt === 'files' && fileSystem === undefined) throw new ExploreError(`checker ${checker.name} looks at files; say which file system is to be mounted, such as --mount ext4`);
    let place: GuestPlace | undefined;
    try {
      const testbed = options.testbed ?? (await prepareTestbed());
      const contents = await guestContents({ checker, fileSystem, packages, files });
      const target = new TwinImage(size);
      place = new GuestPlace(checker, fileSystem === undefined ? undefined : { type: fileSystem, ...mountOptions(fileSystem, options.mountOptions ?? '') }, target, {
        testbed,
        path: `/proc/${process.pid}/fd/${target.guest}`,
        size: target.deviceSize,
        ...contents,
      }, checker.timeout + (options.grace ?? GRACE));
      await place.#running();
      return place;
    } catch (error) {
      await place?.close();
      if (!(error instanceof TestbedError)) throw error;
      // Behind the first line is all that the guest and its QEMU have said.
      throw new ExploreError(`there is no guest to check in: ${error.message.split('\n')[0] ?? ''}`, { cause: error });
    }
  }

  private constructor(checker: Checker, mount: MountRequest | undefined, target: TwinImage, setUp: GuestSetUp, limit: number) {
    this.#checker = checker;
    this.#mount = mount;
    this.target = target;
    this.#setUp = setUp;
    this.#limit = limit;
    const span = (fd: number): { fd: number; offset: number } => ({ fd, offset: 0 });
    this.#tracker = openTracker({ memory: span(target.guest), file: span(target.wanted), size: target.deviceSize }, { want: 'auto' });
  }

  /** How what the guest has written is found, and if it is by comparing, why. */
  get tracker(): Pick<PageTracker, 'kind' | 'reason'> {
    return this.#tracker;
  }

  /** QEMU's process; undefined while there is none. */
  get pid(): number | undefined {
    return this.#guest?.pid;
  }

  check(question: CheckQuestion): Promise<CheckAnswer> {
    return this.#timed(question, async () => {
      const { looksAt, replay, script } = this.#checker;
      if (looksAt === 'disk' && this.#mount === undefined && replay !== undefined) {
        const replayed = await this.#run(question, replay, { mount: NOTHING, kept: false });
        if (replayed.verdict !== 'kept') return { ...replayed, step: 'mount' };
      }
      return await this.#run(question, script, { mount: this.#mount ?? NOTHING, kept: this.#mount !== undefined && looksAt !== 'disk' });
    });
  }

  checkBlank(question: CheckQuestion): Promise<CheckAnswer> {
    return this.#timed(question, async () => {
      const kept = this.#mount !== undefined && this.#checker.looksAt !== 'disk';
      return await this.#run(question, this.#checker.script, { mount: kept ? EMPTY : NOTHING, kept, blank: true });
    });
  }

  close(): Promise<void> {
    const end = async (): Promise<void> => {
      // One that is about to come up is gone as soon as it is there.
      const guest = this.#guest ?? (await this.#starting?.catch(() => undefined));
      await guest?.stop();
    };
    return this.#one.close(end, () => {
      this.#touched?.close();
      this.#tracker.close();
      this.target.close();
      return Promise.resolve();
    });
  }

  /** One check at a time, timed; what the guest has written is taken back. */
  async #timed(question: CheckQuestion, work: () => Promise<Judged>): Promise<CheckAnswer> {
    const began = performance.now();
    const judged = await this.#one.run(async () => {
      this.#reads = new Set();
      try {
        return await work();
      } finally {
        this.#takeBack();
      }
    });
    return { ...judged, reads: this.#touched === undefined && question.watch.length > 0 ? undefined : this.#reads, milliseconds: performance.now() - began };
  }

  #takeBack(): void {
    this.target.differs(this.#tracker.written());
    this.target.update();
    this.#tracker.settled();
  }

  /** Lets the guest run a script. One that was switched off, or whose QEMU ended, has said nothing, so another is asked. */
  async #run(question: CheckQuestion, script: string, how: { readonly mount: MountRequest; readonly kept: boolean; readonly blank?: boolean }): Promise<Judged> {
    const { type, flags, data } = how.mount;
    const argument = how.kept ? AGENT.mount : AGENT.device;
    const environment = { ...ENVIRONMENT, ...checkEnvironment(question, { image: AGENT.device, out: AGENT.out, ...(how.kept ? { mount: AGENT.mount } : {}) }) };
    const { timeout } = this.#checker;
    const members = ['check', type, String(flags), data, how.kept ? '1' : '', script, argument, ...Object.entries(environment).flat()];
    let why = '';
    for (let tries = 0; tries < TRIES; tries++) {
      const guest = await this.#running();
      this.target.takeAway(question.watch);
      this.target.update();
      if (how.blank === true) this.target.blank();
      const outcome = await guest.ask(members, this.#limit, timeout);
      const isWhole = outcome.kind === 'answer' && outcome.values.get('left')?.toString() !== '1';
      if (outcome.kind !== 'gone') this.#see(question.watch);
      if (!isWhole) await this.#drop();
      this.#one.stillOpen();
      const judged = judge(outcome);
      if (judged !== undefined) return judged;
      if (outcome.kind === 'gone') why = outcome.why;
      this.#takeBack();
    }
    return { verdict: 'broken', step: 'check', signature: `the guest went down ${TRIES} times while it was checked: ${why}`, output: why };
  }

  #see(watch: readonly number[]): void {
    for (const page of watch) if (this.#touched?.has(page) === true) this.#reads.add(page);
  }

  /** The guest, which is started if there is none. */
  async #running(): Promise<CheckingGuest> {
    this.#guest ??= await (this.#starting = this.#start());
    return this.#guest;
  }

  async #start(): Promise<CheckingGuest> {
    this.#one.stillOpen();
    const guest = await CheckingGuest.start(this.#setUp);
    this.#tracker.clientCame(guest.pid);
    this.#touched?.close();
    this.#touched = touchedPages(guest.pid, this.target.guest);
    // The first answer is all that differs, and from then on the kernel tells.
    this.target.differs(this.#tracker.written());
    return guest;
  }

  /** Ends the guest: it is of no use any more. */
  async #drop(): Promise<void> {
    const guest = this.#guest;
    this.#guest = undefined;
    if (guest === undefined) return;
    const { pid } = guest;
    await guest.stop();
    this.#tracker.clientLeft(pid);
  }
}

/** Undefined where the page tables of QEMU may not be looked at. */
function touchedPages(pid: number, fd: number): TouchedPages | undefined {
  try {
    return new TouchedPages(pid, fd);
  } catch {
    return undefined;
  }
}
