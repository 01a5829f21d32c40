// Option strings side by side: what a real QEMU makes of each, and what we do, against one table.
import { fileURLToPath } from 'node:url';
import { OptionError, parseSize } from '@vpmem/options';
import { requireTestbed, type Testbed } from '@vpmem/testbed';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askQemu, ObjectAddMonitor } from './asked-qemu.ts';
import { askEmbedded, askForMemory, askForObject, OBJECT, OBJECT_ADD, ServedMachine } from './asked-vpmem.ts';
import { linesDiffer } from './command-line-case.ts';
import { COMMAND_LINES } from './command-line-cases.ts';
import { differs, type OptionCase, type OptionGroup, type Verdict } from './option-case.ts';
import { DEVICE_MEMORY, DEVICE_OBJECTS, NVDIMM_MEMORY, OPTION_CASES } from './option-cases.ts';
import { optionComparison } from './option-comparison.ts';
import { ScratchFolder } from './scratch-files.ts';

const { testbed, reason } = await requireTestbed();
const qemu = describe.skipIf(testbed === undefined);
const theirs = (): Testbed => {
  if (testbed === undefined) throw new Error(reason);
  return testbed;
};
const QEMU = `QEMU ${testbed?.qemuVersion ?? `(skipped: ${reason})`}`;

/** What QEMU makes of a string does not change with us: one in so many of each group is asked, all of them in the long form. */
const ASKED = process.env.VPMEM_ALL === '1' ? 1 : 4;
const asked = (groups: readonly OptionGroup[]): [string, readonly OptionCase[]][] => groups.map(({ title, cases }) => [title, cases.filter((_, n) => n % ASKED === 0)]);

const home = process.cwd();
let scratch: ScratchFolder;
beforeAll(() => {
  scratch = new ScratchFolder();
  process.chdir(scratch.path);
});
afterAll(() => {
  process.chdir(home);
  scratch.remove();
});

const nameOf = ({ after, text }: OptionCase): string => [...after, text].join(' … ');
const texts = ({ after, text }: OptionCase): string[] => [...after, text];
const titled = (groups: readonly OptionGroup[]): [string, readonly OptionCase[]][] => groups.map(({ title, cases }) => [title, cases]);
/** `-m 1G -machine …` in parts. */
const options = ({ text }: OptionCase): [string, string][] =>
  text.split(/ (?=-m)/).map((option) => [option.slice(0, option.indexOf(' ')), option.slice(option.indexOf(' ') + 1)]);

/** Tries each case among fresh files, one after the other, and compares with its column of the table. */
async function compare(cases: readonly OptionCase[], column: (option: OptionCase) => Verdict, ask: (option: OptionCase) => Promise<Verdict>): Promise<void> {
  const found: Record<string, Verdict> = {};
  for (const option of cases) {
    scratch.reset();
    found[nameOf(option)] = inTermsOf(column(option), await ask(option));
  }
  expect(found).toEqual(Object.fromEntries(cases.map((option) => [nameOf(option), column(option)])));
}

/** `actual` in the terms of `expected`, where it is what that means. */
function inTermsOf(expected: Verdict, actual: Verdict): Verdict {
  if (expected === 'host') return actual === 'accepts' || typeof actual === 'object' ? expected : actual;
  return typeof expected === 'object' && typeof actual === 'object' && actual.refused.includes(expected.refused) ? expected : actual;
}

describe('the table', () => {
  it.each(Object.entries(OPTION_CASES))('%s has each string once, and a reason for each difference', (_, groups) => {
    const all = groups.flatMap(({ cases }) => cases);
    expect(all.map(nameOf)).toEqual([...new Set(all.map(nameOf))]);
    expect(all.filter((option) => differs(option) && option.why === undefined)).toEqual([]);
  });

  it('has each whole command line once, and a reason for each difference', () => {
    const all = COMMAND_LINES.flatMap(({ lines }) => lines);
    expect(all.map(({ line }) => line)).toEqual([...new Set(all.map(({ line }) => line))]);
    expect(all.filter((each) => linesDiffer(each) && each.why === undefined)).toEqual([]);
    expect(all.length).toBeGreaterThanOrEqual(60);
  });

  it('is long enough to mean something', () => {
    expect(Object.values(OPTION_CASES).flatMap((groups) => groups.flatMap(({ cases }) => cases)).length).toBeGreaterThan(500);
  });
});

describe('the page', () => {
  it('docs/option-comparison.md says what the table says', async () => {
    await expect(optionComparison()).toMatchFileSnapshot(fileURLToPath(new URL('../../../../docs/option-comparison.md', import.meta.url)));
  });
});

describe('-object', () => {
  it.each(titled(OPTION_CASES['-object']))('%s', async (_, cases) => {
    await compare(cases, ({ vpmem }) => vpmem, (option) => askForObject(texts(option), OBJECT));
  });

  qemu(QEMU, () => {
    it.each(asked(OPTION_CASES['-object']))('%s', async (_, cases) => {
      const args = (option: OptionCase): string[] => ['-machine', 'none', ...texts(option).flatMap((text) => ['-object', text])];
      await compare(cases, (option) => option.qemu, (option) => askQemu(theirs(), scratch.path, args(option)));
    });
  });
});

describe('object_add', () => {
  it.each(titled(OPTION_CASES.object_add))('%s', async (_, cases) => {
    await compare(cases, ({ vpmem }) => vpmem, (option) => askForObject(texts(option), OBJECT_ADD));
  });

  qemu(QEMU, () => {
    let monitor: ObjectAddMonitor;
    beforeAll(async () => {
      monitor = await ObjectAddMonitor.start(theirs());
    });
    afterAll(() => monitor.stop());

    it.each(asked(OPTION_CASES.object_add))('%s', async (_, cases) => {
      await compare(cases, (option) => option.qemu, (option) => monitor.ask(texts(option)));
    });

    it('sizes are the same number of bytes for any string', async () => {
      scratch.reset();
      const suffix = fc.constantFrom('', ...Array.from('bBkKmMgGtTpPeEx'));
      const sizeLike = fc.oneof(
        fc.string({ unit: fc.constantFrom(...Array.from(' +-.,0189xXabkmgtpeE')), maxLength: 8 }),
        fc.tuple(fc.constantFrom('', ' ', '+'), fc.nat(), fc.constantFrom('', '.', '.0', '.5', '.25', '.0001'), suffix).map((parts) => parts.join('')),
      );
      await fc.assert(
        fc.asyncProperty(sizeLike, async (text) => {
          const bytes = await monitor.size(text);
          expect(bytesOf(text)).toBe(bytes === undefined ? 'none' : `${bytes} bytes`);
        }),
        { numRuns: 1000 / ASKED, examples: [['.9E'], ['0.005E'], ['7.7P'], ['15.999999999999999E'], ['15.999999999999999999E'], ['.00000000000000000000001E']] },
      );
    });
  });
});

/** What `parseSize` makes of a text, or says of it where a number cannot hold it. */
function bytesOf(text: string): string {
  try {
    return `${parseSize(text)} bytes`;
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    if (error.code !== 'size-unsupported') return 'none';
    return /is (\d+ bytes)/.exec(error.message)?.[1] ?? error.message;
  }
}

describe('-device', () => {
  describe('vpmemd', () => {
    let served: ServedMachine;
    let own: ScratchFolder;
    beforeAll(async () => {
      // The machine keeps its files between the cases.
      own = new ScratchFolder();
      process.chdir(own.path);
      served = await ServedMachine.start(DEVICE_OBJECTS);
    });
    afterAll(async () => {
      await served.close();
      process.chdir(scratch.path);
      own.remove();
    });

    it.each(titled(OPTION_CASES['-device']))('%s', async (_, cases) => {
      await compare(cases, ({ vpmem }) => vpmem, (option) => served.ask(texts(option)));
    });
  });

  describe('vpmem run', () => {
    it.each(titled(OPTION_CASES['-device']))('%s', async (_, cases) => {
      await compare(cases, ({ vpmem, run = vpmem }) => run, (option) => askEmbedded('pc', DEVICE_MEMORY, DEVICE_OBJECTS, texts(option)));
    });
  });

  qemu(QEMU, () => {
    const machine = ['-machine', 'pc', '-m', DEVICE_MEMORY, ...DEVICE_OBJECTS.flatMap((text) => ['-object', text])];

    it.each(asked(OPTION_CASES['-device']))('%s', async (_, cases) => {
      const args = (option: OptionCase): string[] => [...machine, ...texts(option).flatMap((text) => ['-device', text])];
      await compare(cases, (option) => option.qemu, (option) => askQemu(theirs(), scratch.path, args(option)));
    });
  });
});

describe('-device nvdimm', () => {
  const NVDIMM_MACHINE = 'pc,nvdimm=on';

  it.each(titled(OPTION_CASES['-device nvdimm']))('%s', async (_, cases) => {
    await compare(cases, ({ vpmem }) => vpmem, (option) => askEmbedded(NVDIMM_MACHINE, NVDIMM_MEMORY, DEVICE_OBJECTS, texts(option)));
  });

  qemu(QEMU, () => {
    const machine = ['-machine', NVDIMM_MACHINE, '-m', NVDIMM_MEMORY, ...DEVICE_OBJECTS.flatMap((text) => ['-object', text])];

    it.each(asked(OPTION_CASES['-device nvdimm']))('%s', async (_, cases) => {
      const args = (option: OptionCase): string[] => [...machine, ...texts(option).flatMap((text) => ['-device', text])];
      await compare(cases, (option) => option.qemu, (option) => askQemu(theirs(), scratch.path, args(option)));
    });
  });
});

describe('-m', () => {
  it.each(titled(OPTION_CASES['-m']))('%s', async (_, cases) => {
    await compare(cases, ({ vpmem }) => vpmem, (option) => askForMemory([['-machine', 'q35'], ...options(option)]));
  });

  qemu(QEMU, () => {
    it.each(asked(OPTION_CASES['-m']))('%s', async (_, cases) => {
      const args = (option: OptionCase): string[] => ['-machine', 'q35', ...options(option).flat()];
      await compare(cases, (option) => option.qemu, (option) => askQemu(theirs(), scratch.path, args(option)));
    });
  });
});
