import { CliError } from '../cli-error.ts';
import { failed } from './explore-failure.ts';
import type { ExploreWords } from './explore-options.ts';

/** Options that only make sense where something is explored. */
const PLAN = ['unit', 'from', 'budget', 'states', 'jobs', 'seed', 'shard', 'secondCut', 'secondCutStates'] as const;
const CHECK = ['check', 'mount', 'mountOptions', 'where', 'worker', 'writable', 'timeout', 'package', 'file', 'equalFiles'] as const;
const FILES = ['json', 'junit', 'html'] as const;
/** What each form of the command does not take. */
const REFUSED = {
  merge: [...PLAN, ...CHECK, 'reproduce', 'demo'],
  reproduce: [...PLAN, ...FILES, 'equalFiles', 'merge', 'allowMissing', 'demo'],
  demo: [...PLAN, ...CHECK, 'merge', 'allowMissing', 'reproduce'],
  explore: ['allowMissing'],
} as const satisfies Record<string, readonly (keyof ExploreWords)[]>;

/** `vpmem explore` in one of its four forms; the exit status. */
export async function runExploreCommand(files: readonly string[], words: ExploreWords): Promise<number> {
  try {
    const form = words.merge === true ? 'merge' : words.reproduce !== undefined ? 'reproduce' : words.demo === true ? 'demo' : 'explore';
    const useless = REFUSED[form].find((option) => words[option] !== undefined);
    if (useless !== undefined) throw new CliError(`${written(useless)} ${form === 'explore' ? 'goes with --merge only' : `does not go with --${form}`}`);
    if (form === 'merge') return (await import('./merge-command.ts')).runMerge(files, words);
    if (form === 'reproduce') {
      if (files.length > 0) throw new CliError(`--reproduce names the recording and the state in one: --reproduce '${files[0] ?? ''} STATE'`);
      return await (await import('./reproduce-command.ts')).runReproduce(words);
    }
    if (form === 'demo') {
      if (files.length > 0) throw new CliError(`--demo makes its own recording; leave '${files[0] ?? ''}' away`);
      return await (await import('./explore-demo.ts')).runExploreDemo(words);
    }
    const [file, ...more] = files;
    if (file === undefined) throw new CliError('which recording? vpmem explore FILE --check PROGRAM; vpmem explore --demo shows it without one');
    if (more.length > 0) throw new CliError(`one recording at a time; '${more[0] ?? ''}' is one too many`);
    return await (await import('./explore-command.ts')).runExplore(file, words);
  } catch (error) {
    return failed(error);
  }
}

function written(option: string): string {
  return `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
