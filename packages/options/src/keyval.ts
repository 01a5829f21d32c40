import { helpUnavailable, isHelp, readFlag } from './bare-word.ts';
import { keyEnd, readValue } from './comma-text.ts';
import { isIndex, splitKey } from './keyval-key.ts';
import { OptionError } from './option-error.ts';
import type { OptionValue, OptionWarning, Properties } from './option-value.ts';

/** What an entry point makes of words without `=`. */
export interface KeyvalSyntax {
  /** The key of a first element without `=`: `qom-type` for object_add. */
  readonly impliedKey?: string;
  /** Whether `help` and `?` are a request that the caller answers; otherwise they are an error. */
  readonly help?: boolean;
  /** Accepts `share` and `noshare` as QemuOpts does, with a warning. QEMU's keyval does not. */
  readonly bareFlags?: boolean;
}

/** The outcome of keyval text. */
export interface Keyval {
  /** Strings, and what dotted keys made of them: objects and arrays. Of a repeated key the last value. */
  readonly properties: Properties;
  readonly help: boolean;
  readonly warnings: readonly OptionWarning[];
}

/** An object or array while its members are being collected. */
type Branch = Map<string, Branch | string>;

/**
 * Parses the syntax of HMP object_add and -machine.
 *
 * Throws `OptionError`: `invalid-key`, `key-too-long`, `too-deep`, `missing-equals`, `inconsistent-keys`, `missing-element`,
 * `help-unavailable`.
 */
export function parseKeyval(text: string, { impliedKey, help: offersHelp = false, bareFlags = false }: KeyvalSyntax): Keyval {
  const root: Branch = new Map();
  const warnings: OptionWarning[] = [];
  let help = false;

  let next = 0;
  while (next < text.length) {
    const start = next;
    const end = keyEnd(text, start);
    const word = text.slice(start, end);
    if (text[end] === '=') {
      const parts = splitKey(word);
      const read = readValue(text, end + 1);
      put(root, parts, read.value);
      next = read.next;
      continue;
    }
    next = end + 1;
    if (isHelp(word)) {
      if (!offersHelp) throw helpUnavailable(word);
      help = true;
    } else if (start === 0 && impliedKey !== undefined && word !== '') {
      root.set(impliedKey, word);
    } else if (bareFlags) {
      const { name, value, warning } = readFlag(word);
      put(root, splitKey(name), value);
      warnings.push(warning);
    } else {
      splitKey(word);
      throw missingEquals(word);
    }
  }
  return { properties: toObject(root, ''), help, warnings };
}

function put(root: Branch, parts: readonly string[], value: string): void {
  let branch = root;
  for (const [depth, part] of parts.entries()) {
    const old = branch.get(part);
    const isLeaf = depth === parts.length - 1;
    if (old !== undefined && (typeof old === 'string') !== isLeaf) throw inconsistent(parts.slice(0, depth + 1).join('.'));
    if (isLeaf) {
      branch.set(part, value);
    } else {
      const inner: Branch = typeof old === 'object' ? old : new Map<string, Branch | string>();
      branch.set(part, inner);
      branch = inner;
    }
  }
}

function toObject(branch: Branch, path: string): Properties {
  return Object.fromEntries(Array.from(branch, ([name, member]) => [name, toValue(member, join(path, name))]));
}

function toValue(member: Branch | string, path: string): OptionValue {
  if (typeof member === 'string') return member;
  const indexes = [...member.keys()].filter(isIndex).length;
  if (indexes === 0) return toObject(member, path);
  if (indexes < member.size) throw inconsistent(path);
  return Array.from({ length: indexes }, (_, index) => {
    const at = join(path, String(index));
    const element = member.get(String(index));
    if (element !== undefined) return toValue(element, at);
    const hint = `The indexes of '${path}' count from 0 without a gap, in any order.`;
    throw new OptionError('missing-element', `Parameter '${at}' missing`, { parameter: at, hint });
  });
}

function join(path: string, part: string): string {
  return path === '' ? part : `${path}.${part}`;
}

function missingEquals(word: string): OptionError {
  const or = word.startsWith('no') ? ` or ${readFlag(word).warning.instead}` : '';
  const hint = `Write ${word}=value (${word}=on${or} for a flag), and ',,' for a comma inside a value.`;
  return new OptionError('missing-equals', `Expected '=' after parameter '${word}'`, { parameter: word, hint });
}

function inconsistent(path: string): OptionError {
  const hint = `Give '${path}' one value (${path}=), named members (${path}.name=) or elements (${path}.0=), not a mixture.`;
  return new OptionError('inconsistent-keys', `Parameters '${path}.*' used inconsistently`, { parameter: path, hint });
}
