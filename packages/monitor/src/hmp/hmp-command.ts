import { readArguments, type Argument, type Arguments, type ValuesOf } from './argument.ts';
import type { HmpContext } from './hmp-context.ts';
import type { LineReader } from './line-reader.ts';

/** One run of a command. */
export interface Invocation extends HmpContext {
  /** Shows a line, or several. */
  readonly print: (text: string) => void;
  /** Nothing is to be asked for any more: the program ends. */
  readonly leave: () => void;
  /** Lines entered at this monitor, the oldest first. */
  readonly history: readonly string[];
}

/** A command, declared once: reading its arguments, completing them, its help and its part of the reference come from here. */
export interface HmpCommand {
  /** The name, and others for the same: `stop`, `s`. */
  readonly names: readonly [name: string, ...others: string[]];
  /** Arguments as help shows them. */
  readonly params: string;
  /** What it does, in a few words. */
  readonly help: string;
  /** All there is to know of it, in Markdown. */
  readonly manual: string;
  /** Lines that show how it is used. */
  readonly example: readonly string[];
  /** Whether QEMU lacks it. */
  readonly ours: boolean;
  readonly arguments: readonly Argument<unknown>[];
  /** Whether this machine has it; by default all have. */
  readonly offered: (context: HmpContext) => boolean;
  /** @throws HmpSyntaxError before anything is done; and whatever the machine has to say */
  readonly run: (invocation: Invocation, reader: LineReader) => Promise<void>;
}

interface Declaration<A extends Arguments> {
  readonly names: readonly [name: string, ...others: string[]];
  readonly params?: string;
  readonly help: string;
  readonly manual?: string;
  readonly example?: readonly string[];
  readonly ours?: boolean;
  readonly arguments: A;
  readonly offered?: (context: HmpContext) => boolean;
  readonly run: (invocation: Invocation, values: ValuesOf<A>) => Promise<void> | void;
}

export function defineCommand<A extends Arguments>(declaration: Declaration<A>): HmpCommand {
  const { params = '', manual = '', example = [], ours = false, offered = () => true } = declaration;
  return {
    ...declaration,
    params,
    manual,
    example,
    ours,
    offered,
    arguments: Object.values(declaration.arguments),
    run: async (invocation, reader) => declaration.run(invocation, readArguments(declaration.arguments, reader)),
  };
}

/** A command as help shows it, in one line; `prefix` is `info ` for one of its topics. */
export function helpLine({ names, params, help }: HmpCommand, prefix = ''): string {
  return `${prefix}${names.join('|')} ${params} -- ${help}`;
}

/** @param prefix `info ` for its topics */
export function findCommand(commands: readonly HmpCommand[], name: string, context: HmpContext, prefix = ''): HmpCommand | undefined {
  if (context.leaves?.(`${prefix}${name}`) === true) return undefined;
  return commands.find((command) => command.names.includes(name) && command.offered(context));
}
