import { optionalWord } from './argument.ts';
import { defineCommand, findCommand, helpLine, type HmpCommand, type Invocation } from './hmp-command.ts';
import { failureCommands } from './failure-commands.ts';
import { guestCommands } from './guest-commands.ts';
import type { HmpContext } from './hmp-context.ts';
import { infoTopics } from './info-topics.ts';
import { LineReader } from './line-reader.ts';
import { namespaceCommands } from './namespace-commands.ts';
import { objectCommands } from './object-commands.ts';
import { qomCommands } from './qom-commands.ts';
import { recordingCommands } from './recording-commands.ts';
import { runCommands } from './run-commands.ts';

/** A line names a command, or a topic of `info`, that there is not. */
export class UnknownCommand extends Error {
  override readonly name = 'UnknownCommand';

  constructor(command: string) {
    super(`unknown command: '${command}'`);
  }
}

const help = defineCommand({
  names: ['help', '?'],
  params: '[cmd]',
  help: 'show the help',
  manual: 'Lists all commands, or shows one; `help info` lists what `info` can tell.',
  example: ['help device_add', 'help info qtree'],
  arguments: { name: optionalWord(), topic: optionalWord() },
  run: (invocation, { name, topic }) => {
    if (name === undefined) showAll(invocation);
    else if (name !== 'info') showOne(invocation, hmpCommands, name, '');
    else if (topic === undefined) showTopics(invocation);
    else showOne(invocation, infoTopics, topic, 'info ');
  },
});

const info = defineCommand({
  names: ['info'],
  params: '[subcommand]',
  help: 'show various information about the system state',
  manual: 'Lists what it can tell, or tells it.',
  arguments: {},
  run: showTopics,
});

/** All commands, in the order in which help shows them. */
export const hmpCommands: readonly HmpCommand[] = [help, info, ...objectCommands, ...qomCommands, ...runCommands, ...failureCommands, ...recordingCommands, ...guestCommands, ...namespaceCommands];

/** A command that a line asks for. */
export interface ResolvedCommand {
  readonly command: HmpCommand;
  /** Its name as it was written: `s`, `info status`. */
  readonly written: string;
  /** The arguments. */
  readonly reader: LineReader;
}

/** The command of a line; undefined if the line is empty. @throws UnknownCommand */
export function resolveCommand(context: HmpContext, line: string): ResolvedCommand | undefined {
  const reader = new LineReader(line);
  const name = reader.plainWord();
  if (name === undefined) return undefined;
  // A command may be left to another monitor while topics of it are not.
  const command = name === 'info' ? info : findCommand(hmpCommands, name, context);
  if (command === undefined) throw new UnknownCommand(name);
  const topic = command === info ? reader.plainWord() : undefined;
  if (topic === undefined) {
    if (context.leaves?.(name) === true) throw new UnknownCommand(name);
    return { command, written: name, reader };
  }
  const found = findCommand(infoTopics, topic, context, 'info ');
  if (found === undefined) throw new UnknownCommand(`${name} ${topic}`);
  return { command: found, written: `${name} ${topic}`, reader };
}

function showAll(invocation: Invocation): void {
  const { machine, print } = invocation;
  for (const command of offered(hmpCommands, invocation)) print(helpLine(command));
  if (machine.foreign !== undefined) print("All other commands go to QEMU's own monitor, which runs the guest.");
}

function showTopics(invocation: Invocation): void {
  const { machine, print } = invocation;
  for (const topic of offered(infoTopics, invocation)) print(helpLine(topic, 'info '));
  if (machine.foreign !== undefined) print("All other topics are asked of QEMU's own monitor, which runs the guest.");
}

function showOne(invocation: Invocation, commands: readonly HmpCommand[], name: string, prefix: string): void {
  const command = findCommand(commands, name, invocation);
  if (command === undefined) throw new UnknownCommand(`${prefix}${name}`);
  invocation.print(helpLine(command, prefix));
}

function offered(commands: readonly HmpCommand[], context: HmpContext): HmpCommand[] {
  return commands.filter((command) => command.offered(context));
}
