import { describe, expect, it } from 'vitest';
import { idleHandlers } from './idle-handlers.ts';
import { QmpError } from './qmp-error.ts';
import type { ForeignCommands, QmpHandlers } from './qmp-handlers.ts';
import { QmpSession, type QmpSessionOptions } from './qmp-session.ts';

const version = { qemu: { major: 11, minor: 1, micro: 3 }, package: 'test' };
const NEGOTIATE = '{"execute": "qmp_capabilities"}';
const ask = (execute: string, id: unknown, args: unknown = {}): string => JSON.stringify({ execute, id, arguments: args });

class Owner {
  readonly said: unknown[] = [];
  readonly errors: unknown[] = [];
  readonly pauses: boolean[] = [];
  overflows = 0;
  takes = true;
  readonly session: QmpSession;

  constructor(own: Partial<QmpHandlers> = {}, options: Partial<QmpSessionOptions> = {}) {
    this.session = new QmpSession({
      version,
      handlers: idleHandlers(own),
      write: (text) => {
        this.said.push(JSON.parse(text));
        return this.takes;
      },
      onPause: (paused) => this.pauses.push(paused),
      onOverflow: () => this.overflows++,
      onInternalError: (error, command) => this.errors.push([command, error]),
      ...options,
    });
  }

  /** What is said to some bytes, once all is done. */
  async answers(...requests: readonly string[]): Promise<unknown[]> {
    const before = this.said.length;
    this.session.receive(Buffer.from(requests.join('')));
    await this.session.idle();
    return this.said.slice(before);
  }
}

async function negotiated(own?: Partial<QmpHandlers>, options?: Partial<QmpSessionOptions>): Promise<Owner> {
  const owner = new Owner(own, options);
  await owner.answers(NEGOTIATE);
  return owner;
}

function gate(): { opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

describe('a handler', () => {
  it('that throws something unforeseen is answered for, reported, and survived', async () => {
    const failure = new TypeError('x is not a function');
    const owner = await negotiated({ 'query-pci': () => { throw failure; } });
    expect(await owner.answers(ask('query-pci', 1), ask('query-name', 2))).toEqual([
      { id: 1, error: { class: 'GenericError', desc: "Internal error in 'query-pci': x is not a function" } },
      { id: 2, return: {} },
    ]);
    expect(owner.errors).toEqual([['query-pci', failure]]);
  });

  it('that answers what cannot be written is treated alike', async () => {
    const circle: Record<string, unknown> = {};
    circle.self = circle;
    const owner = await negotiated({ 'qom-get': () => circle as never });
    expect(await owner.answers(ask('qom-get', 1, { path: '/', property: 'x' }))).toMatchObject([{ id: 1, error: { class: 'GenericError' } }]);
    expect(owner.errors).toHaveLength(1);
  });

  it('gets what the client gave, properties that the schema does not name included', async () => {
    const got: unknown[] = [];
    const owner = await negotiated({ 'object-add': (args) => { got.push(args); return {}; } });
    await owner.answers(ask('object-add', 1, { 'qom-type': 'memory-backend-ram', id: 'a', size: 1 }).replace('"size":1', '"size": 18446744073709551615'));
    expect(got).toEqual([{ 'qom-type': 'memory-backend-ram', id: 'a', size: 2n ** 64n - 1n }]);
  });
});

describe('events', () => {
  it('are told only to who has negotiated', async () => {
    const owner = new Owner();
    owner.session.event('STOP', {});
    expect(owner.said).toHaveLength(1);
    await owner.answers(NEGOTIATE);
    owner.session.event('RESET', { guest: true, reason: 'guest-reset' }, { seconds: 1, microseconds: 2 });
    owner.session.event('STOP', {}, { seconds: 1, microseconds: 2 });
    owner.session.foreignEvent('BALLOON_CHANGE', { actual: 1 }, { seconds: -1, microseconds: -1 });
    expect(owner.said.slice(2)).toEqual([
      { timestamp: { seconds: 1, microseconds: 2 }, event: 'RESET', data: { guest: true, reason: 'guest-reset' } },
      { timestamp: { seconds: 1, microseconds: 2 }, event: 'STOP' },
      { timestamp: { seconds: -1, microseconds: -1 }, event: 'BALLOON_CHANGE', data: { actual: 1 } },
    ]);
  });
});

describe('input', () => {
  it('is not wanted while a command runs, and not looked at', async () => {
    const { opened, open } = gate();
    const owner = await negotiated({ 'object-add': () => opened.then(() => ({})) });
    owner.pauses.length = 0;
    const answers = owner.answers(ask('object-add', 1, { 'qom-type': 'x', id: 'x' }), '}', ask('query-name', 2));
    expect(owner.session.paused).toBe(true);
    expect(owner.said).toHaveLength(2);
    open();
    expect(await answers).toMatchObject([{ id: 1 }, { error: { class: 'GenericError' } }, { id: 2 }]);
    expect(owner.session.paused).toBe(false);
    expect(owner.pauses.at(0)).toBe(true);
    expect(owner.pauses.at(-1)).toBe(false);
  });

  it('is not wanted while the client does not read', async () => {
    const owner = await negotiated();
    owner.takes = false;
    owner.session.receive(Buffer.from(ask('query-name', 1) + ask('query-name', 2)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(owner.said.slice(2)).toEqual([{ return: {}, id: 1 }]);
    expect(owner.session.paused).toBe(true);
    owner.takes = true;
    owner.session.drained();
    await owner.session.idle();
    expect(owner.said.slice(2)).toEqual([{ return: {}, id: 1 }, { return: {}, id: 2 }]);
    expect(owner.session.paused).toBe(false);
  });

  it('behind an answer that is not taken is still to be answered', async () => {
    const owner = await negotiated();
    owner.takes = false;
    owner.session.receive(Buffer.from(ask('query-name', 1) + ask('query-name', 2)));
    let idle = false;
    const settled = owner.session.idle().then(() => (idle = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(idle).toBe(false);
    owner.takes = true;
    owner.session.drained();
    await settled;
    expect(owner.said.at(-1)).toEqual({ return: {}, id: 2 });
  });

  it('that has been looked at already waits for the client to read as well', async () => {
    let asked = 0;
    const owner = new Owner({ 'query-name': () => ({ name: `${++asked}` }) });
    await owner.answers('{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}');
    owner.takes = false;
    owner.session.receive(Buffer.from(ask('query-name', 1) + ask('query-name', 2) + ask('query-name', 3)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(asked).toBe(1);
    owner.takes = true;
    owner.session.drained();
    await owner.session.idle();
    expect(owner.said.slice(2)).toMatchObject([{ id: 1 }, { id: 2 }, { id: 3 }]);
  });
});

describe('output', () => {
  const data = { path: 'x'.repeat(1000) };

  it('is held while the client does not read, and then told in order', async () => {
    const owner = await negotiated();
    owner.takes = false;
    for (let i = 0; i < 5; i++) owner.session.event('DEVICE_DELETED', { path: `${i}` });
    expect(owner.said).toHaveLength(3);
    owner.session.drained();
    expect(owner.said).toHaveLength(4);
    owner.takes = true;
    owner.session.drained();
    expect(owner.said.slice(2).map((event) => (event as { data: { path: string } }).data.path)).toEqual(['0', '1', '2', '3', '4']);
    expect(owner.overflows).toBe(0);
  });

  it('has an end, and so has the connection then', async () => {
    const owner = await negotiated();
    owner.takes = false;
    let events = 0;
    while (owner.overflows === 0) {
      owner.session.event('DEVICE_DELETED', data);
      events++;
      expect(events).toBeLessThan(2000);
    }
    expect(events).toBeGreaterThan(900);
    const told = owner.said.length;
    owner.session.event('DEVICE_DELETED', data);
    owner.session.drained();
    expect([owner.overflows, owner.said.length]).toEqual([1, told]);
  });

  it('is over when the connection is', async () => {
    const { opened, open } = gate();
    const owner = await negotiated({ 'object-add': () => opened.then(() => ({})) });
    owner.session.receive(Buffer.from(ask('object-add', 1, { 'qom-type': 'x', id: 'x' }) + ask('query-name', 2)));
    const idle = owner.session.idle();
    owner.session.end();
    await idle;
    open();
    await opened;
    owner.session.event('STOP', {});
    await new Promise((resolve) => setImmediate(resolve));
    expect(owner.said).toHaveLength(2);
  });
});

describe('a monitor behind it', () => {
  const foreign: ForeignCommands = {
    commands: () => Promise.resolve(['balloon', 'stop', 'query-qmp-schema']),
    execute: (command, args) => {
      if (command === 'query-qmp-schema') return Promise.resolve([{ name: 'balloon', 'meta-type': 'command', 'arg-type': '0', 'ret-type': '0' }, { name: '0', 'meta-type': 'object', members: [] }]);
      return args.value === 0 ? Promise.reject(new QmpError('DeviceNotActive', 'No balloon device')) : Promise.resolve({ command, args });
    },
  };

  it('gets the commands that are not ours', async () => {
    const owner = await negotiated({}, { foreign });
    expect(await owner.answers(ask('balloon', 1, { value: 2, any: [true] }), ask('balloon', 2, { value: 0 }), ask('stop', 3), ask('else', 4))).toEqual([
      { return: { command: 'balloon', args: { value: 2, any: [true] } }, id: 1 },
      { id: 2, error: { class: 'DeviceNotActive', desc: 'No balloon device' } },
      { return: {}, id: 3 },
      { id: 4, error: { class: 'CommandNotFound', desc: 'The command else has not been found' } },
    ]);
  });

  it('is in the list of commands and in the schema', async () => {
    const owner = await negotiated({}, { foreign });
    const [commands, schema] = (await owner.answers(ask('query-commands', 1), ask('query-qmp-schema', 2))) as { return: { name: string }[] }[];
    const names = commands!.return.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(['balloon', 'stop', 'query-pmem']));
    expect(new Set(names).size).toBe(names.length);
    expect(schema!.return.map(({ name }) => name)).toEqual(expect.arrayContaining(['balloon', 'stop', '0', 'own-0']));
  });

  it('that is gone is an internal error', async () => {
    const gone = (): Promise<never> => Promise.reject(new Error('QEMU has ended'));
    const owner = await negotiated({}, { foreign: { commands: gone, execute: gone } });
    expect(await owner.answers(ask('balloon', 1), ask('query-name', 2))).toEqual([
      { id: 1, error: { class: 'GenericError', desc: "Internal error in 'balloon': QEMU has ended" } },
      { return: {}, id: 2 },
    ]);
    expect(owner.errors).toHaveLength(1);
  });

  it('is not asked out of band', async () => {
    const owner = new Owner({}, { foreign });
    await owner.answers('{"execute": "qmp_capabilities", "arguments": {"enable": ["oob"]}}');
    expect(await owner.answers('{"exec-oob": "balloon", "id": 1}')).toEqual([{ id: 1, error: { class: 'GenericError', desc: 'The command balloon does not support OOB' } }]);
  });
});
