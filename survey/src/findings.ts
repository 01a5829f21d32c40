import { readFileSync, writeFileSync } from 'node:fs';
import type { ByteName } from '@vpmem/disk-names';
import { fileURLToPath } from 'node:url';
import { CASES } from './case-list.ts';
import type { Judgement, SurveyCase } from './survey-case.ts';
import { readResult, type SurveyResult, type UnitResult } from './survey-result.ts';

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const INTRODUCTION = file('../findings-introduction.md');
const FINDINGS = file('../../docs/findings.md');

const WORDS: Readonly<Record<Judgement['kind'], string>> = { kept: 'kept', documented: 'lost, as documented', finding: '**finding**', finer: 'kept unless torn finer' };

/** Writes docs/findings.md: what was written about the survey by hand, then each case with what its last exploring came to. */
export function writeFindings(): void {
  const subjects = [...new Set(CASES.map(({ subject }) => subject))];
  writeFileSync(FINDINGS, [readFileSync(INTRODUCTION, 'utf8').trimEnd(), ...subjects.map(subjectText), ''].join('\n\n'));
}

function subjectText(subject: string): string {
  const cases = CASES.filter((each) => each.subject === subject).map((each) => ({ each, result: readResult(each.name) }));
  const head = ['| case | states known | not kept | begins with | judged |', '| --- | --- | ---: | --- | --- |'];
  return [`## ${subject}`, [...head, ...cases.map(({ each, result }) => row(each, result))].join('\n'), ...cases.map(({ each, result }) => caseText(each, result))].join('\n\n');
}

function row(each: SurveyCase, result: SurveyResult | undefined): string {
  const { name, what, judgement } = each;
  if (result === undefined) return `| [${what}](#${name}) | not tried | | | |`;
  const own = result.failures.filter(({ step }) => isOwn(each, step));
  const count = own.reduce((sum, failure) => sum + failure.count, 0);
  const others = result.violated - count;
  const begins = [...new Set(own.map(({ unit }) => unit))].sort((a, b) => ORDER.indexOf(a) - ORDER.indexOf(b))[0] ?? '';
  const verdict = judgement === undefined ? 'not looked at yet' : WORDS[judgement.kind];
  return `| [${what}](#${name}) | ${result.units.map(unitCell).join('<br>')} | ${count} of ${result.states}${others === 0 ? '' : `, and ${others} by ${each.fs}`} | ${begins} | ${verdict} |`;
}

/** What cannot be mounted is no failure of a program, but of the file system that it is on. */
function isOwn({ checker, subject }: SurveyCase, step: string): boolean {
  return step === 'check' || checker !== undefined || /itself|without DAX/.test(subject);
}

const ORDER: readonly string[] = ['page', 'sector', 'line', 'word'];

/** How many states, and of how many windows these are all. */
function unitCell({ unit, states, exhaustive, sampled }: UnitResult): string {
  return `${unit} ${states} (${exhaustive}/${exhaustive + sampled})`;
}

function caseText({ name, what, promise, source, work, judgement }: SurveyCase, result: SurveyResult | undefined): string {
  const lines = [`### ${name}`, `${what}. Promise: ${promise} ([source](${source})) Work: ${work}.`];
  if (result === undefined) return [...lines, 'Not tried.'].join('\n\n');
  const { flushes, windows, checks, seconds, failures, seed } = result;
  lines.push(`${windows} windows of ${flushes} flushes, ${checks} checks, ${seconds} s, seed ${seed}.${judgement === undefined ? '' : ` ${judgement.text}`}`);
  if (failures.length > 0) lines.push(['| violated | states | begins with | to look at | minimal set |', '| --- | ---: | --- | --- | --- |', ...failures.map(failureRow)].join('\n'));
  return lines.join('\n\n');
}

function failureRow({ signature, step, count, unit, state, minimal }: SurveyResult['failures'][number]): string {
  const where = step === 'check' || signature.startsWith(`${step}:`) ? '' : `${step}: `;
  return `| ${where}${cell(signature)} | ${count} | ${unit} | \`${short(minimal?.state ?? state)}\` | ${minimal === undefined ? '' : minimalCell(minimal)} |`;
}

function minimalCell({ kind, bytes, pieces }: NonNullable<SurveyResult['failures'][number]['minimal']>): string {
  const names = [...new Set(pieces.flatMap((piece) => piece.names.map(nameText)))];
  const some = names.length > 4 ? [...names.slice(0, 4), `and ${names.length - 4} more`] : names;
  return cell(`${kind === 'lost' ? 'lost' : 'only there'}: ${bytes} ${bytes === 1 ? 'byte' : 'bytes'}: ${some.join('; ')}`);
}

const nameText = ({ name, path, fileOffset }: ByteName): string => (path === undefined || name.includes(path) ? name : `${path}${fileOffset === undefined ? '' : ` at ${fileOffset}`}: ${name}`);
const short = (text: string): string => (text.length <= 40 ? text : `${text.slice(0, 39)}…`);
const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
