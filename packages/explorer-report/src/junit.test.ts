import { SaxesParser } from 'saxes';
import { describe, expect, it } from 'vitest';
import { HOSTILE, hostileReport } from '../tests/hostile-text.ts';
import { cleanReport, LOST, MALFORMED, sampleReport, SUPERBLOCK } from '../tests/sample-report.ts';
import { toJunit } from './junit.ts';

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
  readonly children: Element[];
  text: string;
}

/** Strict: throws at anything that is not well-formed XML 1.0. */
function parse(xml: string): Element {
  const root: Element = { name: '', attributes: {}, children: [], text: '' };
  const path = [root];
  const parser = new SaxesParser();
  parser.on('error', (error) => {
    throw error;
  });
  parser.on('opentag', ({ name, attributes }) => {
    const element: Element = { name, attributes, children: [], text: '' };
    path.at(-1)!.children.push(element);
    path.push(element);
  });
  parser.on('text', (text) => (path.at(-1)!.text += text));
  parser.on('closetag', () => path.pop());
  parser.write(xml).close();
  return root.children[0]!;
}

/** The common schema, as Jenkins and the Ant task have it in common: what may be in what, in this order, with which attributes. */
const SCHEMA: Readonly<Record<string, { readonly needs: readonly string[]; readonly may?: readonly string[]; readonly inside: RegExp }>> = {
  testsuites: { needs: [], may: ['name', 'time', 'tests', 'failures', 'errors', 'skipped'], inside: /^(testsuite )*$/ },
  testsuite: { needs: ['name', 'tests', 'failures', 'errors', 'skipped', 'time'], inside: /^(properties )?(testcase )*$/ },
  properties: { needs: [], inside: /^(property )*$/ },
  property: { needs: ['name', 'value'], inside: /^$/ },
  testcase: { needs: ['classname', 'name'], inside: /^(skipped |failure )?$/ },
  failure: { needs: ['message', 'type'], inside: /^$/ },
  skipped: { needs: ['message'], inside: /^$/ },
};

function check({ name, attributes, children }: Element): void {
  const rule = SCHEMA[name];
  expect(rule, `<${name}> is not in the schema`).toBeDefined();
  const has = Object.keys(attributes);
  expect(rule!.needs.filter((each) => !has.includes(each)), `missing in <${name}>`).toEqual([]);
  expect(has.filter((each) => ![...rule!.needs, ...(rule!.may ?? [])].includes(each)), `too many in <${name}>`).toEqual([]);
  expect(children.map((each) => `${each.name} `).join(''), `in <${name}>`).toMatch(rule!.inside);
  for (const child of children) check(child);
}

const casesOf = (suites: Element): Element[] => suites.children[0]!.children.filter(({ name }) => name === 'testcase');
const failuresOf = (suites: Element): Element[] => casesOf(suites).flatMap(({ children }) => children.filter(({ name }) => name === 'failure'));

describe('toJunit', () => {
  it.each([['failures', sampleReport()], ['none', cleanReport()], ['hostile texts', hostileReport()], ['nothing at all', { ...cleanReport(), windows: [], failures: [], options: { ...cleanReport().options, from: undefined } }]])('is of the common schema, with %s', (_, report) => {
    const suites = parse(toJunit(report as ReturnType<typeof sampleReport>));
    check(suites);
    const { tests, failures, skipped } = suites.children[0]!.attributes;
    const cases = casesOf(suites);
    expect([Number(tests), Number(failures), Number(skipped)]).toEqual([
      cases.length,
      failuresOf(suites).length,
      cases.filter(({ children }) => children[0]?.name === 'skipped').length,
    ]);
  });

  it('has a case for each window, in the order of time', () => {
    const report = sampleReport();
    expect(casesOf(parse(toJunit(report))).map(({ attributes }) => attributes.name)).toEqual([...report.windows.slice(0, -1).map(({ name }) => `flush ${name}`), 'the end']);
  });

  it('tells of a failure in each of its windows, and of its bytes in one', () => {
    const cases = casesOf(parse(toJunit(sampleReport())));
    const of = (name: string): Element => cases.find(({ attributes }) => attributes.name === name)!.children[0]!;
    expect(of('flush 3')).toMatchObject({ name: 'failure', attributes: { message: SUPERBLOCK, type: 'mount violated' } });
    expect(of('flush 3').text).toContain('Here: 3:sector:-1.2 3:sector:+1.2\n');
    expect(of('flush 3').text).toContain("Reproduce: vpmem explore --reproduce 'run.vpmrec 3:sector:+1.2' --mount ext4 --check ./check.sh\n");
    expect(of('flush 3').text).toContain('- 0x00000600, 512 bytes: ext4 superblock: checksum\n  0x000007f8  00 00 00 00 5b 9e 02 c1 -> 00 00 00 00 e7 1d 44 3a\n');
    expect(of('flush 40').text).toContain('see flush 3.');
    expect(of('flush 40').text).not.toContain('0x000007f8');
    expect(of('flush 6').attributes.message).toBe(LOST);
    expect(of('flush 24').attributes).toEqual({ message: `${MALFORMED} | (nothing was said before the time was over)`, type: 'check violated | mount hang' });
    expect(of('flush 1')).toMatchObject({ name: 'skipped', attributes: { message: 'before flush 3, where it began' } });
  });

  it.each<[message: string, more: object]>([
    ['it is of another shard', { shard: { index: 1, of: 2 } }],
    ['the time was over', { ended: 'budget' }],
    ['it was stopped before', { ended: 'interrupted' }],
    ['its shard is missing', { missingShards: { of: 2, indexes: [1] } }],
  ])('says of a window that was not looked at: %s', (message, { shard, ...more }: { shard?: object }) => {
    const { from: _, ...options } = cleanReport().options;
    const xml = toJunit({ ...cleanReport(), options: { ...options, ...shard && { shard } }, ...more } as ReturnType<typeof sampleReport>);
    expect(casesOf(parse(xml))[0]!.children[0]!.attributes.message).toBe(message);
  });

  it('has the options and the disk among its properties', () => {
    const [properties] = parse(toJunit(sampleReport())).children[0]!.children;
    const values = new Map(properties!.children.map(({ attributes }) => [attributes.name, attributes.value]));
    expect(Object.fromEntries(values)).toMatchObject({ mount: 'ext4', check: './check.sh', where: 'host', units: 'page,sector', seed: '7', from: '3', ended: 'complete' });
    expect(values.get('model.page')).toContain('4096 bytes at once');
  });

  it('has no control characters, and no line of a guest that passes for one of ours', () => {
    const xml = toJunit(hostileReport());
    expect(xml).not.toMatch(/[^\P{C}\n\ufffd]/u);
    const texts = failuresOf(parse(xml)).map(({ text }) => text).join('\n');
    expect(texts.match(/^Reproduce: /gm)?.length).toBe(HOSTILE.map((_, i) => hostileReport().failures[i]!.windows.length).reduce((a, b) => a + b));
  });

  it('stays small where one failure is in thousands of windows', () => {
    const report = sampleReport({ flushes: 2000 });
    const [failure] = report.failures;
    const everywhere = { ...report, failures: [{ ...failure!, windows: report.windows.map(({ name }) => name), output: 'x'.repeat(65_536) }] };
    expect(toJunit(everywhere).length).toBeLessThan(3e6);
  });
});
