import { describe, expect, it } from 'vitest';
import { introspect, mergeSchemas } from './introspection.ts';
import { qmpCommands } from './qmp-commands.ts';
import { qmpEvents } from './qmp-events.ts';
import type { SchemaEntry } from './schema-info.ts';

function references(entry: SchemaEntry): string[] {
  switch (entry['meta-type']) {
    case 'command':
      return [entry['arg-type'], entry['ret-type']];
    case 'event':
      return [entry['arg-type']];
    case 'array':
      return [entry['element-type']];
    case 'object':
      return [...entry.members, ...(entry.variants ?? [])].map(({ type }) => type);
    default:
      return [];
  }
}

describe('the schema', () => {
  const schema = introspect();
  const byName = new Map(schema.map((entry) => [entry.name, entry]));

  it('has every name once, every command and event, and all types that it refers to', () => {
    expect(byName.size).toBe(schema.length);
    expect([...byName.keys()]).toEqual(expect.arrayContaining([...Object.keys(qmpCommands), ...Object.keys(qmpEvents)]));
    for (const entry of schema) for (const type of references(entry)) expect(byName.has(type), type).toBe(true);
    const used = new Set(schema.flatMap(references));
    for (const { name, 'meta-type': kind } of schema) if (kind !== 'command' && kind !== 'event') expect(used.has(name), name).toBe(true);
  });

  it('is what the schema says that it is', () => {
    expect(qmpCommands['query-qmp-schema'].returns.safeParse(schema).error).toBeUndefined();
  });

  it('has what is optional, tagged, out of band, and in itself', () => {
    expect(byName.get('0')).toEqual({ name: '0', 'meta-type': 'object', members: [] });
    expect(byName.get('query-pmem')).toMatchObject({ 'arg-type': '0', 'allow-oob': true });
    const del = byName.get('device_del') as SchemaEntry & { 'meta-type': 'command' };
    expect(byName.get(del['arg-type'])).toMatchObject({ members: [{ name: 'id', type: 'str' }, { name: 'wait', type: 'bool', default: null }] });
    const bridge = schema.find((entry) => entry['meta-type'] === 'object' && entry.members.some(({ name }) => name === 'pci_bridge'));
    expect(references(byName.get(references(bridge!).at(-1)!)!)).toContain(`[${bridge!.name}]`);
  });

  it('stands beside that of another monitor, whose types keep their names', () => {
    const foreign: SchemaEntry[] = [
      { name: 'stop', 'meta-type': 'command', 'arg-type': '7', 'ret-type': '0' },
      { name: 'balloon', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0' },
      { name: '0', 'meta-type': 'object', members: [] },
      { name: 'str', 'meta-type': 'builtin', 'json-type': 'string' },
    ];
    const both = mergeSchemas(introspect('own-'), foreign);
    expect(new Set(both.map(({ name }) => name)).size).toBe(both.length);
    expect(both.find(({ name }) => name === 'stop')).toMatchObject({ 'arg-type': 'own-0' });
    expect(both.find(({ name }) => name === 'balloon')).toEqual(foreign[1]);
    expect(both.find(({ name }) => name === '0')).toEqual(foreign[2]);
  });
});
