import { existsSync, readFileSync } from 'node:fs';
import { conformancePage, figures, PAGE } from './conformance-page.ts';
import { findings, groupOf, readReasons, readRows, REASONS_FILE, type Finding } from './conformance-rows.ts';
import { error, type Problem } from './problem.ts';
import { readTestTitles } from './test-titles.ts';

/** Every statement of VIRTIO 1.4 has a test or a reason, every id in a test is a statement's, and the page says so. */
export function checkConformance(): Problem[] {
  const rows = readRows();
  const reasons = readReasons();
  const tests = readTestTitles();
  const found = findings(rows, reasons, tests);
  const known = new Set([...rows.map(({ id }) => id), ...rows.map(groupOf)]);
  const page = conformancePage(found, tests);
  return [
    ...found.flatMap(checkRow),
    ...Object.keys(reasons).flatMap((id) => (known.has(id) ? [] : [error(REASONS_FILE, `there is no statement ${id}`)])),
    ...tests.flatMap(({ ids, text, file }) =>
      ids.filter((id) => !known.has(id) && !id.startsWith('AMB-')).map((id) => error(file, `there is no statement ${id}, which '${text}' is named for`)),
    ),
    ...(readFileSync('README.md', 'utf8').includes(figures(found)) ? [] : [error('README.md', `has another figure for ${PAGE}; it is ${figures(found)}`)]),
    ...(existsSync(PAGE) && readFileSync(PAGE, 'utf8') === page ? [] : [error(PAGE, 'is not what the tests say; tsx scripts/write-conformance.ts writes it')]),
  ];
}

function checkRow({ row, tests, reason }: Finding): Problem[] {
  if (tests.length === 0 && reason === undefined && row.side !== '-') {
    return [error(REASONS_FILE, `${row.id} has neither a test whose name begins with it nor a reason: ${row.text}`)];
  }
  if (tests.length > 0 && reason?.kind === 'does not apply') {
    return [error(REASONS_FILE, `${row.id} is said not to apply, and ${tests[0]?.file ?? ''} tests it`)];
  }
  return [];
}
