import type { CompletedWord } from './argument.ts';
import { findCommand, type HmpCommand } from './hmp-command.ts';
import { hmpCommands } from './hmp-commands.ts';
import type { HmpContext } from './hmp-context.ts';
import { infoTopics } from './info-topics.ts';
import type { Completions } from './line-editor.ts';

/** What the end of a line of HMP can become. */
export async function completeLine(context: HmpContext, line: string): Promise<Completions> {
  const { candidates, replaced } = await completeCommand(context, hmpCommands, line.trimStart());
  return [candidates.filter((candidate) => candidate.startsWith(replaced)), replaced];
}

async function completeCommand(context: HmpContext, commands: readonly HmpCommand[], text: string): Promise<CompletedWord> {
  const [, name, after] = /^(\S+)\s+([^]*)$/.exec(text) ?? [];
  if (name === undefined || after === undefined) return names(context, commands, text);
  if (name === 'info' && commands === hmpCommands) return completeCommand(context, infoTopics, after);
  if ((name === 'help' || name === '?') && commands === hmpCommands) return completeHelp(context, after);
  const command = findCommand(commands, name, context);
  return command === undefined ? { candidates: [], replaced: '' } : completeArguments(context, command, after);
}

/** `help` takes names of commands, and of topics after `info`. */
function completeHelp(context: HmpContext, text: string): CompletedWord {
  const [, topic] = /^info\s+(\S*)$/.exec(text) ?? [];
  return topic === undefined ? names(context, hmpCommands, text) : names(context, infoTopics, topic);
}

async function completeArguments(context: HmpContext, command: HmpCommand, text: string): Promise<CompletedWord> {
  const words = text.split(/\s+/);
  const current = words.pop() ?? '';
  const flags = command.arguments.flatMap(({ letter }) => (letter === undefined ? [] : [`-${letter} `]));
  if (current.startsWith('-')) return { candidates: flags, replaced: current };
  const before = words.filter((word) => !flags.includes(`${word} `)).length;
  const argument = command.arguments.filter(({ kind }) => kind !== 'flag')[before];
  return argument?.complete === undefined ? { candidates: [], replaced: current } : argument.complete(context, current);
}

function names(context: HmpContext, commands: readonly HmpCommand[], text: string): CompletedWord {
  return { candidates: commands.flatMap((command) => (command.offered(context) ? [`${command.names[0]} `] : [])), replaced: text };
}
