import { join } from 'node:path';
import { explore, type CheckAnswer, type CheckQuestion, type ExploreReport, type RecoveryStep } from '@vpmem/explorer';
import { ImageBuilder, Recording } from '@vpmem/recording';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { builtInChecker } from './built-in-checkers.ts';
import { programChecker, type Checker } from './checker.ts';
import { openHostPlace } from './host-place.ts';
import { leftBelow, noMounts, NOTHING, recordSteps, testFolder } from './test-images.ts';
import { PAGE } from './fuse/touched-pages.ts';

const reason = noMounts();

/** What is promised: a value that was acknowledged is in one of the two files, and recovery takes it from the one into the other. */
const CHECK = 'value=$(cat data 2>/dev/null); [ "${value:-0}" -ge "${VPMEM_ACKED:-0}" ] || { echo "a value is lost"; exit 1; }';
/** Forgets what is to be done before it is done. */
const HASTY = `cd "$1"; if [ -e log ]; then mv log pending; sync -f .; : >data; sync -f .; cat pending >data; sync -f .; rm pending; fi; ${CHECK}`;
const CAREFUL = `cd "$1"; if [ -e log ]; then cp log new; sync -f .; mv new data; sync -f .; rm log; fi; ${CHECK}`;

describe.skipIf(reason !== undefined)(`what recovery writes${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = testFolder();
  const run = join(folder.path, 'run');
  let recording: Recording & { readonly path: string };
  beforeAll(() => {
    process.env.XDG_RUNTIME_DIR = run;
    recording = recordSteps(folder.path, {
      size: 16 * 2 ** 20,
      mkfs: ['mkfs.ext4', '-q', '-b', '4096'],
      type: 'ext4',
      steps: [{ script: 'echo 1 >data', mark: 'acked 1' }, { script: 'echo 2 >log', mark: 'acked 2' }, { script: 'echo more >more', mark: 'done 2' }],
    });
  });
  afterEach(() => expect(leftBelow(run)).toEqual(NOTHING));
  afterAll(() => folder.remove());

  const question: CheckQuestion = { state: '3', window: '3', marks: ['acked 1', 'acked 2'], watch: [] };
  const asked = async (command: string, ...questions: readonly CheckQuestion[]): Promise<CheckAnswer[]> => {
    const place = await openHostPlace({ size: recording.size, checker: programChecker({ command, timeout: 2000 }), mount: 'ext4' });
    new ImageBuilder(recording, place.target).apply('3');
    const answers: CheckAnswer[] = [];
    for (const each of questions) answers.push(await place.check(each));
    await place.close();
    return answers;
  };
  const explored = async (checker: Checker, units: readonly ('page' | 'sector')[], name: string): Promise<ExploreReport> => {
    const openPlace = (): ReturnType<typeof openHostPlace> => openHostPlace({ size: recording.size, checker, mount: 'ext4' });
    // Nothing and all: between two flushes of this recording lie several of the file system, so the other states need not be possible.
    const events = explore(recording, { file: recording.path, openPlace, units, states: 2, secondCut: { folder: join(folder.path, name), states: 4 } });
    for await (const event of events) if (event.type === 'end') return event.report;
    throw new Error('no report');
  };
  const bytesOf = (steps: readonly RecoveryStep[] = []): number => steps.reduce((sum, step) => sum + (step.type === 'write' ? step.bytes.length : 0), 0);

  it('is seen in order, with the flushes, and only where somebody asks', async () => {
    const traced = { ...question, trace: true };
    const answers = await asked('cd "$1"; head -c 4096 /dev/zero | tr "\\0" x >new; sync new; head -c 4096 /dev/zero | tr "\\0" y >new2; sync new2', traced, question, traced);
    expect(answers.map(({ verdict, writes }) => [verdict, writes !== undefined])).toEqual([['kept', true], ['kept', false], ['kept', true]]);
    for (const { writes = [] } of [answers[0], answers[2]].flatMap((each) => each ?? [])) {
      const place = (letter: string): number => writes.findIndex((step) => step.type === 'write' && Buffer.from(step.bytes).includes(Buffer.alloc(PAGE, letter)));
      expect(place('x')).toBeGreaterThan(-1);
      expect(writes.slice(place('x'), place('y')).some(({ type }) => type === 'flush')).toBe(true);
      expect(writes.every((step) => step.type !== 'write' || (step.at % 512 === 0 && step.at + step.bytes.length <= recording.size))).toBe(true);
    }
    expect(bytesOf(answers[0]?.writes)).toBe(bytesOf(answers[2]?.writes));
  });

  it('says where it ends if the device had to be taken away', async () => {
    const [answer] = await asked('cd "$1"; head -c 4096 /dev/zero | tr "\\0" z >z; sync z; env -i setsid sleep 60 >/dev/null 2>&1 </dev/null & sleep 0.3; echo $!', { ...question, trace: true });
    process.kill(Number(answer?.signature), 'SIGKILL');
    expect(answer?.verdict).toBe('kept');
    expect(answer?.writes?.at(-1)).toEqual({ type: 'lost', text: 'the device was removed while a program still used it' });
    expect(bytesOf(answer?.writes)).toBeGreaterThan(PAGE);
  });

  it('is found out by a second cut if it may not be interrupted, which one cut does not show', async () => {
    const report = await explored(programChecker({ command: HASTY }), ['page'], 'hasty');
    expect(report.failures).toEqual([]);
    const failures = report.secondCuts?.flatMap((cut) => cut.failures.map((failure) => ({ file: cut.file, failure }))) ?? [];
    expect(new Set(failures.map(({ failure }) => failure.signature))).toEqual(new Set(['a value is lost']));
    // The bytes of the state fail by themselves, wherever they are.
    const [first] = failures;
    const nested = Recording.open(first?.file ?? '');
    const place = await openHostPlace({ size: nested.size, checker: programChecker({ command: HASTY }), mount: 'ext4' });
    new ImageBuilder(nested, place.target).apply(first?.failure.state ?? '');
    expect(await place.check(question)).toMatchObject({ verdict: 'violated', signature: 'a value is lost' });
    await place.close();
    nested.close();
  }, 120_000);

  it.each([
    ['a recovery with care', programChecker({ command: CAREFUL })],
    ["ext4's own, with its journal", builtInChecker('ext4')],
  ])('survives a second cut: %s', async (name, checker) => {
    const report = await explored(checker, ['page'], name.replaceAll(/\W/g, ''));
    expect(report.failures).toEqual([]);
    expect(report.secondCuts?.length).toBeGreaterThan(1);
    expect(report.secondCuts?.flatMap(({ failures }) => failures)).toEqual([]);
    expect(report.secondCuts?.every(({ windows, states }) => windows > 2 && states > 5)).toBe(true);
  }, 120_000);
});
