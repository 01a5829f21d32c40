import type { Argument, Command, Option } from 'commander';
import type { ArgumentUsage, CommandUsage, OptionUsage, WordValue } from '@vpmem/usage';

/** What has fixed values is told by the name that help writes in angle brackets. */
const CHOICES: Readonly<Record<string, readonly string[]>> = {
  check: ['ext4', 'xfs', 'sqlite:', 'acked:'],
  fs: ['ext4', 'xfs', 'btrfs'],
  place: ['image', 'host', 'guest'],
  choice: ['on', 'off', 'auto'],
  which: ['none', 'random'],
  units: ['page', 'sector', 'page,sector', 'line', 'word'],
  unit: ['page', 'sector', 'line', 'word'],
  dev: ['stdio', 'unix:', 'tcp:127.0.0.1:', 'telnet:127.0.0.1:'],
  shell: ['bash', 'zsh', 'fish'],
};
const FILES = ['path', 'file', 'files', 'folder', 'dir', 'image', 'log', 'program'];

/** What only we know of an argument. */
export type ArgumentValues = Readonly<Record<string, WordValue>>;

/**
 * A command of commander with all below it, as help has them.
 *
 * @param values of arguments whose value their name does not tell, by `COMMAND ARGUMENT`
 */
export function commanderUsage(command: Command, values: ArgumentValues): CommandUsage {
  const shown = command.createHelp();
  const name = command.name();
  const help = shown.visibleOptions(command);
  const [, synopsis] = /^(.+)$/.exec(shownSynopsis(command)) ?? [];
  return {
    name,
    description: command.description().replace(/\.$/, ''),
    options: help.map(optionUsage),
    arguments: command.registeredArguments.map((argument) => argumentUsage(argument, values[`${name} ${argument.name()}`])),
    commands: shown.visibleCommands(command).filter((each) => each.name() !== 'help').map((each) => commanderUsage(each, values)),
    ...(synopsis !== undefined && { synopsis }),
  };
}

/** What commander would make of options and arguments says nothing new. */
function shownSynopsis(command: Command): string {
  const usage = command.usage();
  return usage.startsWith('[options]') ? '' : usage;
}

function optionUsage({ short, long, flags, required, optional, description }: Option): OptionUsage {
  const words = [short, long].filter((word) => word !== undefined);
  const [, name = ''] = /[<[](.+?)[>\]]/.exec(flags) ?? [];
  return { words, description, ...((required || optional) && { argument: { name: `<${name}>`, value: long === '--check' ? { kind: 'words', words: CHOICES.check ?? [] } : valueOf(name) } }) };
}

function argumentUsage(argument: Argument, value: WordValue | undefined): ArgumentUsage {
  const { required, variadic, description } = argument;
  return { name: argument.name(), required, many: variadic, description, value: value ?? valueOf(argument.name()) };
}

function valueOf(name: string): WordValue {
  const plain = name.replace(/\.\.\.$/, '');
  const words = CHOICES[plain];
  if (words !== undefined) return { kind: 'words', words };
  return FILES.includes(plain) ? { kind: 'file' } : { kind: 'text' };
}
