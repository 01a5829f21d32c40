import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTestbed, startQtest, type Qtest } from '@vpmem/testbed';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { QmpClient } from '../src/client.ts';
import { introspect } from '../src/schema/introspection.ts';
import { JsonStream } from '../src/json/json-stream.ts';
import { qmpCommands } from '../src/schema/qmp-commands.ts';
import { qmpEvents } from '../src/schema/qmp-events.ts';
import type { SchemaEntry } from '../src/schema/schema-info.ts';
import { qmpCases, RawConnection, schemaDifferences, type QmpPeer } from '../src/testing.ts';
import { garbage } from './json-garbage.ts';

const { testbed, reason } = await requireTestbed();

describe.skipIf(testbed === undefined)(`QEMU itself${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  const folder = mkdtempSync(join(tmpdir(), 'qmp-qemu-'));
  let qemu: Qtest;

  const peer: QmpPeer = {
    kind: 'qemu',
    outOfBandCommand: 'query-yank',
    connect: (monitor) => Promise.resolve(connect({ path: join(folder, monitor), allowHalfOpen: true })),
    // Opening a FIFO to read waits for whoever opens it to write.
    block: () => {
      const fifo = join(folder, 'fifo');
      rmSync(fifo, { force: true });
      execFileSync('mkfifo', [fifo]);
      return Promise.resolve({
        request: { execute: 'object-add', arguments: { 'qom-type': 'memory-backend-file', id: 'slow', 'mem-path': fifo, size: 4096, readonly: true } },
        release: async () => (await open(fifo, 'w')).close(),
      });
    },
  };

  beforeAll(async () => {
    const socket = (name: string): string => `unix:${join(folder, name)},server=on,wait=off`;
    qemu = await startQtest({ testbed: testbed!, qemuArgs: ['-S', '-qmp', socket('first'), '-qmp', socket('second'), '-qmp-pretty', socket('pretty')] });
  });
  afterAll(async () => {
    await qemu.stop();
    rmSync(folder, { recursive: true });
  });

  it.each(qmpCases)('$name', ({ run }) => run(peer));

  it('says of whatever garbage what our parser says', async () => {
    const connection = new RawConnection(await peer.connect('first'));
    await connection.open();
    const stream = new JsonStream();
    stream.push(Buffer.from('\n'));
    expect(stream.next()).toBeUndefined();
    const parserError = /^(?:\d+:\d+: JSON parse error|JSON (?:token|nesting))/;
    await fc.assert(
      fc.asyncProperty(garbage(), async (bytes) => {
        // 0xff ends whatever has begun.
        const sent = Buffer.concat([bytes, Buffer.of(0xff)]);
        const lines = await connection.exchange(sent);
        const theirs = lines.map((line) => {
          const { error } = JSON.parse(line) as { error?: { desc: string } };
          return error !== undefined && parserError.test(error.desc) ? error.desc : 'a value';
        });
        // An exchange ends with a request on a line of its own.
        stream.push(Buffer.concat([sent, Buffer.from('\n\n')]));
        const ours: string[] = [];
        for (let message = stream.next(); message !== undefined; message = stream.next()) ours.push(message.error ?? 'a value');
        expect(theirs).toEqual(ours);
      }),
      { numRuns: process.env.VPMEM_ALL === '1' ? 1000 : 250 },
    );
    connection.close();
  });

  it('has the commands and events of the schema in the same shape', async () => {
    const client = await QmpClient.connect({ path: join(folder, 'first') });
    const schema = (await client.executeAny('query-qmp-schema').finally(() => client.close())) as SchemaEntry[];
    const ours = introspect();
    for (const { name } of ours.filter((entry) => entry['meta-type'] === 'command' || entry['meta-type'] === 'event')) {
      const differs = Object.hasOwn(schemaDifferences, name);
      if (isOurs(name)) expect(schema.map((entry) => entry.name)).not.toContain(name);
      else if (differs) expect(shape(ours, name), `${name} is no difference`).not.toEqual(shape(schema, name));
      else expect(shape(ours, name), name).toEqual(shape(schema, name));
    }
  });

  it('answers our client as the schema says', async () => {
    const client = await QmpClient.connect({ path: join(folder, 'first') });
    try {
      expect(client.version.qemu.major).toBeGreaterThanOrEqual(10);
      await client.execute('object-add', { 'qom-type': 'memory-backend-ram', id: 'spare', size: 1 << 20 });
      expect(await client.execute('query-memdev')).toContainEqual(expect.objectContaining({ id: 'spare', size: 1 << 20 }));
      for (const command of ['query-version', 'query-commands', 'query-qmp-schema', 'query-status', 'query-name', 'query-memory-devices', 'query-memory-size-summary', 'query-pci'] as const) {
        await client.execute(command);
      }
      expect(await client.execute('qom-get', { path: '/objects/spare', property: 'size' })).toBe(1 << 20);
      expect(await client.execute('qom-list', { path: '/objects' })).toContainEqual({ name: 'spare', type: 'child<memory-backend-ram>' });
      expect(await client.execute('qom-list-types', { implements: 'memory-backend' })).toContainEqual({ name: 'memory-backend-ram', parent: 'memory-backend' });
      expect(await client.execute('device-list-properties', { typename: 'virtio-pmem-pci' })).toContainEqual(expect.objectContaining({ name: 'memdev' }));
      expect(await client.execute('human-monitor-command', { 'command-line': 'info status' })).toMatch(/^VM status: /);
      await expect(client.execute('device_del', { id: 'nobody' })).rejects.toMatchObject({ errorClass: 'DeviceNotFound', message: "Device 'nobody' not found" });
      await client.execute('object-del', { id: 'spare' });
      const reset = client.waitForEvent('RESET');
      await client.execute('system_reset');
      expect((await reset).data).toEqual({ guest: false, reason: 'host-qmp-system-reset' });
    } finally {
      client.close();
    }
  });
});

function isOurs(name: string): boolean {
  return Object.entries<{ ours?: boolean }>({ ...qmpCommands, ...qmpEvents }).some(([own, { ours }]) => own === name && ours === true);
}

/** A command or event with its types spelt out instead of named. */
function shape(schema: readonly SchemaEntry[], name: string): unknown {
  const entries = new Map(schema.map((entry) => [entry.name, entry]));
  const expand = (type: string, inside: readonly string[]): unknown => {
    const entry = entries.get(type)!;
    // What contains itself is spelt out once.
    if (inside.includes(type)) return `as ${inside.length - inside.indexOf(type)} levels above`;
    const inner = (other: string): unknown => expand(other, [...inside, type]);
    switch (entry['meta-type']) {
      case 'command':
        return { takes: inner(entry['arg-type']), returns: inner(entry['ret-type']) };
      case 'event':
        return { data: inner(entry['arg-type']) };
      case 'builtin':
        return entry['json-type'];
      case 'enum':
        return entry.values;
      case 'array':
        return [inner(entry['element-type'])];
      case 'object': {
        const members = entry.members.map((member) => [member.name, { type: inner(member.type), optional: 'default' in member }] as const);
        const variants = (entry.variants ?? []).map((variant) => [variant.case, inner(variant.type)] as const);
        return { members: Object.fromEntries(members), tag: entry.tag, variants: Object.fromEntries(variants) };
      }
      case 'alternate':
        return entry.members.map(({ type: other }) => inner(other));
    }
  };
  return expand(name, []);
}
