// One server goes on where another left off. Both are in this process, but have nothing in common but descriptors and JSON.
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closeSync, ftruncateSync, writeSync } from 'node:fs';
import { connectUnix, createMemfd, EventFd, MessageSocket, PeerEvent } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Command, DmaMap, Header, IrqSet, RegionAccess, RegionInfo } from './protocol.ts';
import type { Kept } from './kept/kept.ts';
import type { ServerState } from './session-state.ts';
import { countDescriptors, CountingFunction, countMappings, DescriptorShelf, everyMessage, TestServer } from './testing.ts';
import { VfioUserClient } from './client/vfio-user-client.ts';
import { CLIENT_CHANNEL, VfioUserServer, type ClientMessage } from './vfio-user-server.ts';

// What a process needs to signal at all, it keeps from the first time on.
new PeerEvent(new EventFd().fd).signal();

const PAGE = 4096;
const RAM_AT = 2 ** 32;

const word = new Int32Array(1);
let from: boolean;
let to: boolean;
let keeps: boolean;
let bar: number;
let ram: number;
let device: CountingFunction;
let next: CountingFunction;
let harness: TestServer;
let events: ClientMessage[];
let before: unknown;
const listener = (message: unknown): number => events.push(message as ClientMessage);
const traces = (): unknown => [countDescriptors(), countMappings()];

describe.each([
  ['a server', 'a server', false, false],
  ['one that is kept', 'one that is kept', true, true],
  ['a server', 'one that is kept', false, true],
  ['one that is kept', 'a server', true, false],
])('from %s to %s:', (_from, _to, isKept, willBeKept) => {
  beforeEach(() => {
    from = isKept;
    to = willBeKept;
    events = [];
    subscribe(CLIENT_CHANNEL, listener);
    bar = createMemfd('bar', PAGE);
    ram = createMemfd('ram', 2 * PAGE, { seal: false });
    before = traces();
    setUp(false, false);
  });
  afterEach(() => {
    unsubscribe(CLIENT_CHANNEL, listener);
    harness.close();
    expect(traces()).toEqual(before);
    closeSync(bar);
    closeSync(ram);
  });

  function setUp(intx: boolean, keepsMsix: boolean): void {
    device = new CountingFunction(bar, { intx });
    next = new CountingFunction(bar, { intx });
    keeps = keepsMsix;
    harness = new TestServer(device, { keepsMsix, ...keptBy(from) });
  }
  function handOn(pci: CountingFunction, between?: (state: ServerState) => void): void {
    harness.handOn(pci, between, { keepsMsix: keeps, ...keptBy(to) });
  }
  /** Of a server that is kept, or is not. */
  function keptBy(kept: boolean): { kept?: Kept } {
    return kept ? { kept: { save: () => undefined, word } } : {};
  }
  const connect = (): VfioUserClient => VfioUserClient.connect(harness.path, harness.clientOptions);
  const told = (): string[] => events.map(({ event, detail }) => `${event}: ${detail}`);
  const access = (region: number, offset: number, count: number, data: number[] = []): Uint8Array => Buffer.concat([RegionAccess.encode({ offset, region, count }), Buffer.from(data)]);
  const map = (client: VfioUserClient): unknown => client.request(Command.DMA_MAP, DmaMap.encode({ argsz: DmaMap.size, flags: 3, address: RAM_AT, size: PAGE, offset: PAGE }), [ram]);
  const setIrqs = (client: VfioUserClient, flags: number, index: number, start: number, fds: number[], count = fds.length): unknown =>
    client.request(Command.DEVICE_SET_IRQS, IrqSet.encode({ argsz: IrqSet.size, flags, index, start, count }), fds);
  const errorOf = (action: () => unknown): unknown => {
    try {
      return action();
    } catch (error) {
      return error;
    }
  };

  describe('a client whose server is replaced', () => {
    it.each(everyMessage.filter(({ name }) => name !== 'VERSION'))('after any byte of $name gets the answer it would have got, with its descriptors', ({ bytes, name }) => {
      const event = new EventFd();
      const fds = name === 'DMA_MAP' ? [ram] : name === 'DEVICE_SET_IRQS' ? [event.fd] : [];
      const ask = (length: number): unknown => {
        const client = connect();
        client.sendRaw(bytes.subarray(0, length), fds);
        harness.settle();
        if (length < bytes.length) handOn(new CountingFunction(bar));
        if (length < bytes.length) client.sendRaw(bytes.subarray(length));
        const { header, body, fds: came } = client.receive();
        for (const fd of came) closeSync(fd);
        // One that is kept has a pipe besides.
        const kept = [countDescriptors() - ((length < bytes.length ? to : from) ? 2 : 0), countMappings()];
        client.close();
        harness.settle();
        return [header, Buffer.from(body).toString('hex'), came.length, kept];
      };
      const usual = ask(bytes.length);
      for (let length = 1; length < bytes.length; length++) expect(ask(length), `after ${length} bytes`).toEqual(usual);
      event.close();
    });

    it('before it has said all of VERSION is let in by the other', () => {
      const { bytes } = everyMessage.find(({ name }) => name === 'VERSION') ?? { bytes: Uint8Array.of() };
      const stranger = new MessageSocket(connectUnix(harness.path));
      stranger.send(bytes.subarray(0, 20));
      harness.settle();
      handOn(next);
      expect([harness.server.busy, events]).toEqual([false, []]);
      stranger.send(bytes.subarray(20));
      harness.settle();
      expect([harness.server.busy, told(), next.log]).toEqual([true, ['connected: '], ['attach']]);
      stranger.close();
      harness.settle();
    });

    it('has its memory, registers and interrupts as they were, and hears nothing of it; the first lets go of all', () => {
      const client = connect();
      const vectors = [new EventFd(), new EventFd()];
      map(client);
      setIrqs(client, 0x24, 2, 1, vectors.map(({ fd }) => fd));
      client.request(Command.REGION_WRITE, access(0, 8, 4, [1, 2, 3, 4]));
      events = [];
      handOn(next);
      expect([device.log, next.log, events]).toEqual([['attach', 'hold', 'detach'], ['attach', 'restore', 'proceed'], []]);
      writeSync(ram, Uint8Array.of(42), 0, 1, PAGE);
      expect(next.host?.memory.readable(RAM_AT, 1)?.view.getUint8(0)).toBe(42);
      const msix = next.host?.msix;
      for (const vector of [0, 2, 2, 3]) if (msix?.kind === 'vectors') msix.signal(vector);
      expect(vectors.map((event) => event.drain())).toEqual([0, 2]);
      expect(Buffer.from(client.request(Command.REGION_READ, access(0, 8, 4)).body).subarray(16)).toEqual(Buffer.of(1, 2, 3, 4));
      expect(events).toEqual([]);
      client.close();
      harness.settle();
      expect(told()).toEqual(['left: ']);
      for (const event of vectors) event.close();
    });

    it('and does not read gets every reply in its order, with its descriptor', () => {
      const client = connect();
      for (let i = 0; i < 4; i++) client.send(Command.REGION_READ, access(7, 0, 60_000));
      for (let i = 0; i < 20; i++) client.send(Command.DEVICE_GET_REGION_INFO, RegionInfo.encode({ argsz: 32, index: 2 }));
      harness.settle();
      const ids: number[] = [];
      const fds: number[] = [];
      for (let i = 0; i < 24; i++) {
        if (i % 3 === 0) handOn(new CountingFunction(bar));
        const reply = client.receive();
        harness.settle();
        ids.push(reply.header.msg_id);
        fds.push(reply.fds.length);
        for (const fd of reply.fds) closeSync(fd);
      }
      expect(ids).toEqual(Array.from({ length: 24 }, (_, i) => i + 1));
      expect(fds).toEqual(Array.from({ length: 24 }, (_, i) => (i < 4 ? 0 : 1)));
      client.close();
    });

    it('waits while neither goes on: nothing is read, and that it goes is heard afterwards', () => {
      const client = connect();
      client.send(Command.DEVICE_RESET);
      handOn(next, () => {
        harness.settle();
        expect([device.log, next.log]).toEqual([['attach', 'hold'], ['attach', 'restore']]);
        client.close();
        harness.settle();
        events = [];
      });
      expect(harness.server.busy).toBe(true);
      harness.settle();
      expect([told(), next.log]).toEqual([[expect.stringMatching(/^left: /)], ['attach', 'restore', 'proceed', 'reset', 'detach']]);
    });

    it('and takes its memory away meanwhile loses its connection, and nobody else does', () => {
      const client = connect();
      map(client);
      const stranger = new MessageSocket(connectUnix(harness.path));
      harness.settle();
      events = [];
      device.hold = (done) => {
        ftruncateSync(ram, PAGE);
        done();
      };
      handOn(next, () => expect(events).toEqual([]));
      expect(told()).toEqual(['left: its memory at 0x100000000 cannot be mapped again: the file has 4096 bytes, the region ends at 8192']);
      expect(next.log.slice(-1)).toEqual(['detach']);
      stranger.send(everyMessage[0]?.bytes ?? Uint8Array.of());
      harness.settle();
      expect(harness.server.busy).toBe(true);
      stranger.close();
      client.close();
      harness.settle();
    });

    it('with INTx has it signalled again where it may be owed, and ends a mask in the other', () => {
      harness.close();
      setUp(true, false);
      const client = connect();
      const [trigger, unmask] = [new EventFd(), new EventFd()];
      setIrqs(client, 0x24, 0, 0, [trigger.fd]);
      setIrqs(client, 0x14, 0, 0, [unmask.fd]);
      device.host?.intx(true);
      expect(trigger.drain()).toBe(1);
      handOn(next, () => expect(trigger.drain()).toBe(0));
      expect(trigger.drain()).toBe(1);
      harness.settle();
      expect(trigger.drain()).toBe(0);
      unmask.signal();
      harness.settle();
      expect(trigger.drain()).toBe(1);
      setIrqs(client, 0x09, 0, 0, [], 1);
      handOn(new CountingFunction(bar, { intx: true }));
      expect(trigger.drain()).toBe(0);
      client.close();
      harness.settle();
      trigger.close();
      unmask.close();
    });

    it('with MSI-X kept here answers what the first wrote, and what was to be written once more is', () => {
      harness.close();
      setUp(false, true);
      const client = connect();
      const msix = device.host?.msix;
      for (let i = 0; i < 2; i++) if (msix?.kind === 'messages') msix.write(0xfee0_0000n, 33);
      handOn(next);
      const first = client.receive();
      client.sendRaw(Header.encode({ msg_id: first.header.msg_id, cmd: Command.DMA_WRITE, msg_size: Header.size, flags: 1 }));
      const second = client.receive();
      expect([second.header.msg_id, Buffer.from(second.body)]).toEqual([first.header.msg_id + 1, Buffer.from(first.body)]);
      expect(told()).toEqual(['connected: ']);
      client.close();
      harness.settle();
    });

    it('with MSI-X kept here is sent what was written behind a reply that it had not taken', () => {
      harness.close();
      setUp(false, true);
      const client = connect();
      for (let i = 0; i < 4; i++) client.send(Command.REGION_READ, access(7, 0, 60_000));
      harness.settle();
      const msix = device.host?.msix;
      for (const data of [33, 34, 35]) if (msix?.kind === 'messages') msix.write(0xfee0_0000n, data);
      handOn(next);
      const came: number[] = [];
      for (let i = 0; i < 7; i++) {
        came.push(client.receive().header.cmd);
        harness.settle();
      }
      expect(came.sort((a, b) => a - b)).toEqual([9, 9, 9, 9, 12, 12, 12]);
      client.close();
      harness.settle();
    });

    it('comes to one that is held, and waits there until it is let in', () => {
      harness.server.hold('for a while');
      handOn(next);
      const stranger = new MessageSocket(connectUnix(harness.path));
      stranger.send(everyMessage[0]?.bytes ?? Uint8Array.of());
      harness.settle();
      expect(harness.server.busy).toBe(false);
      harness.server.resume();
      harness.settle();
      expect(harness.server.busy).toBe(true);
      stranger.close();
      harness.settle();
    });
  });

  describe('suspend', () => {
    it('is done when the function is, and an earlier one ends no later one', () => {
      connect().close();
      const client = connect();
      harness.settle();
      device.holdsLong = true;
      const ends: number[] = [];
      harness.server.suspend(() => ends.push(1));
      const early = device.done;
      harness.server.proceed();
      harness.server.suspend(() => ends.push(2));
      early?.();
      expect(ends).toEqual([]);
      device.done?.();
      expect(ends).toEqual([2]);
      harness.server.proceed();
      client.close();
      harness.settle();
    });

    it('is done at once without a client, and when the client is turned out', () => {
      const ends: number[] = [];
      harness.server.suspend(() => ends.push(1));
      harness.server.proceed();
      const client = connect();
      device.holdsLong = true;
      harness.server.suspend(() => ends.push(2));
      expect(ends).toEqual([1]);
      harness.server.hold('everybody has to go');
      expect(ends).toEqual([1, 2]);
      harness.server.proceed();
      client.close();
    });
  });

  describe('the first server', () => {
    it('goes on as if nothing had been, with the function as it was saved, when the other cannot be made', () => {
      const client = connect();
      client.request(Command.REGION_WRITE, access(0, 0, 1, [7]));
      const odd = new CountingFunction(bar);
      odd.restore = () => {
        throw new RangeError('state.function: of another kind');
      };
      expect(() => handOn(odd)).toThrow('state.function: of another kind');
      expect(odd.log.slice(-1)).toEqual(['detach']);
      expect(client.request(Command.REGION_READ, access(0, 0, 1)).body[16]).toBe(7);
      expect([device.log, told()]).toEqual([['attach', 'hold', 'restore', 'proceed'], ['connected: ']]);
      client.close();
      harness.settle();
    });

    it('says that a function of some other kind cannot be handed on', () => {
      const client = connect();
      Object.assign(device, { save: undefined });
      harness.server.suspend(() => undefined);
      expect(() => harness.server.save((fd) => fd)).toThrow('cannot be handed on');
      harness.server.proceed();
      client.request(Command.DEVICE_RESET);
      client.close();
      harness.settle();
    });
  });

  describe('a state', () => {
    /** Of a server with everything that there can be. */
    function full(shelf: DescriptorShelf): ServerState {
      harness.close();
      setUp(true, false);
      const client = connect();
      const event = new EventFd();
      map(client);
      setIrqs(client, 0x24, 0, 0, [event.fd]);
      setIrqs(client, 0x14, 0, 0, [event.fd]);
      for (let i = 0; i < 4; i++) client.send(Command.REGION_READ, access(7, 0, 60_000));
      client.send(Command.DEVICE_GET_REGION_INFO, RegionInfo.encode({ argsz: 32, index: 2 }));
      harness.settle();
      const stranger = new MessageSocket(connectUnix(harness.path));
      stranger.send(everyMessage[0]?.bytes.subarray(0, 30) ?? Uint8Array.of(), [event.fd]);
      harness.settle();
      harness.server.suspend(() => undefined);
      const state = JSON.parse(JSON.stringify(harness.server.save(shelf.put))) as ServerState;
      for (const end of [client, stranger, event]) end.close();
      return { ...state, client: { ...state.client!, writes: { nextId: 2, open: [{ id: 1, address: '0xfee00000', data: 33, again: true }] } } };
    }

    /** All places in a value, as ways to them. */
    function places(value: unknown, way: readonly string[] = []): (readonly string[])[] {
      if (typeof value !== 'object' || value === null) return [way];
      return [way, ...Object.entries(value).flatMap(([name, member]) => places(member, [...way, name]))];
    }

    function changed(state: unknown, way: readonly string[], wrong: unknown): unknown {
      const copy = structuredClone({ state });
      let at: Record<string, unknown> = copy;
      for (const name of ['state', ...way].slice(0, -1)) at = at[name] as Record<string, unknown>;
      at[way.at(-1) ?? 'state'] = wrong;
      return copy.state;
    }

    it('of a wrong shape is refused, with the name of the member, and nothing of it is left open; nothing is told anybody', () => {
      const shelf = new DescriptorShelf();
      const state = full(shelf);
      const held = traces();
      events = [];
      let refused = 0;
      const make = (given: unknown): VfioUserServer => new VfioUserServer(next, undefined, harness.loop, { continues: { state: given as ServerState, take: shelf.take } });
      for (const way of places(state)) {
        for (const wrong of [undefined, null, -1, 0, 1.5, 99, 2 ** 60, '', 'zz', '0x', '0xffffffffffffffff', 'AAAA', true, {}, [], [{}], [null], [99]]) {
          const made = errorOf(() => make(changed(state, way, wrong)));
          if (made instanceof VfioUserServer) made.letGo();
          else refused++;
          const name = `${way.join('.')} as ${JSON.stringify(wrong)}`;
          if (!(made instanceof VfioUserServer)) expect(made, name).toBeInstanceOf(RangeError);
          expect(traces(), name).toEqual(held);
        }
      }
      expect([refused > 300, events]).toEqual([true, []]);
      make(state).letGo();
      expect(() => make(changed(state, ['client', 'memory', '0', 'size'], 17))).toThrow('state.client.memory[0].size is 17; it has to be a hexadecimal number of at most 64 bits in quotes, such as "0x1000"');
      expect(() => make(changed(state, ['function'], undefined))).toThrow('state.function is missing');
      harness.server.proceed();
      harness.settle();
      shelf.close();
    });
  });
});
