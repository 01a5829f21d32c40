import type { Candidate, Surroundings } from './candidate.ts';
import { findOption, type ArgumentUsage, type CommandUsage, type WordValue } from './command-usage.ts';
import { completeFile } from './file-names.ts';
import { completeProperties } from './property-completion.ts';

/**
 * What the last of `words` can become.
 *
 * @param words of a command line after its program, up to the one that is being typed, which may be empty
 */
export function complete(command: CommandUsage, words: readonly string[], surroundings: Surroundings): Candidate[] {
  const before = words.slice(0, -1);
  const word = words.at(-1) ?? '';
  let positional = 0;
  let plain = false;
  for (let i = 0; i < before.length; i++) {
    const each = before[i] ?? '';
    const inner = innerCommand(command, positional, plain);
    if (inner !== undefined) return complete(inner, words.slice(i), surroundings);
    if (!plain && each.startsWith('-') && each.length > 1) {
      const option = findOption(command, each);
      if (each === '--') plain = true;
      // What stands after an option that takes something is that.
      else if (option?.argument !== undefined && ++i === before.length) return completeValue(option.argument.value, word, before, surroundings);
      continue;
    }
    const below = plain ? undefined : command.commands.find(({ name }) => name === each);
    if (below !== undefined) return complete(below, words.slice(i + 1), surroundings);
    positional++;
  }
  return completePlace(command, { word, before, positional, plain }, surroundings);
}

/** A word that follows no option. */
function completePlace(command: CommandUsage, place: { word: string; before: readonly string[]; positional: number; plain: boolean }, surroundings: Surroundings): Candidate[] {
  const { word, before, positional, plain } = place;
  const inner = innerCommand(command, positional, plain);
  if (inner !== undefined) return complete(inner, [word], surroundings);
  const argument = argumentAt(command, positional);
  const [, name = '', text] = /^(--[^=]+)=(.*)$/.exec(word) ?? [];
  const assigned = text === undefined ? undefined : findOption(command, name)?.argument;
  if (assigned !== undefined) return completeValue(assigned.value, text ?? '', before, surroundings).map((each) => ({ ...each, word: `${name}=${each.word}` }));
  const options = plain || !(word.startsWith('-') || (argument === undefined && command.commands.length === 0)) ? [] : command.options.map(({ words, description }) => ({ word: words.find((each) => each.startsWith(word)) ?? words[0] ?? '', description }));
  const commands = command.commands.map((each) => ({ word: each.name, description: each.description }));
  const values = argument === undefined || word.startsWith('-') ? [] : completeValue(argument.value, word, before, surroundings);
  return [...values, ...begun([...commands, ...options], word)];
}

/** The command line that begins here: behind `--`, or at once where the outer one has no options. */
function innerCommand(command: CommandUsage, position: number, plain: boolean): CommandUsage | undefined {
  const value = argumentAt(command, position)?.value;
  return value?.kind === 'command' && (plain || command.options.length === 0) ? value.command : undefined;
}

/** The last argument may come again and again. */
function argumentAt({ arguments: all }: CommandUsage, position: number): ArgumentUsage | undefined {
  const last = all.at(-1);
  return all[position] ?? (last?.many === true ? last : undefined);
}

function completeValue(value: WordValue, word: string, before: readonly string[], surroundings: Surroundings): Candidate[] {
  switch (value.kind) {
    case 'text':
      return [];
    case 'file':
      return completeFile(word, surroundings);
    case 'words':
      return begun(value.words.map((each) => ({ word: each, description: '', open: /[:=]$/.test(each) })), word);
    case 'program': {
      const programs = begun(surroundings.programs().map(({ name, description }) => ({ word: name, description })), word);
      return value.files === true ? [...programs, ...completeFile(word, surroundings)] : programs;
    }
    case 'properties':
      return completeProperties(value.types, word, before, surroundings);
    case 'command':
      return complete(value.command, [word], surroundings);
  }
}

function begun(candidates: readonly Candidate[], word: string): Candidate[] {
  return candidates.filter((each) => each.word.startsWith(word));
}
