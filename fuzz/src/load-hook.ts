import { readFile } from 'node:fs/promises';
import type { LoadHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import { instrument } from './instrument.ts';

const root = new URL('../../', import.meta.url).href;
const coverage = new URL('coverage.js', import.meta.url).href;

/** Instruments what packages and programs of this workspace have built. */
export const load: LoadHook = async (url, context, nextLoad) => {
  const file = url.startsWith(root) ? url.slice(root.length) : '';
  if (!/^(packages|apps)\/[^/]+\/dist\/.*\.js$/.test(file)) return nextLoad(url, context);
  const source = await readFile(fileURLToPath(url), 'utf8');
  return { format: 'module', shortCircuit: true, source: instrument(source, file, coverage).code };
};
