import { join } from 'node:path';
import { HandOverError, Taking, type TakerStep } from '@vpmem/hand-over';
import { ensureSocketFolder, explainError, type AddedDevice } from '@vpmem/machine';
import type { TakeDescriptor } from '@vpmem/native';
import { fileStem, isCalled, runningPrograms, type RunningProgram } from '@vpmem/running-programs';
import type { Continuable } from './continuable.ts';
import { endAfter } from './ending-step.ts';
import { EXIT_STATUS } from '../exit-status.ts';
import { Keeping } from './keeping.ts';
import { runtimeFolder } from '../runtime-folder.ts';
import type { OfferedService, ServiceState } from '../service-state.ts';
import { SetupError } from '../options/setup-error.ts';
import type { Setup } from '../options/setup.ts';

/** The program that `-takeover` names, as it is listed. @throws SetupError */
export function programToTake(address: string, program: string): RunningProgram & { readonly takeover: string } {
  const refuse = (why: string): SetupError => new SetupError(`-takeover ${address}: ${why}`);
  const all = runningPrograms();
  const found = all.filter((each) => isCalled(each, address) || each.takeover === address);
  const [first, second] = found;
  if (first === undefined) {
    const known = all.filter((each) => each.program === program).map(({ name, pid }) => name ?? String(pid)).join(', ');
    throw refuse(`no program of that name, number or socket runs${known === '' ? '' : `; there is ${known}`}; vpmem ps lists them`);
  }
  if (second !== undefined) throw refuse(`there are ${found.length} of that name: processes ${found.map(({ pid }) => pid).join(' and ')}; say which`);
  if (first.program !== program) throw refuse(`process ${first.pid} is ${first.program}, and only ${program} can be taken over`);
  const { takeover } = first;
  if (takeover === undefined) throw refuse(`process ${first.pid} cannot be taken over: it is of a version that does not know how`);
  return { ...first, takeover };
}

/** A running program that this one takes the place of. */
export class TakeOver {
  readonly #address: string;
  readonly #taking: Taking;
  #state: ServiceState | undefined;
  #listeners = new Map<string, number>();
  #pidFile: number | undefined;
  #keeping: Keeping | undefined;

  private constructor(address: string, taking: Taking) {
    this.#address = address;
    this.#taking = taking;
  }

  /** Asks it; it goes on meanwhile. @throws SetupError */
  static async begin(address: string, { takeover }: { readonly takeover: string }, program: string): Promise<TakeOver> {
    const folder = runtimeFolder() ?? ensureSocketFolder();
    try {
      const own = join(folder, `${fileStem({ program, pid: process.pid })}.call`);
      return new TakeOver(address, await Taking.begin(takeover, own, (step: TakerStep) => endAfter('taker', step)));
    } catch (error) {
      throw refusal(address, error);
    }
  }

  /** Listening sockets of monitors that the other had, by where they listen: the caller's from now on, once each. */
  get listeners(): Map<string, number> {
    return this.#listeners;
  }

  /** Where whoever keeps it is told how things are: NOTIFY_SOCKET of sd_notify(3). */
  get address(): string | undefined {
    return this.#about.store?.address;
  }

  /** What holds its descriptors in case it dies, and this one's, after {@link into}. */
  get keeping(): Keeping | undefined {
    return this.#keeping;
  }

  /** How often at least the watchdog has to hear something that watched it, in milliseconds. */
  get watchdog(): number | undefined {
    return this.#about.watchdog;
  }

  get #about(): OfferedService {
    return this.#taking.offer.about as OfferedService;
  }

  /** Its open pid file, if it had one: the caller's. */
  get pidFile(): number | undefined {
    return this.#pidFile;
  }

  #kept({ held = {} }: ServiceState, take: TakeDescriptor): Keeping | undefined {
    const { store } = this.#about;
    return store === undefined ? undefined : Keeping.handedOver(store, new Map(Object.entries(held).map(([name, number]) => [name, take(number)])));
  }

  /** Takes all it has into `machine`, and serves it. Returns the devices. @throws SetupError, and then the other goes on */
  async into(machine: Continuable, setup: Setup): Promise<readonly AddedDevice[]> {
    const { offer } = this.#taking;
    try {
      if (!machine.understands.includes(offer.state)) {
        throw new HandOverError('version', `process ${offer.pid}, ${offer.program} ${offer.version}, keeps its state in version ${offer.state}, and this one understands ${machine.understands.join(', ')}; take a version between`);
      }
      const contradiction = machine.contradiction(setup, this.#about.machine, offer.folder);
      if (contradiction !== undefined) throw new HandOverError('refused', contradiction);
      await machine.prepare();
      const { state, take } = await this.#taking.receive();
      this.#state = state as ServiceState;
      this.#keeping = this.#kept(this.#state, take);
      const devices = await machine.restore(this.#state.machine, take, this.#keeping?.store);
      for (const { at, fd } of this.#state.monitors) this.#listeners.set(at, take(fd));
      if (this.#state.pidFile !== undefined) this.#pidFile = take(this.#state.pidFile);
      await this.#taking.claim({ kept: this.#keeping !== undefined });
      this.#taking.finish();
      // Not before: what this process reads of a client is lost with it, and until then the other one would go on.
      await machine.proceed();
      return devices;
    } catch (error) {
      const refused = refusal(this.#address, error);
      this.#taking.abandon(refused.message);
      await machine.letGo();
      throw refused;
    }
  }
}

/** Where a third process goes on it is another start that helps, if this one was to be kept by then. */
function statusOf(error: unknown): number {
  return error instanceof HandOverError && error.problem === 'orphaned' ? EXIT_STATUS.internal : EXIT_STATUS.refused;
}

function refusal(address: string, error: unknown): SetupError {
  if (error instanceof SetupError) return error;
  const why = error instanceof HandOverError ? error.message : (explainError(error) ?? (error as Error).message);
  return new SetupError(`-takeover ${address}: ${why}`, { cause: error, status: statusOf(error) });
}
