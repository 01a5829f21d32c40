import { objectProperties } from '@vpmem/machine';
import { parseSize, property, type OptionValue, type PropertySchema } from '@vpmem/options';
import type { QmpClient, Returned } from '@vpmem/qmp/client';
import { CliError } from '../cli-error.ts';

type SchemaEntry = Returned<'query-qmp-schema'>[number];

/** What a value is to be, as far as anybody knows. */
type Kind = 'text' | 'truth' | 'number' | 'json' | 'unknown';

/**
 * Arguments of a command as JSON has them, from words `key=value`: the server's own schema says what each is, so `size=4G` becomes
 * a number and `share=on` true. Where it does not say, what looks like a number, a truth value or JSON is one. A single word that
 * begins with a brace is all arguments in JSON.
 *
 * @throws CliError
 */
export async function readArguments(client: QmpClient, command: string, words: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const [first = ''] = words;
  if (words.length === 1 && first.startsWith('{')) return parseJson('the arguments', first) as Record<string, unknown>;
  if (words.length === 0) return {};
  const texts = new Map<string, string>();
  for (const word of words) {
    const [, key, text] = /^([^=]+)=([^]*)$/.exec(word) ?? [];
    if (key === undefined || text === undefined) throw new CliError(`'${word}' is no argument; write key=value, or all of them as one JSON object`);
    if (texts.has(key)) throw new CliError(`'${key}' is given twice; once is enough`);
    texts.set(key, text);
  }
  const kinds = await argumentKinds(client, command, texts);
  return Object.fromEntries([...texts].map(([key, text]) => [key, convert(key, text, kinds.get(key) ?? 'unknown')]));
}

async function argumentKinds(client: QmpClient, command: string, texts: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, Kind>> {
  const kinds = schemaKinds(await client.execute('query-qmp-schema'), command, texts);
  // Properties of devices and objects are not part of every schema.
  const driver = texts.get('driver');
  if (command === 'device_add' && driver !== undefined) for (const [name, kind] of await deviceKinds(client, driver)) if (!kinds.has(name)) kinds.set(name, kind);
  const objects: Readonly<Record<string, PropertySchema>> = objectProperties;
  const object = objects[texts.get('qom-type') ?? ''];
  if (command === 'object-add' && object !== undefined) {
    for (const [name, declared] of Object.entries(object)) if (declared.kind === 'value' && !kinds.has(name)) kinds.set(name, qomKind(declared.type));
  }
  return kinds;
}

function schemaKinds(schema: readonly SchemaEntry[], command: string, texts: ReadonlyMap<string, string>): Map<string, Kind> {
  const entries = new Map(schema.map((entry) => [entry.name, entry]));
  const entry = entries.get(command);
  const kinds = new Map<string, Kind>();
  let type: SchemaEntry | undefined = entry?.['meta-type'] === 'command' ? entries.get(entry['arg-type']) : undefined;
  // Of an object with variants, its tag leads on to the next.
  while (type?.['meta-type'] === 'object') {
    for (const member of type.members) kinds.set(member.name, kindOf(entries.get(member.type)));
    const { tag, variants }: { tag?: string; variants?: readonly { case: string; type: string }[] } = type;
    const chosen = tag === undefined ? undefined : variants?.find((variant) => variant.case === texts.get(tag));
    type = chosen === undefined ? undefined : entries.get(chosen.type);
  }
  return kinds;
}

function kindOf(type: SchemaEntry | undefined): Kind {
  switch (type?.['meta-type']) {
    case 'enum':
      return 'text';
    case 'array':
    case 'object':
      return 'json';
    case 'builtin':
      return ({ string: 'text', boolean: 'truth', int: 'number', number: 'number' } as Readonly<Record<string, Kind>>)[type['json-type']] ?? 'unknown';
    default:
      return 'unknown';
  }
}

async function deviceKinds(client: QmpClient, typename: string): Promise<[string, Kind][]> {
  try {
    return (await client.execute('device-list-properties', { typename })).map(({ name, type }) => [name, qomKind(type)]);
  } catch {
    // The server says what is wrong with the driver when it is asked to add it.
    return [];
  }
}

/** From QOM's name of a type. */
function qomKind(type: string): Kind {
  if (type === 'bool') return 'truth';
  if (/^(?:u?int\d*|size(?:32)?)$/.test(type)) return 'number';
  return /^(?:str|string|link<.*>)$/.test(type) || type.includes('|') ? 'text' : 'unknown';
}

function convert(key: string, text: string, kind: Kind): unknown {
  switch (kind) {
    case 'text':
      return text;
    case 'truth':
      return attempt(() => property.bool({ required: true }).read({ form: 'text', properties: { [key]: text } }, key));
    case 'number':
      return attempt(() => integer(text) ?? parseSize(text, { parameter: key }));
    case 'json':
      return parseJson(`'${key}'`, text);
    case 'unknown':
      return guess(text);
  }
}

/** Exact, whatever its size; undefined for what is no integer in decimal or hexadecimal. */
function integer(text: string): number | bigint | undefined {
  const [, sign, digits] = /^(-?)(\d+|0x[0-9a-f]+)$/i.exec(text) ?? [];
  if (digits === undefined) return undefined;
  const value = sign === '-' ? -BigInt(digits) : BigInt(digits);
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

function guess(text: string): unknown {
  if (text === 'true' || text === 'on') return true;
  if (text === 'false' || text === 'off') return false;
  return integer(text) ?? (/^[[{"]/.test(text) ? parseJson('the value', text) : text);
}

function parseJson(what: string, text: string): unknown {
  try {
    return JSON.parse(text) as OptionValue;
  } catch (error) {
    throw new CliError(`${what}: ${(error as Error).message}; write JSON, and quote it for the shell`, { cause: error });
  }
}

function attempt<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CliError((error as Error).message, { cause: error });
  }
}
