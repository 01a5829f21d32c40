import { quote } from '@vpmem/check-places';
import type { CheckOptions } from './check-options.ts';
import type { ExploreWords } from './explore-options.ts';

/** The command line that checks one state again, as it was checked: `subject` is the file and the state. */
export function commandLine(subject: string, words: ExploreWords, { where, mount }: Pick<CheckOptions, 'where' | 'mount'>): string {
  const { check = '', mountOptions, worker = false, timeout, writable = false, package: packages = [], file: files = [] } = words;
  const option = (name: string, value: string | undefined): string[] => (value === undefined ? [] : [name, word(value)]);
  return [
    'vpmem explore --reproduce',
    quote(subject),
    ...option('--mount', mount === 'none' ? undefined : mount),
    ...option('--mount-options', mountOptions),
    ...option('--check', check),
    ...(worker ? ['--worker'] : []),
    ...option('--timeout', timeout),
    ...option('--where', where),
    ...(writable ? ['--writable'] : []),
    ...packages.flatMap((each) => option('--package', each)),
    ...files.flatMap((each) => option('--file', each)),
  ].join(' ');
}

/** A word as a shell takes it. */
function word(text: string): string {
  return /^[\w./:=@%+,-]+$/.test(text) ? text : quote(text);
}
