import type { Candidate } from './candidate.ts';
import type { Shell } from './shell-scripts.ts';

/** What a shell's script asks: the words of the line up to the one that is typed, as they are meant and not as they are written. */
export interface Question {
  readonly words: readonly string[];
  /** How much of the last word the shell does not want to hear again. */
  readonly skip: number;
}

/** Reads what the script of a shell passes after `--`. */
export function readQuestion(shell: Shell, passed: readonly string[]): Question {
  if (shell !== 'bash') return { words: passed, skip: 0 };
  const [breaks = '', line = ''] = passed;
  const words = splitLine(line);
  // To bash a word begins after each of these, and what it is given takes the place of that.
  const last = words.at(-1) ?? '';
  return { words, skip: Math.max(...['=', ':'].map((sign) => (breaks.includes(sign) ? last.lastIndexOf(sign) + 1 : 0))) };
}

/** The answer, in lines that the script of the shell reads. */
export function formatAnswer(shell: Shell, candidates: readonly Candidate[], { skip }: Question): string {
  const lines = {
    // Whether a blank may follow, then the words, written as bash wants to read them.
    bash: () => [candidates.some(({ open }) => open === true) ? 'open' : 'closed', ...candidates.map(({ word }) => word.slice(skip).replaceAll(/[\s'"\\$&();<>|*?[\]`!#~{}]/g, '\\$&'))],
    zsh: () => candidates.map(({ word, description, open }) => [open === true ? 'open' : 'closed', word, description].join('\t')),
    fish: () => candidates.map(({ word, description }) => (description === '' ? word : `${word}\t${description}`)),
  }[shell]();
  return lines.map((line) => `${line}\n`).join('');
}

/** Splits a line as a shell does, but for what is expanded. The last word is the one that is typed; after a blank it is empty. */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  let word = '';
  let quote = '';
  for (let i = 0; i < line.length; i++) {
    const sign = line[i] ?? '';
    if (sign === '\\' && quote !== "'") word += line[++i] ?? '';
    else if (quote !== '' && sign === quote) quote = '';
    else if (quote === '' && (sign === '"' || sign === "'")) quote = sign;
    else if (quote !== '' || !/\s/.test(sign)) word += sign;
    else if (word !== '') {
      words.push(word);
      word = '';
    }
  }
  return [...words, word];
}
