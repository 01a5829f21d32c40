import type { PropertySchema } from '@vpmem/options';

/** What a word of a command line can be; a manual page shows its name, completion offers its values. */
export type WordValue =
  /** Anything: nothing is offered. */
  | { readonly kind: 'text' }
  | { readonly kind: 'file' }
  /** One of these, or something else. */
  | { readonly kind: 'words'; readonly words: readonly string[] }
  /** A program that runs, by its name or process id; with `files`, also a path. */
  | { readonly kind: 'program'; readonly files?: boolean }
  /** QEMU's `TYPE,PROPERTY=VALUE`, the properties by type; one type of an empty name where the first part is a property too. */
  | { readonly kind: 'properties'; readonly types: Readonly<Record<string, PropertySchema>> }
  /** This word and all after it belong to another command line. */
  | { readonly kind: 'command'; readonly command: CommandUsage };

/** An option of a command. */
export interface OptionUsage {
  /** Its spellings with their dashes, the one to show first. */
  readonly words: readonly string[];
  /** What stands after it; absent where nothing does. */
  readonly argument?: { readonly name: string; readonly value: WordValue };
  readonly description: string;
  /** The part of a list it belongs to. */
  readonly section?: string;
}

/** A word of a command that is no option. */
export interface ArgumentUsage {
  readonly name: string;
  readonly required: boolean;
  /** Whether it can come again and again. */
  readonly many: boolean;
  readonly description: string;
  readonly value: WordValue;
}

/** A command line, as far as it is told: what help, a manual page and completion are made of. */
export interface CommandUsage {
  readonly name: string;
  /** One line without a full stop. */
  readonly description: string;
  readonly options: readonly OptionUsage[];
  readonly arguments: readonly ArgumentUsage[];
  readonly commands: readonly CommandUsage[];
  /** How it is called, without its name, where that does not follow from the rest. */
  readonly synopsis?: string;
}

/** The option that a word is, with one dash or two. */
export function findOption({ options }: CommandUsage, word: string): OptionUsage | undefined {
  return options.find(({ words }) => words.includes(word) || (word.startsWith('--') && words.includes(word.slice(1))));
}
