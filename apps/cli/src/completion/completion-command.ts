import { homedir } from 'node:os';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { runningPrograms } from '@vpmem/running-programs';
import { complete, completionScript, formatAnswer, readQuestion, SHELLS, type Shell, type Surroundings } from '@vpmem/usage';
import { programUsages } from './vpmem-usage.ts';

/** `vpmem completion SHELL`; the exit status. */
export function printCompletion(shell: string): number {
  if (!isShell(shell)) {
    process.stderr.write(`vpmem: completion ${shell}: there is no script for it; there is one for ${SHELLS.join(', ')}\n`);
    return 1;
  }
  process.stdout.write(completionScript(shell, { programs: ['vpmem', 'vpmemd'], asker: 'vpmem complete' }));
  return 0;
}

/** `vpmem complete SHELL -- WORDS`, the program's name the first of them: what the last can become. Nothing for who asks otherwise. */
export function printCandidates(shell: string, passed: readonly string[], program: Command): void {
  if (!isShell(shell)) return;
  const question = readQuestion(shell, passed);
  const [name = '', ...words] = question.words;
  const { vpmem, vpmemd } = programUsages(program);
  if (words.length === 0) return;
  const usage = basename(name) === 'vpmemd' ? vpmemd : vpmem;
  process.stdout.write(formatAnswer(shell, complete(usage, words, SURROUNDINGS), question));
}

const SURROUNDINGS: Surroundings = {
  programs: () => runningPrograms().map(({ program, pid, name }) => ({ name: name ?? String(pid), description: `${program}, process ${pid}` })),
  folder: process.cwd(),
  home: homedir(),
};

function isShell(word: string): word is Shell {
  return (SHELLS as readonly string[]).includes(word);
}
