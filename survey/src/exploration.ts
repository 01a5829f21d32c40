import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExploreReport } from '@vpmem/explorer';
import type { PackageTree, Testbed } from '@vpmem/testbed';
import { writeCheckScript } from './check-script.ts';
import { preparePrograms } from './program-image.ts';
import type { SurveyCase } from './survey-case.ts';
import { summarise, type SurveyResult } from './survey-result.ts';

const VPMEM = fileURLToPath(new URL('../../apps/cli/dist/main.js', import.meta.url));
/** Programs of built-in checkers, of the same version as the guest had. */
const CHECKERS = ['e2fsck', 'xfs_repair'];

export interface ExplorationOptions {
  readonly where: 'host' | 'guest';
  readonly jobs: number;
  readonly seed: number;
  /** Seconds, in place of the case's own. */
  readonly budget?: number;
}

/**
 * Explores the recording `NAME.vpmrec` of a folder by `vpmem explore`, which shows on this terminal how it goes. NAME.json and NAME.html are
 * its reports, NAME.check the checker.
 *
 * @throws Error if it could not be explored
 */
export async function explore(testbed: Testbed, each: SurveyCase, folder: string, options: ExplorationOptions): Promise<SurveyResult> {
  const { tree } = await preparePrograms(testbed, each.programs);
  const path = (kind: string): string => join(folder, `${each.name}.${kind}`);
  const check = each.checker ?? path('check');
  if (each.checker === undefined) writeCheckScript(each, check, options.where === 'host' ? tree.folder : undefined);
  rmSync(path('json'), { force: true });
  const args = [
    ...['explore', path('vpmrec'), '--check', check, '--from', 'begin'],
    ...(each.where === 'image' ? ['--where', 'image'] : ['--where', options.where, '--mount', each.fs, ...mountOptions(each)]),
    ...['--unit', (each.units ?? ['page', 'sector']).join(), '--budget', `${options.budget ?? each.budget ?? 60}s`, '--jobs', String(options.jobs), '--seed', String(options.seed)],
    ...['--json', path('json'), '--html', path('html')],
  ];
  const child = spawn(process.execPath, [VPMEM, ...args], { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, PATH: [wrapCheckers(tree, folder), process.env.PATH].join(delimiter) } });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0 && status !== 1) throw new Error(`${each.name}: vpmem ${args.join(' ')} ended with status ${String(status)}`);
  return summarise(each.name, JSON.parse(readFileSync(path('json'), 'utf8')) as ExploreReport);
}

/** Of the guest's options those that this host is not to be asked for: it has no DAX for a file, and perhaps no quota. */
const GUEST_ONLY = /^(dax|usrquota|grpquota)/;

/** The others are the same. */
function mountOptions({ mount = '' }: SurveyCase): string[] {
  const options = mount.split(',').filter((option) => option !== '' && !GUEST_ONLY.test(option));
  return options.length === 0 ? [] : ['--mount-options', options.join()];
}

/** @returns a folder for the path, where the tree's checkers of file systems are programs like any other */
function wrapCheckers(tree: PackageTree, folder: string): string {
  const bin = join(folder, 'bin');
  mkdirSync(bin, { recursive: true });
  for (const name of CHECKERS) {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec ${tree.command(`usr/sbin/${name}`).map((word) => `'${word}'`).join(' ')} "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  return bin;
}
