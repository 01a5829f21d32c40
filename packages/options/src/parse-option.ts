import { parseJsonObject } from './json-object.ts';
import { parseKeyval, type KeyvalSyntax } from './keyval.ts';
import type { ParsedOption } from './option-value.ts';
import { parseQemuOpts } from './qemu-opts.ts';

/** `qemuopts` for -object, -device, device_add, -m, -mon and -chardev; `keyval` for object_add and -machine. */
export type Grammar = 'qemuopts' | 'keyval';

/** How the text form of an entry point is written. `bareFlags` concerns keyval; QemuOpts always takes them. */
export interface OptionSyntax extends KeyvalSyntax {
  readonly grammar: Grammar;
}

/**
 * Parses an option: JSON if its first character is `{`, otherwise text in the given grammar. The values are typed later,
 * by `readProperties`. Every mistake is an `OptionError`.
 */
export function parseOption(text: string, syntax: OptionSyntax): ParsedOption {
  if (text.startsWith('{')) return { form: 'json', properties: parseJsonObject(text), help: false, warnings: [] };
  const parse = syntax.grammar === 'keyval' ? parseKeyval : parseQemuOpts;
  return { form: 'text', ...parse(text, syntax) };
}
