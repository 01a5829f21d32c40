import { existsSync, readFileSync } from 'node:fs';
import { conformancePage, FIGURES, figures, PAGE } from './conformance-page.ts';
import { findings, groupOf, readReasons, readRows, REASONS_FILE, type Finding } from './conformance-rows.ts';
import { error, type Problem } from './problem.ts';
import type { StatementRuns } from './statement-tests.ts';

/** What can be told without a run: the reasons are about statements, and README.md has the figures of the page. */
export function checkConformance(): Problem[] {
  const ids = knownIds();
  const [stated = 'a figure, which it has not'] = existsSync(PAGE) ? (FIGURES.exec(readFileSync(PAGE, 'utf8')) ?? []) : [];
  return [
    ...Object.keys(readReasons()).flatMap((id) => (ids.has(id) ? [] : [error(REASONS_FILE, `there is no statement ${id}`)])),
    ...(readFileSync('README.md', 'utf8').includes(stated) ? [] : [error('README.md', `has another figure than ${PAGE}, which says ${stated}`)]),
  ];
}

/** What the runs come to: the page, and what is wrong with them. */
export interface Verdict {
  /** Statements without a test that passed or a reason, and ids in tests' names that are of no statement. */
  readonly problems: readonly Problem[];
  readonly page: string;
  readonly figures: string;
}

export function judge({ tests }: StatementRuns): Verdict {
  const ids = knownIds();
  const found = findings(readRows(), readReasons(), tests);
  const problems = [
    ...found.flatMap(checkRow),
    ...tests.flatMap((test) =>
      test.ids.filter((id) => !ids.has(id) && !id.startsWith('AMB-')).map((id) => error(test.files[0] ?? '', `there is no statement ${id}, which '${test.text}' is named for`)),
    ),
  ];
  return { problems, page: conformancePage(found, tests), figures: figures(found) };
}

function knownIds(): ReadonlySet<string> {
  const rows = readRows();
  return new Set([...rows.map(({ id }) => id), ...rows.map(groupOf)]);
}

function checkRow({ row, tests, reason }: Finding): Problem[] {
  if (tests.length === 0 && reason === undefined && row.side !== '-') {
    return [error(REASONS_FILE, `${row.id} has neither a test that passed whose name begins with it nor a reason: ${row.text}`)];
  }
  if (tests.length > 0 && reason?.kind === 'does not apply') {
    return [error(REASONS_FILE, `${row.id} is said not to apply, and ${tests[0]?.files[0] ?? ''} tests it`)];
  }
  return [];
}
