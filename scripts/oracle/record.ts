// vitest's global set-up for the run under the oracle: a folder for what it finds, and a look at it when all is over.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

/** Everything that is started from here on, in whatever thread or process, loads the oracle first. */
export function setup(): void {
  const preload = pathToFileURL(join(import.meta.dirname, 'preload.mjs')).href;
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${preload}`.trim();
  process.env.VPMEM_ORACLE_FOLDER = mkdtempSync(join(tmpdir(), 'vpmem-oracle-'));
}

/** @throws Error if no flush was looked at, or one was wrong that no test was blamed for */
export function teardown(): void {
  const folder = process.env.VPMEM_ORACLE_FOLDER ?? '';
  const files = readdirSync(folder).map((name) => join(folder, name));
  const flushes = files.filter((path) => path.endsWith('.flushes')).reduce((sum, path) => sum + statSync(path).size, 0);
  const violations = files.filter((path) => path.endsWith('.violations')).map((path) => readFileSync(path, 'utf8'));
  const ran = files.some((path) => path.endsWith('.ran'));
  rmSync(folder, { recursive: true });
  process.stdout.write(`the oracle looked at ${flushes} flushes\n`);
  if (violations.length > 0) throw new Error(violations.join(''));
  if (ran && flushes === 0) throw new Error('the oracle has seen no flush: is its preload not loaded, or its channel named otherwise?');
}
