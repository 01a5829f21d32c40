import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StatementTest } from './conformance-rows.ts';
import { splitName } from './statement-name.ts';
import { RESULTS_FOLDER, type Results } from './statement-reporter.ts';
import type { WorkspacePackage } from './workspace.ts';

/** What the last runs of all packages say of the tests of statements. */
export interface StatementRuns {
  /** Those that passed somewhere. */
  readonly tests: readonly StatementTest[];
  /** Runs that there is no record of, as PACKAGE: SCRIPT. */
  readonly missing: readonly string[];
  /** Whether tests that need a VM found none. */
  readonly withoutGuests: boolean;
}

const SCRIPTS = { unit: 'test', process: 'test:process', guest: 'test:guest' } as const;

export function readStatementRuns(packages: readonly WorkspacePackage[]): StatementRuns {
  const passed = new Map<string, string[]>();
  const missing: string[] = [];
  let withoutGuests = false;
  for (const { folder, manifest } of packages) {
    for (const [kind, script] of Object.entries(SCRIPTS)) {
      if (manifest?.scripts?.[script] === undefined) continue;
      const record = join(folder, RESULTS_FOLDER, `${kind}.json`);
      if (!existsSync(record)) {
        missing.push(`${folder}: ${script}`);
        continue;
      }
      for (const [path, results] of Object.entries(JSON.parse(readFileSync(record, 'utf8')) as Results)) {
        for (const [name, state] of Object.entries(results)) {
          if (state === 'passed') passed.set(name, [...(passed.get(name) ?? []), join(folder, path)]);
          withoutGuests ||= state === 'skipped' && kind === 'guest';
        }
      }
    }
  }
  const tests = [...passed].map(([name, files]) => ({ ...(splitName(name) ?? { ids: [], text: name }), files: files.sort() }));
  return { tests: tests.sort((a, b) => (a.text < b.text ? -1 : 1)), missing, withoutGuests };
}
