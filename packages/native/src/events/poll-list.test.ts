import { beforeEach, expect, it } from 'vitest';
import { PollList, type Polled } from './poll-list.ts';

const POLL_MAX = 1;

/** Something to look at, which knows whether whoever tells of it was told to. */
class Requests implements Polled {
  pollMax = POLL_MAX;
  /** Requests there are. */
  there = 0;
  looks = 0;
  rests = 0;
  /** Nobody tells of them. */
  silent = false;
  /** It cannot be asked for now. */
  unreachable = false;
  /** Called with each request, as a driver's interrupt is. */
  answered: () => void = () => undefined;
  /** Called with each rest. */
  resting: () => void = () => undefined;

  begin(): void {
    this.silent = true;
  }
  look(): boolean {
    this.looks++;
    return this.#serve();
  }
  rest(): 'rested' | 'found' | 'later' {
    this.rests++;
    this.resting();
    if (this.unreachable) return 'later';
    this.silent = false;
    return this.#serve() ? 'found' : 'rested';
  }

  #serve(): boolean {
    if (this.there === 0) return false;
    this.there--;
    this.answered();
    return true;
  }
}

let list: PollList;
let requests: Requests;
beforeEach(() => {
  list = new PollList();
  requests = new Requests();
});

it('begins with what is added, each time it is expected, and looks at it once in a round', () => {
  expect(list.add(requests, 0)).toMatchObject({ pollMax: POLL_MAX, short: false });
  expect(requests.silent).toBe(true);
  requests.silent = false;
  list.add(requests, 0);
  expect([requests.silent, list.look(0), requests.looks]).toEqual([true, undefined, 1]);
});

it('never begins where looking never pays', () => {
  requests.pollMax = 0;
  expect([list.add(requests, 0), requests.silent, list.look(0), list.rest(), requests.looks]).toEqual([undefined, false, undefined, undefined, 0]);
});

it('says whose something was there, and remembers them and how long waits were after a rest', () => {
  const other = new Requests();
  const [mine, others] = [list.add(requests, 0), list.add(other, 0)];
  requests.there = 1;
  expect(list.look(0)).toBe(mine);
  other.there = 1;
  expect(list.look(0)).toBe(others);
  other.there = requests.there = 1;
  expect(list.look(0)).toBe(others);
  expect(list.look(0)).toBeUndefined();
  if (mine !== undefined) mine.short = true;
  list.rest();
  expect(list.add(requests, 5)).toBe(mine);
  expect(mine?.short).toBe(true);
});

it('rests one of which nothing came for its time, and goes on with the others', () => {
  const idle = Array.from({ length: 256 }, () => new Requests());
  for (const each of [...idle.slice(0, 128), requests, ...idle.slice(128)]) list.add(each, 0);
  for (let now = 0; now < 20; now += POLL_MAX / 4) {
    requests.there = 1;
    expect(list.look(now)).toBeDefined();
  }
  expect(idle.filter(({ silent }) => silent)).toEqual([]);
  // In the fifth round their time is over.
  expect(idle.map(({ looks }) => looks)).toEqual(idle.map(() => 5));
  expect(idle.map(({ rests }) => rests)).toEqual(idle.map(() => 1));
  expect([requests.looks, requests.rests, requests.silent]).toEqual([80, 0, true]);
  const before = idle.map(({ looks }) => looks);
  list.look(100);
  list.rest();
  expect(idle.map(({ looks }) => looks)).toEqual(before);
});

it('serves what came between the last look and the rest, and says so', () => {
  const source = list.add(requests, 0);
  list.look(POLL_MAX / 2);
  requests.there = 1;
  expect([list.rest() === source, requests.there, requests.silent]).toEqual([true, 0, false]);
  expect([list.rest(), requests.rests]).toEqual([undefined, 1]);
});

it('tries one that could not be asked again before every sleep, and looks at it until then', () => {
  list.add(requests, 0);
  requests.unreachable = true;
  expect([list.rest(), list.rest(), list.look(2 * POLL_MAX), requests.rests]).toEqual([undefined, undefined, undefined, 3]);
  requests.unreachable = false;
  requests.there = 1;
  expect([list.rest() === undefined, requests.silent, requests.there]).toEqual([false, false, 0]);
  list.rest();
  expect(requests.rests).toBe(4);
});

it.each(['rest', 'look'] as const)('whoever expects more while a %s serves it is looked at, and asked before the next sleep', (how) => {
  const source = list.add(requests, 0);
  // The interrupt that answers a request says that the next may follow.
  requests.answered = () => list.add(requests, POLL_MAX);
  requests.there = 1;
  expect(list[how](POLL_MAX)).toBe(source);
  expect(requests.silent).toBe(true);
  const { looks } = requests;
  list.look(POLL_MAX);
  expect(requests.looks).toBe(looks + 1);
  expect(list.rest()).toBeUndefined();
  expect(requests.silent).toBe(false);
});

it('nobody sleeps on one that could not be asked, but served something that expects more', () => {
  const source = list.add(requests, 0);
  requests.unreachable = true;
  requests.resting = () => list.add(requests, 0);
  expect(list.rest()).toBe(source);
  requests.resting = () => undefined;
  requests.unreachable = false;
  expect([list.rest(), requests.silent]).toEqual([undefined, false]);
});
