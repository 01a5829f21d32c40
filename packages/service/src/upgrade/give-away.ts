import { join } from 'node:path';
import { ensureSocketFolder } from '@vpmem/machine';
import { AskedSocket, giveOver, type GivenUp } from '@vpmem/hand-over';
import { fileStem } from '@vpmem/running-programs';
import type { Continuable } from './continuable.ts';
import { endAfter } from './ending-step.ts';
import type { Keeping } from './keeping.ts';
import { runtimeFolder } from '../runtime-folder.ts';
import type { OfferedService, ServiceState } from '../service-state.ts';

/** What is given away. */
export interface Belongings {
  readonly program: string;
  readonly version: string;
  readonly words: readonly string[];
  readonly folder: string;
  readonly machine: Continuable;
  readonly listeners: () => readonly { readonly at: string; readonly fd: number }[];
  readonly pidFile: number | undefined;
  readonly keeping: Keeping | undefined;
  readonly watchdog: number | undefined;
}

/** Waits to be asked by a newer process to let it go on with everything. */
export class GiveAway {
  /** Where it can be asked. */
  readonly path: string;
  readonly #socket: AskedSocket;
  #giving: Promise<GivenUp> | undefined;

  private constructor(path: string, socket: AskedSocket) {
    this.path = path;
    this.#socket = socket;
  }

  /** `outcome` hears what came of each time. @throws SocketPathError, Error */
  static async open(belongings: Belongings, outcome: (outcome: GivenUp) => void): Promise<GiveAway> {
    const { program } = belongings;
    const path = join(runtimeFolder() ?? ensureSocketFolder(), `${fileStem({ program, pid: process.pid })}.takeover`);
    const away: { current?: GiveAway } = {};
    const socket = await AskedSocket.open(path, (call) => away.current?.begin(belongings, call, outcome));
    return (away.current = new GiveAway(path, socket));
  }

  /** Why not, if it is not. */
  private begin(belongings: Belongings, call: string, outcome: (outcome: GivenUp) => void): string | undefined {
    if (this.#giving !== undefined) return 'it is being taken over by another process already';
    this.#giving = giveOver(giverOf(belongings), call);
    void this.#giving.then((result) => {
      this.#giving = undefined;
      outcome(result);
    });
    return undefined;
  }

  /** Settles when nobody is just taking over; with what came of it, if somebody was. */
  async settled(): Promise<GivenUp | undefined> {
    return await this.#giving;
  }

  close(): void {
    this.#socket.close();
  }
}

function giverOf({ program, version, words, folder, machine, listeners, pidFile, keeping: given, watchdog }: Belongings): Parameters<typeof giveOver>[0] {
  // Of a keeper that has ended nothing is to be had.
  const keeping = given?.store.isLost() === true ? undefined : given;
  const about: OfferedService = { machine: machine.about(), ...(keeping !== undefined && { store: keeping.store.description }), ...(watchdog !== undefined && { watchdog }) };
  return {
    offer: { program, version, pid: process.pid, state: machine.version, words, folder, about },
    stop: () => machine.suspend(),
    save: async (put) => {
      const saved = await machine.save(put);
      const state: ServiceState = {
        machine: saved,
        monitors: listeners().map(({ at, fd }) => ({ at, fd: put(fd) })),
        ...(pidFile !== undefined && { pidFile: put(pidFile) }),
        ...(keeping !== undefined && { held: { ...machine.heldIn(saved), ...Object.fromEntries([...keeping.held].map(([name, fd]) => [name, put(fd)])) } }),
      };
      return state;
    },
    passOn: (pid) => keeping?.passOn(pid) ?? false,
    proceed: () => void machine.proceed(),
    step: (step) => endAfter('giver', step),
  };
}
