import type { MediumClient } from './medium-state.ts';

/** Who maps the memory, or may still, though its connection has ended. */
export class MediumClients {
  /** Connections by process; 0 stands for those of which it is not known. */
  readonly #connections = new Map<number, number>();

  constructor(clients: readonly MediumClient[] = []) {
    for (const { pid, connections } of clients) this.#connections.set(pid, connections);
  }

  change(change: 'came' | 'left', pid = 0): void {
    const connections = this.#connections.get(pid) ?? 0;
    this.#connections.set(pid, Math.max(0, connections + (change === 'came' ? 1 : -1)));
  }

  /** The memory is another one: whoever has no connection has nothing of it. */
  memoryChanged(): void {
    for (const [pid, connections] of this.#connections) if (connections === 0) this.#connections.delete(pid);
  }

  /** All that can store to the memory. `descriptors`: what each is tracked by. */
  list(descriptors: ReadonlyMap<number, number>): MediumClient[] {
    for (const [pid, connections] of this.#connections) if (connections === 0 && pid !== 0 && !exists(pid)) this.#connections.delete(pid);
    return [...this.#connections].map(([pid, connections]) => {
      const descriptor = descriptors.get(pid);
      return { pid, connections, ...(descriptor !== undefined && { descriptor }) };
    });
  }
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
