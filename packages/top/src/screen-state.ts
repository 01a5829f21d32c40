import { ORDERS, type Order } from './order.ts';

/** What is on the screen. */
export type Page = 'list' | 'details' | 'events' | 'help';

/** What the keys have come to. */
export interface ScreenState {
  readonly page: Page;
  readonly order: Order;
  /** The {@link Entry.key} that is selected; undefined for the first. */
  readonly selected: string | undefined;
  /** Lines above the first that is shown of a page that is no list; of events, below the last. */
  readonly scrolled: number;
  readonly over: boolean;
}

export const FIRST_STATE: ScreenState = { page: 'list', order: 'worst', selected: undefined, scrolled: 0, over: false };

/** A key, by what it says or its name. */
export type Key = 'up' | 'down' | 'pageUp' | 'pageDown' | 'first' | 'last' | 'enter' | 'escape' | 'e' | 's' | 'q' | '?';

/** How far a page goes. */
const PAGE = 10;
const STEPS: Readonly<Partial<Record<Key, number>>> = { up: -1, down: 1, pageUp: -PAGE, pageDown: PAGE, first: -Infinity, last: Infinity };

/** What a key makes of it. @param keys of the list, as it is sorted */
export function press(state: ScreenState, key: Key, keys: readonly string[]): ScreenState {
  const step = STEPS[key];
  if (step !== undefined) return state.page === 'list' ? select(state, step, keys) : scroll(state, step);
  switch (key) {
    case 'q':
      return { ...state, over: true };
    case 's':
      return { ...state, order: ORDERS[(ORDERS.indexOf(state.order) + 1) % ORDERS.length] ?? 'worst' };
    case 'enter':
      return state.page === 'list' ? open(state, 'details') : open(state, 'list');
    case 'e':
      return open(state, state.page === 'events' ? 'list' : 'events');
    case '?':
      return open(state, state.page === 'help' ? 'list' : 'help');
    default:
      return open(state, 'list');
  }
}

function open(state: ScreenState, page: Page): ScreenState {
  return { ...state, page, scrolled: 0 };
}

function select(state: ScreenState, step: number, keys: readonly string[]): ScreenState {
  const at = Math.max(0, keys.indexOf(state.selected ?? ''));
  return { ...state, selected: keys[Math.min(Math.max(at + step, 0), keys.length - 1)] };
}

/** Events are read from their end. */
function scroll(state: ScreenState, step: number): ScreenState {
  const scrolled = Math.max(0, state.scrolled + (state.page === 'events' ? -step : step));
  return { ...state, scrolled: Number.isFinite(scrolled) ? scrolled : Number.MAX_SAFE_INTEGER };
}
