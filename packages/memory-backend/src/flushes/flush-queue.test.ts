import fc from 'fast-check';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { FlushQueue } from './flush-queue.ts';
import { ManualSyncer } from '../testing.ts';

let syncer: ManualSyncer;
let failures: string[];
let queue: FlushQueue;
let answers: string[];
beforeEach(() => {
  syncer = new ManualSyncer();
  failures = [];
  queue = new FlushQueue(syncer, (error) => failures.push(error.code ?? ''));
  answers = [];
});

const ask = (name: string): void => {
  queue.request((ok) => answers.push(`${name} ${ok ? 'ok' : 'failed'}`));
  queue.start();
};

const askers: Readonly<Record<string, { name: string }>> = { a: { name: 'a' }, b: { name: 'b' }, c: { name: 'c' } };

describe('FlushQueue', () => {
  it('answers after the sync, not before', () => {
    ask('a');
    expect([syncer.started, answers]).toEqual([1, []]);
    syncer.begin();
    expect(answers).toEqual([]);
    syncer.finish();
    expect(answers).toEqual(['a ok']);
  });

  it('counts from the request to the answer, and only what succeeded', () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
    expect(queue.latency).toBeUndefined();
    ask('a');
    now.mockReturnValue(1002);
    ask('b');
    syncer.begin();
    now.mockReturnValue(1005);
    syncer.finish();
    expect(queue.latency?.max).toBe(5000);
    ask('c');
    now.mockReturnValue(9000);
    syncer.begin();
    syncer.finish('EIO');
    expect(queue.latency?.max).toBe(5000);
    now.mockRestore();
  });

  it('requests that arrive before the sync begins share it', () => {
    ask('a');
    ask('b');
    syncer.begin();
    syncer.finish();
    expect([answers, syncer.started]).toEqual([['a ok', 'b ok'], 1]);
    expect(queue.stats).toEqual({ asked: 2, synced: 1, coalesced: 1, failed: 0 });
  });

  it('requests that arrive while it runs share the next', () => {
    ask('a');
    syncer.begin();
    ask('b');
    ask('c');
    syncer.finish();
    expect([answers, syncer.started, queue.inFlight]).toEqual([['a ok'], 2, 2]);
    syncer.begin();
    syncer.finish();
    expect([answers, syncer.started, queue.inFlight]).toEqual([['a ok', 'b ok', 'c ok'], 2, 0]);
  });

  it('a batch asked for before start() makes one sync', () => {
    for (const name of ['a', 'b', 'c']) queue.request((ok) => answers.push(`${name} ${ok}`));
    queue.start();
    syncer.begin();
    syncer.finish();
    expect([answers.length, syncer.started]).toEqual([3, 1]);
  });

  it('a failed sync fails everything that waits, and everything after it, with one message', () => {
    ask('a');
    syncer.begin();
    ask('b');
    syncer.finish('EIO');
    ask('c');
    expect(answers).toEqual(['a failed', 'b failed', 'c failed']);
    expect([syncer.started, failures, queue.failure?.code]).toEqual([1, ['EIO'], 'EIO']);
    expect(queue.stats).toMatchObject({ asked: 3, synced: 0, failed: 3 });
  });

  it('is whole again only after power-on', () => {
    ask('a');
    syncer.begin();
    syncer.finish('EIO');
    queue.powerOn();
    ask('b');
    syncer.begin();
    syncer.finish();
    expect([answers, queue.failure]).toEqual([['a failed', 'b ok'], undefined]);
  });

  it('cancel forgets one asker and answers the others', () => {
    const [mine, theirs] = [{}, {}];
    const request = (name: string, asker?: object): void => queue.request(() => answers.push(name), asker);
    request('mine', mine);
    request('theirs', theirs);
    request("nobody's");
    queue.start();
    syncer.begin();
    request('mine, later', mine);
    request("nobody's, later");
    queue.cancel(mine, () => answers.push('cancelled'));
    syncer.finish();
    syncer.begin();
    syncer.finish();
    expect(answers).toEqual(['theirs', "nobody's", "nobody's, later", 'cancelled']);
  });

  it('cancel answers nobody and waits for the sync that runs', () => {
    let idle = 0;
    const me = {};
    queue.request(() => answers.push('a'), me);
    queue.start();
    syncer.begin();
    queue.request(() => answers.push('b'), me);
    queue.cancel(me, () => idle++);
    expect([idle, queue.inFlight]).toEqual([0, 0]);
    syncer.finish();
    expect([idle, answers, syncer.started]).toEqual([1, [], 1]);
    queue.cancel(me, () => idle++);
    expect(idle).toBe(2);
  });

  it('marks the last answer of a batch, so that one notification can stand for all', () => {
    const marks: boolean[] = [];
    for (let i = 0; i < 3; i++) queue.request((_, last) => marks.push(last));
    queue.start();
    syncer.begin();
    syncer.finish();
    expect(marks).toEqual([false, false, true]);
  });

  it('marks none that is given at once: more may be asked before the batch ends', () => {
    queue.request(() => undefined);
    queue.start();
    syncer.begin();
    syncer.finish('EIO');
    const marks: boolean[] = [];
    for (let i = 0; i < 2; i++) queue.request((_, last) => marks.push(last));
    expect(marks).toEqual([false, false]);
  });

  it('marks the last answer of each asker', () => {
    const marks: string[] = [];
    for (const asker of ['a', 'b', 'a', 'b', 'c'].map((name) => askers[name])) {
      queue.request((_, last) => marks.push(`${asker?.name ?? ''} ${last}`), asker);
    }
    queue.start();
    syncer.begin();
    syncer.finish();
    expect(marks).toEqual(['a false', 'b false', 'a true', 'b true', 'c true']);
  });

  it('an answer may ask again', () => {
    queue.request(() => ask('again'));
    queue.start();
    syncer.begin();
    syncer.finish();
    syncer.begin();
    syncer.finish();
    expect(answers).toEqual(['again ok']);
  });

  it('PMEM-09 AMB-06 no request is ever answered by a sync that began before it arrived', () => {
    const step = fc.constantFrom('ask', 'start', 'begin', 'finish');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const manual = new ManualSyncer();
        const flushes = new FlushQueue(manual);
        let time = 0;
        let begunAt = 0;
        let [asked, answered] = [0, 0];
        for (const action of steps) {
          time++;
          if (action === 'ask') {
            const askedAt = time;
            asked++;
            flushes.request(() => {
              answered++;
              expect(begunAt).toBeGreaterThan(askedAt);
            });
          } else if (action === 'start') flushes.start();
          else if (action === 'begin' && manual.begin()) begunAt = time;
          else if (action === 'finish') manual.finish();
        }
        // And everybody is answered in the end, once.
        flushes.start();
        while (manual.busy) {
          if (manual.begin()) begunAt = ++time;
          manual.finish();
          flushes.start();
        }
        expect(answered).toBe(asked);
      }),
      { numRuns: 2000 },
    );
  });
});
