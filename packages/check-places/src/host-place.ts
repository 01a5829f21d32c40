import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ExploreError, type CheckAnswer, type CheckPlace, type CheckQuestion, type CheckStep } from '@vpmem/explorer';
import { mountSoon, SystemError, unmountSoon } from '@vpmem/native';
import type { ImageTarget } from '@vpmem/recording';
import { ScriptSession, type CheckerAnswer, type CheckerSession } from './workers/checker-session.ts';
import type { CheckPaths } from './check-environment.ts';
import type { Checker } from './checker.ts';
import type { EqualFiles } from './equal-files.ts';
import { HostDisk } from './host-disk.ts';
import { MountListener } from './mount-failure.ts';
import { mountOptions } from './mount-options.ts';
import { OneCheck } from './one-check.ts';
import { cleanUpAfterDead, makePlaceFolder, removePlaceFolder, unmountBelow } from './place-folder.ts';
import { programEnvironment, refuseWithoutPrograms } from './programs.ts';
import { Scratch } from './scratch.ts';
import { killStrays } from './workers/stray-processes.ts';
import { WorkerSession } from './workers/worker-session.ts';

/** What is checked on this host, and how it is mounted. */
export interface HostPlaceOptions {
  /** Bytes, whole pages. */
  readonly size: number;
  readonly checker: Checker;
  /** The file system that is mounted, by a name that the kernel knows: `ext4`. Otherwise that of the checker. */
  readonly mount?: string | undefined;
  /** Options of the mount, as mount(8) takes them. */
  readonly mountOptions?: string | undefined;
  readonly environment?: NodeJS.ProcessEnv;
  /** The checker is not run where the files are those of another image, and the same is promised: for one that looks at nothing else. */
  readonly equalFiles?: EqualFiles | undefined;
}

type Outcome = CheckerAnswer & { readonly step: CheckStep; readonly reusedFiles?: boolean };

/** Mounts the image on this host, from a file of FUSE that sees what is read. Takes root. */
class HostPlace implements CheckPlace {
  readonly kind = 'host';
  readonly #folder: string;
  readonly #options: HostPlaceOptions & { readonly mount: string };
  readonly #disk: HostDisk;
  readonly #session: CheckerSession;
  readonly #scratch: Scratch;
  readonly #listener = new MountListener();
  readonly #point: string;
  readonly #one = new OneCheck();
  /** Somebody of ours may still read the tree. */
  #reading: Promise<unknown> = Promise.resolve();

  constructor(folder: string, disk: HostDisk, options: HostPlaceOptions & { readonly mount: string }, environment: NodeJS.ProcessEnv) {
    this.#folder = folder;
    this.#disk = disk;
    this.#options = options;
    this.#session = new (options.checker.worker ? WorkerSession : ScriptSession)(options.checker, folder, environment);
    this.#scratch = new Scratch(folder);
    this.#point = join(folder, 'mnt');
    mkdirSync(this.#point);
  }

  get target(): ImageTarget {
    return this.#disk.image;
  }

  check(question: CheckQuestion): Promise<CheckAnswer> {
    return this.#timed(question, () => this.#mounted(question, {}));
  }

  checkBlank(question: CheckQuestion): Promise<CheckAnswer> {
    if (this.#options.checker.looksAt === 'disk') return this.#timed(question, () => this.#mounted(question, { blank: true }));
    return this.#timed(question, async () => {
      this.#disk.touched.reset();
      const mount = this.#scratch.blankFolder();
      const image = this.#scratch.blankFile(this.target.size);
      return { ...(await this.#session.ask(question, mount, { image, mount, out: this.#scratch.out })), step: 'check' };
    });
  }

  close(): Promise<void> {
    const end = async (): Promise<void> => {
      await this.#session.close();
      // Whatever waits for the image gets an error now.
      await this.#disk.detach();
    };
    return this.#one.close(end, async () => {
      await removePlaceFolder(this.#folder);
      await this.#disk.close();
      this.#listener.close();
    });
  }

  async #timed(question: CheckQuestion, work: () => Promise<Outcome>): Promise<CheckAnswer> {
    const began = performance.now();
    const { verdict, step, signature, output, reusedFiles } = await this.#one.run(work);
    this.#scratch.clear();
    const reads = new Set(question.watch.filter((page) => this.#disk.touched.isRead(page)));
    return {
      verdict, step, signature, output, reads, milliseconds: performance.now() - began,
      ...(question.trace === true && { writes: this.#disk.takeSteps() }), ...(reusedFiles !== undefined && { reusedFiles }),
    };
  }

  async #mounted(question: CheckQuestion, options: { readonly blank?: boolean }): Promise<Outcome> {
    const { checker } = this.#options;
    await this.#release();
    this.#one.stillOpen();
    this.#disk.takeSteps();
    this.#disk.touched.reset({ ...options, traced: question.trace === true });
    const failure = await this.#mount();
    this.#one.stillOpen();
    if (failure !== undefined) return failure;
    const { device } = this.#disk;
    const paths = { image: device, mount: this.#point, out: this.#scratch.out };
    const answer = checker.looksAt === 'disk' ? undefined : await this.#askOfFiles(question, paths);
    this.#one.stillOpen();
    const unmounted = await this.#unmount();
    this.#one.stillOpen();
    if (answer !== undefined) return answer.verdict === 'kept' && unmounted !== undefined ? unmounted : { ...answer, step: 'check' };
    if (unmounted !== undefined) return unmounted;
    return { ...(await this.#session.ask(question, device, { image: device, out: paths.out })), step: 'check' };
  }

  /** Of what is mounted. What the checker writes matters to who traces it, so it is run then. */
  async #askOfFiles(question: CheckQuestion, paths: CheckPaths): Promise<CheckerAnswer & { readonly reusedFiles?: boolean }> {
    const { equalFiles, checker } = this.#options;
    if (equalFiles === undefined || question.trace === true) return this.#session.ask(question, this.#point, paths);
    const seen = await equalFiles.look(this.#point, question.marks, checker.timeout);
    this.#reading = seen.ended;
    this.#one.stillOpen();
    const known = equalFiles.find(seen);
    if (known !== undefined) return { ...known, reusedFiles: true };
    const answer = await this.#session.ask(question, this.#point, paths);
    equalFiles.add(seen, answer);
    return { ...answer, reusedFiles: false };
  }

  /** What came of it, unless it is mounted. */
  async #mount(): Promise<Outcome | undefined> {
    const { mount: type, mountOptions: options = '', checker } = this.#options;
    const { device } = this.#disk;
    this.#listener.begin();
    const mounting = mountSoon({ source: device, target: this.#point, type, ...mountOptions(type, options) });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => (timer = setTimeout(resolve, checker.timeout, 'late')));
    try {
      if ((await Promise.race([mounting, late])) !== 'late') return undefined;
      await this.#disk.renew();
      // What has waited for the image has got an error meanwhile.
      await mounting.catch(() => undefined);
      return { verdict: 'hang', step: 'mount', signature: 'the mount did not end in time', output: '' };
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.code === 'ENODEV') throw new ExploreError(`--mount ${type}: this kernel has no such file system; --where guest brings a kernel of its own`);
      return { verdict: 'violated', step: 'mount', ...this.#listener.tell(error, device) };
    } finally {
      clearTimeout(timer);
    }
  }

  /** What came of it, unless all is well. Whoever keeps the tree busy has to go. */
  async #unmount(): Promise<Outcome | undefined> {
    try {
      await unmountSoon(this.#point);
    } catch (error) {
      if (!(error instanceof SystemError)) throw error;
      if (error.code !== 'EBUSY') return { verdict: 'violated', step: 'unmount', signature: error.message.replace(this.#point, ''), output: '' };
    }
    await this.#release();
    await this.#reading;
    return undefined;
  }

  /** Nobody has the device any more, and the kernel keeps nothing of it. */
  async #release(): Promise<void> {
    if (this.#disk.dropCache()) return;
    await killStrays(this.#folder);
    // The tree, and what a checker has mounted in it, over it or beside it.
    unmountBelow(this.#folder);
    if (this.#disk.dropCache()) return;
    // Somebody who is none of ours has it, or a process that cannot be ended.
    await this.#disk.renew();
  }
}

/**
 * Opens a place on this host, and removes what places have left whose process was killed.
 *
 * @throws ExploreError where this host cannot do it: one line that says what else can
 */
export async function openHostPlace(options: HostPlaceOptions): Promise<CheckPlace> {
  const { checker, size } = options;
  const mount = options.mount ?? checker.fileSystem;
  if (mount === undefined) throw new ExploreError(`--where host mounts the image: --mount wants the name of a file system, such as --mount ext4`);
  if (process.getuid?.() !== 0) throw new ExploreError('--where host takes root, to mount; --where guest does not');
  const environment = programEnvironment(options.environment ?? process.env);
  refuseWithoutPrograms(checker, environment);
  await cleanUpAfterDead();
  const folder = makePlaceFolder();
  try {
    return new HostPlace(folder, await HostDisk.open(folder, size), { ...options, mount }, environment);
  } catch (error) {
    await removePlaceFolder(folder);
    throw new ExploreError(`--where host: ${(error as Error).message}; --where guest takes neither FUSE nor loop devices nor root`, { cause: error });
  }
}
