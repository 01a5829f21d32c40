import type { Property, PropertySchema } from '@vpmem/options';
import type { Candidate, Surroundings } from './candidate.ts';
import { completeFile } from './file-names.ts';

/** Properties that name what another option has made, by its `id`. */
const REFERENCES: Readonly<Record<string, readonly string[]>> = { memdev: ['-object', '--object'], chardev: ['-chardev', '--chardev'] };

/**
 * What QEMU's `TYPE,PROPERTY=VALUE,…` can become: a type, a property that is not there yet, a value.
 *
 * @param types properties by type; those of an empty name where there is no type
 * @param before the words before, for ids that they give
 */
export function completeProperties(types: Readonly<Record<string, PropertySchema>>, word: string, before: readonly string[], surroundings: Surroundings): Candidate[] {
  const parts = word.split(',');
  const last = parts.pop() ?? '';
  const schema = types[''] ?? types[(parts[0] ?? '').replace(/^(?:qom-type|driver|backend)=/, '')];
  if (parts.length === 0 && types[''] === undefined) {
    return Object.keys(types).filter((type) => type.startsWith(last)).map((type) => ({ word: `${type},`, description: '', open: true }));
  }
  if (schema === undefined) return [];
  const head = parts.map((part) => `${part},`).join('');
  const [, name = '', value] = /^([^=]+)=(.*)$/s.exec(last) ?? [];
  const found = value === undefined ? names(schema, last, parts) : values(name, schema[name], value, before, surroundings).map((each) => ({ ...each, word: `${name}=${each.word}` }));
  return found.map((each) => ({ ...each, word: head + each.word }));
}

/** Those that do something, and were not given. */
function names(schema: PropertySchema, begin: string, parts: readonly string[]): Candidate[] {
  const given = new Set(parts.map((part) => part.replace(/=.*$/s, '')));
  return Object.entries(schema).flatMap(([name, property]) => {
    if (property.kind === 'refused' || property.withoutEffect !== undefined || !name.startsWith(begin) || given.has(name) || IMPLIED.includes(name)) return [];
    return [{ word: `${name}=`, description: property.description ?? '', open: true }];
  });
}

/** What a type is said by. */
const IMPLIED = ['qom-type', 'driver', 'backend'];

function values(name: string, property: PropertySchema[string] | undefined, begin: string, before: readonly string[], surroundings: Surroundings): Candidate[] {
  const references = REFERENCES[name];
  const plain = (words: readonly string[]): Candidate[] => words.filter((word) => word.startsWith(begin)).map((word) => ({ word, description: '', open: true }));
  if (references !== undefined) return plain(ids(references, before));
  if (property?.kind === 'value' && property.isPath) return completeFile(begin, surroundings).map((each) => ({ ...each, open: true }));
  return property?.kind === 'value' ? plain(choices(property)) : [];
}

/** As help shows them: `bool`, or the words with bars between. */
function choices({ type }: Property<unknown>): readonly string[] {
  if (type === 'bool') return ['on', 'off'];
  return type.includes('|') ? type.split('|') : [];
}

function ids(options: readonly string[], before: readonly string[]): string[] {
  return before.flatMap((word, i) => (options.includes(before[i - 1] ?? '') ? [/(?:^|,)id=([^,]+)/.exec(word)?.[1] ?? ''] : [])).filter((id) => id !== '');
}
