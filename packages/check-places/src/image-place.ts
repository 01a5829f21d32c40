import { closeSync } from 'node:fs';
import { ExploreError, type CheckAnswer, type CheckPlace, type CheckQuestion, type CheckStep } from '@vpmem/explorer';
import { createMemfd } from '@vpmem/native';
import type { ImageTarget } from '@vpmem/recording';
import { ScriptSession, type CheckerAnswer, type CheckerSession } from './workers/checker-session.ts';
import type { Checker } from './checker.ts';
import { ImageCopy } from './image-copy.ts';
import { OneCheck } from './one-check.ts';
import { cleanUpAfterDead, makePlaceFolder, removePlaceFolder } from './place-folder.ts';
import { PlaceImage } from './place-image.ts';
import { programEnvironment, refuseWithoutPrograms } from './programs.ts';
import { Scratch } from './scratch.ts';
import { WorkerSession } from './workers/worker-session.ts';

/** What is checked as a file. */
export interface ImagePlaceOptions {
  /** Bytes, whole pages. */
  readonly size: number;
  readonly checker: Checker;
  /** The checker may change the image, and what it has changed is taken back. Otherwise its writes fail. */
  readonly writable?: boolean;
  readonly environment?: NodeJS.ProcessEnv;
}

/** Gives a checker the image as a file in memory. Mounts nothing, and takes no root. */
class ImagePlace implements CheckPlace {
  readonly kind = 'image';
  readonly target: ImageTarget;
  readonly #image: PlaceImage;
  readonly #copy: ImageCopy | undefined;
  readonly #folder: string;
  readonly #session: CheckerSession;
  readonly #replay: CheckerSession | undefined;
  readonly #scratch: Scratch;
  readonly #one = new OneCheck();

  constructor(folder: string, { size, checker, writable = false }: ImagePlaceOptions, environment: NodeJS.ProcessEnv) {
    const { replay, timeout } = checker;
    const changes = writable || replay !== undefined;
    this.#folder = folder;
    this.#image = new PlaceImage(size, { sealed: !changes });
    this.target = this.#image;
    this.#copy = changes ? new ImageCopy(this.#image) : undefined;
    this.#session = new (checker.worker ? WorkerSession : ScriptSession)(checker, folder, environment);
    this.#replay = replay === undefined ? undefined : new ScriptSession({ script: replay, timeout }, folder, environment);
    this.#scratch = new Scratch(folder);
  }

  check(question: CheckQuestion): Promise<CheckAnswer> {
    return this.#timed(async () => {
      this.#copy?.update();
      try {
        return await this.#ask(question, this.#copy?.fd ?? this.#image.fd);
      } finally {
        this.#copy?.restore();
      }
    });
  }

  checkBlank(question: CheckQuestion): Promise<CheckAnswer> {
    return this.#timed(async () => {
      const fd = createMemfd('vpmem blank', this.#image.size);
      try {
        return await this.#ask(question, fd);
      } finally {
        closeSync(fd);
      }
    });
  }

  close(): Promise<void> {
    const end = async (): Promise<void> => {
      await this.#session.close();
      await this.#replay?.close();
    };
    return this.#one.close(end, async () => {
      await removePlaceFolder(this.#folder);
      this.#copy?.close();
      this.#image.close();
    });
  }

  async #ask(question: CheckQuestion, fd: number): Promise<CheckerAnswer & { readonly step: CheckStep }> {
    // A path that any program of this user can open, for as long as this process has the descriptor.
    const image = `/proc/${process.pid}/fd/${fd}`;
    const paths = { image, out: this.#scratch.out };
    const replayed = await this.#replay?.ask(question, image, paths);
    if (replayed !== undefined && replayed.verdict !== 'kept') return { ...replayed, step: 'mount' };
    return { ...(await this.#session.ask(question, image, paths)), step: 'check' };
  }

  async #timed(work: () => Promise<CheckerAnswer & { readonly step: CheckStep }>): Promise<CheckAnswer> {
    const began = performance.now();
    const answer = await this.#one.run(work);
    this.#scratch.clear();
    return { ...answer, reads: undefined, milliseconds: performance.now() - began };
  }
}

/**
 * Opens a place that gives a checker the image itself, and removes what places have left whose process was killed.
 *
 * @throws ExploreError for a checker that has to have the image mounted: one line that says what mounts it
 */
export async function openImagePlace(options: ImagePlaceOptions): Promise<CheckPlace> {
  const { checker } = options;
  if (checker.looksAt === 'files') throw new ExploreError(`checker ${checker.name} looks at files: say what mounts the image, such as --mount ext4`);
  if (checker.looksAt === 'disk' && checker.replay === undefined) {
    throw new ExploreError(`checker ${checker.name} wants its journal replayed, which only a mount does: --where host or --where guest`);
  }
  const environment = programEnvironment(options.environment ?? process.env);
  refuseWithoutPrograms(checker, environment, checker.replayNeeds);
  await cleanUpAfterDead();
  return new ImagePlace(makePlaceFolder(), options, environment);
}
