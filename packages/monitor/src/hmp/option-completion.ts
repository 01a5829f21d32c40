import { findObject, type BusInfo } from '@vpmem/machine';
import type { Property, PropertySchema, RefusedProperty } from '@vpmem/options';
import type { CompletedWord, Completer } from './argument.ts';
import type { HmpContext } from './hmp-context.ts';

type Types = Readonly<Record<string, PropertySchema>>;

/**
 * Completes `TYPE,NAME=VALUE,…`: types, then names of properties that are not given yet, then values that can be known.
 * `implied` is the property that the type is the value of.
 */
export function optionCompleter(types: (context: HmpContext) => Types, implied: string): Completer {
  return async (context, text) => {
    const elements = text.split(',');
    const last = elements.pop() ?? '';
    const known = types(context);
    if (elements.length === 0 && !last.includes('=')) return { candidates: Object.keys(known).map((type) => `${type},`), replaced: last };
    const type = (elements[0] ?? '').replace(`${implied}=`, '');
    const schema = Object.hasOwn(known, type) ? known[type] : undefined;
    const [name = '', ...value] = last.split('=');
    if (value.length > 0) return { candidates: await values(context, schema?.[name], name), replaced: value.join('=') };
    const given = new Set(elements.map((element) => element.split('=')[0]));
    const names = Object.entries(schema ?? {}).filter(([each, { kind }]) => kind === 'value' && each !== implied && !given.has(each));
    return { candidates: names.map(([each]) => `${each}=`), replaced: last };
  };
}

/** Completes `NAME=VALUE,…`. */
export function completeProperties(schema: PropertySchema): Completer {
  return async (context, text) => {
    const elements = text.split(',');
    const last = elements.pop() ?? '';
    const [name = '', ...value] = last.split('=');
    if (value.length > 0) return { candidates: await values(context, schema[name], name), replaced: value.join('=') };
    const given = new Set(elements.map((element) => element.split('=')[0]));
    return { candidates: Object.keys(schema).flatMap((each) => (given.has(each) ? [] : [`${each}=`])), replaced: last };
  };
}

async function values({ machine }: HmpContext, declared: Property<unknown> | RefusedProperty | undefined, name: string): Promise<readonly string[]> {
  if (declared?.kind !== 'value') return [];
  if (declared.type === 'bool') return ['on', 'off'];
  if (declared.type.includes('|')) return declared.type.split('|');
  if (name === 'memdev') return machine.backends().flatMap(({ id, user }) => (user === undefined ? [id] : []));
  return name === 'bus' ? pciBuses(await machine.mainBus()) : [];
}

function pciBuses({ name, type, devices }: BusInfo): string[] {
  return [...(/^PCIE?$/i.test(type) ? [name] : []), ...devices.flatMap(({ buses }) => buses.flatMap(pciBuses))];
}

/** Completes the id of a device that can be unplugged. */
export const completeDevice: Completer = async ({ machine }, text) => ({
  candidates: Object.keys(findObject(await machine.tree(), '/machine/peripheral')?.children ?? {}).map((id) => `${id} `),
  replaced: text,
});

/** Completes the id of an object that can be deleted. */
export const completeObject: Completer = ({ machine }, text) => ({
  candidates: machine.backends().flatMap(({ id, user }) => (user === undefined ? [`${id} `] : [])),
  replaced: text,
});

/** Completes a path of the object tree, level by level. */
export const completePath: Completer = async ({ machine }, text): Promise<CompletedWord> => {
  const cut = text.lastIndexOf('/') + 1;
  const parent = text.startsWith('/') ? findObject(await machine.tree(), text.slice(0, cut)) : undefined;
  const candidates = Object.entries(parent?.children ?? {}).map(([name, { children }]) => (Object.keys(children).length > 0 ? `${name}/` : name));
  return { candidates: text === '' ? ['/'] : candidates, replaced: text.slice(cut) };
};
