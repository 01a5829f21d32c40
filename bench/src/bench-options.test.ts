import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { helpText, parseBenchOptions } from './bench-options.ts';

const PARTS = ['queue', 'daemon', 'guest'];
const folder = mkdtempSync(join(tmpdir(), 'vpmem-bench-options-'));
afterAll(() => rmSync(folder, { recursive: true }));
const parse = (...args: string[]) => parseBenchOptions(args, PARTS, folder);

it('measures everything, with defaults, if nothing is said', () => {
  expect(parse()).toEqual({ parts: PARTS, help: false, media: ['tmpfs', 'disk'], rounds: 7, seconds: 1 });
});

it('takes names in any place, and keeps the order in which parts are measured', () => {
  expect(parse('guest', '--rounds', '3', 'queue').parts).toEqual(['queue', 'guest']);
});

it('takes every option, files from where the user is', () => {
  expect(parse('--accel', 'kvm', '--against=../other', '--only', 'disk', '--rounds', '2', '--seconds', '0.5', '--json', 'a.json', '--plot', '/tmp/a.svg')).toEqual({
    parts: PARTS, help: false, media: ['disk'], rounds: 2, seconds: 0.5, accel: 'kvm', against: join(folder, '../other'), json: join(folder, 'a.json'), plot: '/tmp/a.svg',
  });
  expect(parse('--help').help).toBe(true);
});

it.each([
  [['--nonsense'], "There is no option '--nonsense'; there is --accel, --against, --only, --rounds, --seconds, --json, --plot, --help"],
  [['-x'], "There is no option '-x'; there is --accel"],
  [['--toString'], "There is no option '--toString'; there is --accel"],
  [['quue'], "There is no measurement 'quue'; there is queue, daemon, guest"],
  [['--accel', 'hvf'], '--accel hvf: there is no such; it is kvm or tcg'],
  [['--only', 'ram'], '--only ram: there is no such; it is tmpfs or disk'],
  [['--accel'], '--accel lacks its value: --accel kvm|tcg'],
  [['--accel', '--json', 'x'], '--accel lacks its value: --accel kvm|tcg'],
  [['--json='], '--json lacks its value: --json FILE'],
  [['--help=yes'], '--help takes no value'],
  [['--rounds', '0'], '--rounds 0: that is no whole number from 1 to 1000'],
  [['--rounds', '2.5'], '--rounds 2.5: that is no whole number from 1 to 1000'],
  [['--seconds', '1e3'], '--seconds 1e3: that is no number from 0.1 to 600'],
  [['queue', '--only', 'disk'], "--only is for 'guest', which is not among what is to be measured; name it too, or leave the option out"],
  [['--json', 'none/a.json'], `--json none/a.json: there is no folder ${folder}/none; make it, or name one that is there`],
  [['--plot', '.'], '--plot .: that is a folder; name a file'],
])('%j is refused in one line', (args, message) => {
  expect(() => parse(...args)).toThrow(expect.objectContaining({ name: 'BenchError', message: expect.stringMatching(/^[^\n]+$/) as string }) as Error);
  expect(() => parse(...args)).toThrow(message);
});

it('helps with a line for each part and each option', () => {
  const text = helpText({ queue: { about: 'a ring' } });
  expect(text).toMatch(/^ {2}queue +a ring$/m);
  for (const name of ['--accel kvm|tcg', '--against CHECKOUT', '--only tmpfs|disk', '--rounds N', '--seconds N', '--json FILE', '--plot FILE.svg', '--help']) expect(text).toContain(`\n  ${name} `);
});
