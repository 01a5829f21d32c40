import type { History, HistoryCell } from '../snapshot.ts';
import type { Connection } from './connection.ts';

/** How far back one can look: what the server has. */
export const SPANS = [
  { name: '10 minutes', milliseconds: 600_000 },
  { name: '2 hours', milliseconds: 7_200_000 },
  { name: '1 day', milliseconds: 86_400_000 },
] as const;

/** The history of one device over one span, as far as the page has it: what is new is asked for, what is too old is forgotten. */
export class CellStore {
  readonly device: string;
  readonly span: number;
  readonly #connection: Connection;
  #cells: readonly HistoryCell[] = [];
  #at = 0;
  #asking = false;

  constructor(connection: Connection, device: string, span: number) {
    this.#connection = connection;
    this.device = device;
    this.span = span;
  }

  get cells(): readonly HistoryCell[] {
    return this.#cells;
  }

  /** The end of what is known, in milliseconds of the server's clock that does not jump. */
  get at(): number {
    return this.#at;
  }

  /** Asks for what is new, unless it is being asked for. Whether there is anything. */
  async renew(): Promise<boolean> {
    if (this.#asking) return false;
    this.#asking = true;
    // The newest again, too: it may have grown.
    const history = await this.#connection.history(this.device, this.span, this.#cells.at(-1)?.from);
    this.#asking = false;
    if (history === undefined) return false;
    this.take(history);
    return true;
  }

  take({ at, cells }: History): void {
    const first = cells[0]?.from ?? Infinity;
    const oldest = at - (SPANS[this.span]?.milliseconds ?? 0);
    this.#cells = [...this.#cells.filter(({ from }) => from < first), ...cells].filter(({ to }) => to >= oldest);
    this.#at = at;
  }
}
