import type { ControlAnswer, ControlRequest, History, Snapshot } from '../snapshot.ts';

/** How the page stands with its server. */
export type ConnectionState = { readonly kind: 'live' } | { readonly kind: 'lost'; readonly since: number } | { readonly kind: 'refused'; readonly reason: string };

/** Milliseconds to a second try, and at most. */
const [FIRST_PAUSE, LONGEST_PAUSE] = [500, 5000];
/** How long an answer may take: longer than the server waits for a round. */
const PATIENCE = 30_000;

/** The page's server, which the page was loaded from. */
export class Connection {
  readonly #token = new URLSearchParams(location.search).get('token') ?? '';

  /** Asks for one round after the other, for as long as the page is there. */
  async follow(take: (snapshot: Snapshot) => void, tell: (state: ConnectionState) => void): Promise<void> {
    let [round, event, pause, since] = [0, 0, FIRST_PAUSE, 0];
    for (;;) {
      try {
        const response = await this.#get(`api/state?after=${round}&events=${event}`);
        if (response.status === 403) {
          tell({ kind: 'refused', reason: (await response.text()).trim() });
          return;
        }
        if (!response.ok) throw new Error(await response.text());
        const snapshot = (await response.json()) as Snapshot;
        [round, event, pause, since] = [snapshot.round, snapshot.events.at(-1)?.number ?? event, FIRST_PAUSE, 0];
        tell({ kind: 'live' });
        if (round > 0) take(snapshot);
      } catch {
        since ||= Date.now();
        tell({ kind: 'lost', since });
        await new Promise((resolve) => setTimeout(resolve, pause));
        pause = Math.min(LONGEST_PAUSE, pause * 2);
      }
    }
  }

  /** Cells of a device that begin at `since` or later; undefined if they cannot be had now. */
  async history(device: string, span: number, since: number | undefined): Promise<History | undefined> {
    const query = new URLSearchParams({ device, span: String(span), ...(since !== undefined && { since: String(since) }) });
    try {
      const response = await this.#get(`api/history?${query.toString()}`);
      return response.ok ? ((await response.json()) as History) : undefined;
    } catch {
      return undefined;
    }
  }

  /** Never rejects: `done` says whether it was done, `text` what came of it or why not. */
  async control(request: ControlRequest): Promise<{ readonly done: boolean; readonly text: string }> {
    try {
      const response = await fetch('api/control', { method: 'POST', headers: this.#headers, body: JSON.stringify(request), signal: AbortSignal.timeout(PATIENCE) });
      if (!response.ok) return { done: false, text: (await response.text()).trim() };
      return { done: true, text: ((await response.json()) as ControlAnswer).text };
    } catch {
      return { done: false, text: "The page's server has not answered. Whether it was done is not known." };
    }
  }

  get #headers(): Readonly<Record<string, string>> {
    return { 'X-Vpmem-Token': this.#token };
  }

  async #get(path: string): Promise<Response> {
    return await fetch(path, { headers: this.#headers, signal: AbortSignal.timeout(PATIENCE) });
  }
}
