import { closeSync } from 'node:fs';
import { createMemfd, SystemError } from '@vpmem/native';
import { PciEndpoint, type Bar } from '@vpmem/pci';
import { ramBar } from '@vpmem/pci/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { Command, FLAG_NO_REPLY, FLAG_TYPE_REPLY, Header, NUM_REGIONS, RegionAccess, REGION_CONFIG } from './protocol.ts';
import { RegisterAccess } from './register-access.ts';
import { TestServer } from './testing.ts';
import { VfioUserClient } from './client/vfio-user-client.ts';

/** A flag that means nothing: a command with it goes the way of all others. */
const NO_MEANING = 0x40;
const WIDTHS = [0, 1, 2, 3, 4, 5, 8, 16];
const SIZE = 0x1000;

/** A function with registers in BARs 0 and 2, the latter of 64 bits, and memory in BAR 4, which tells every access. */
class ToldFunction extends PciEndpoint {
  readonly log: string[] = [];
  /** Thrown by the next access to BAR 0. */
  failing: SystemError | undefined;

  constructor(fd: number) {
    const log: string[] = [];
    const told = (index: number, bar: Bar): Bar => ({
      ...bar,
      read: (offset, width) => {
        log.push(`${index} read ${offset} ${width}`);
        if (this.failing !== undefined) throw this.failing;
        return bar.read(offset, width);
      },
      write: (offset, width, value) => {
        log.push(`${index} write ${offset} ${width} ${value}`);
        if (this.failing !== undefined) throw this.failing;
        bar.write(offset, width, value);
      },
    });
    const filled = (bar: ReturnType<typeof ramBar>): Bar => {
      bar.bytes.forEach((_, i) => (bar.bytes[i] = (i * 37 + 0x80) & 0xff));
      return bar;
    };
    const memory: Bar = { ...ramBar(SIZE, { is64: true }), areas: [{ offset: 0, size: SIZE, fd, fileOffset: 0 }] };
    super({
      vendorId: 1,
      deviceId: 2,
      revision: 1,
      classCode: 0xff0000,
      subsystemVendorId: 0,
      subsystemId: 0,
      bars: [told(0, filled(ramBar(SIZE))), undefined, told(2, filled(ramBar(SIZE, { is64: true }))), undefined, told(4, memory)],
      capabilities: [],
      intx: false,
      onReset: () => undefined,
      onDecodeChange: () => undefined,
    });
    this.log = log;
  }
}

const resources: (() => void)[] = [];
afterEach(() => {
  for (const release of resources.splice(0).reverse()) release();
});

interface Rig {
  readonly pci: ToldFunction;
  readonly client: VfioUserClient;
  /** The whole reply, and what was done to the function for it. */
  readonly ask: (command: number, flags: number, body: Uint8Array) => { readonly reply: string; readonly did: readonly string[] };
}

function rig(keepsMsix: boolean): Rig {
  const fd = createMemfd('memory', SIZE);
  const pci = new ToldFunction(fd);
  const server = new TestServer(pci, { keepsMsix });
  const client = VfioUserClient.connect(server.path, server.clientOptions);
  resources.push(() => closeSync(fd), () => server.close(), () => client.close());
  return {
    pci,
    client,
    ask: (command, flags, body) => {
      pci.log.length = 0;
      client.sendRaw(Buffer.concat([Header.encode({ msg_id: 77, cmd: command, msg_size: Header.size + body.length, flags }), body]));
      const { header, body: answer } = client.receive();
      return { reply: `${JSON.stringify(header)} ${Buffer.from(answer).toString('hex')}`, did: [...pci.log] };
    },
  };
}

const access = (region: number, offset: number, count: number, data: Uint8Array = new Uint8Array(0)): Buffer =>
  Buffer.concat([RegionAccess.encode({ offset, region, count }), data]);
const DATA = Uint8Array.from({ length: 17 }, (_, i) => 0xf0 + i * 3);
/** Around the beginning, somewhere, and around and beyond the end. */
const OFFSETS = [0, 1, 2, 3, 4, 6, 0x123, 0x124, SIZE - 8, SIZE - 4, SIZE - 3, SIZE - 2, SIZE - 1, SIZE, SIZE + 4, 2 ** 32, 2 ** 53];
const REGIONS = [...Array.from({ length: NUM_REGIONS + 1 }, (_, i) => i), 2 ** 31, 2 ** 32 - 1];

describe.each([false, true])('a register, with keepsMsix %s', (keepsMsix) => {
  it.each(REGIONS)('of region %i is read and written as in every other case, whatever the offset and the width', (region) => {
    const { ask } = rig(keepsMsix);
    let done = 0;
    for (const offset of OFFSETS) {
      for (const count of WIDTHS) {
        for (const length of new Set([0, count, count + 1])) {
          const body = access(region, offset, count, DATA.subarray(0, length));
          for (const command of [Command.REGION_READ, Command.REGION_WRITE]) {
            const usual = ask(command, NO_MEANING, body);
            expect(ask(command, 0, body), `command ${command} at ${offset}, ${count} bytes, ${length} sent`).toEqual(usual);
            done += usual.did.length;
          }
        }
      }
    }
    expect(done > 0).toBe([0, 2, 4].includes(region));
  });

  it('of which a host fails to give the value answers with the errno, as in every other case', () => {
    const { ask, pci } = rig(keepsMsix);
    pci.failing = new SystemError(5, 'pread');
    for (const command of [Command.REGION_READ, Command.REGION_WRITE]) {
      const body = access(0, 8, 4, command === Command.REGION_WRITE ? DATA.subarray(0, 4) : undefined);
      const usual = ask(command, NO_MEANING, body);
      expect(usual.reply).toContain('"error_no":5');
      expect(ask(command, 0, body)).toEqual(usual);
    }
  });

  it('that is written without wanting to hear is written, and nothing else is said', () => {
    const { client, ask, pci } = rig(keepsMsix);
    const body = access(0, 4, 4, DATA.subarray(0, 4));
    client.sendRaw(Buffer.concat([Header.encode({ msg_id: 1, cmd: Command.REGION_WRITE, msg_size: Header.size + body.length, flags: FLAG_NO_REPLY }), body]));
    expect(ask(Command.REGION_READ, 0, access(0, 4, 4)).reply).toContain(Buffer.from(DATA.subarray(0, 4)).toString('hex'));
    expect(pci.log).toEqual([`0 write 4 4 ${new DataView(DATA.buffer).getUint32(0, true)}`, '0 read 4 4']);
  });
});

describe('RegisterAccess', () => {
  const message = (command: number, flags: number, body: Uint8Array, fds: number[] = []): Parameters<RegisterAccess['reply']>[0] => ({
    id: 3,
    command,
    flags,
    body,
    view: new DataView(body.buffer, body.byteOffset),
    fds,
  });
  const fast = (): RegisterAccess => {
    const fd = createMemfd('memory', SIZE);
    resources.push(() => closeSync(fd));
    return new RegisterAccess(new ToldFunction(fd));
  };

  it('answers aligned accesses of 1, 2 and 4 bytes to BARs without memory itself, with the same bytes each time', () => {
    const registers = fast();
    for (const region of [0, 2]) {
      for (const count of [1, 2, 4]) {
        const read = registers.reply(message(Command.REGION_READ, 0, access(region, 8, count)));
        expect(read?.length).toBe(Header.size + RegionAccess.size + count);
        const write = registers.reply(message(Command.REGION_WRITE, 0, access(region, 8, count, DATA.subarray(0, count))));
        expect(write?.length).toBe(Header.size + RegionAccess.size);
        expect(registers.reply(message(Command.REGION_READ, 0, access(region, 12, count)))).toBe(read);
      }
    }
  });

  it.each<[string, Parameters<RegisterAccess['reply']>[0]]>([
    ['a reply', message(Command.REGION_READ, FLAG_TYPE_REPLY, access(0, 0, 4))],
    ['one that wants no reply', message(Command.REGION_WRITE, FLAG_NO_REPLY, access(0, 0, 4, DATA.subarray(0, 4)))],
    ['one with a descriptor', message(Command.REGION_READ, 0, access(0, 0, 4), [-1])],
    ['one of another command', message(Command.DMA_READ, 0, access(0, 0, 4))],
    ['one that is too short', message(Command.REGION_READ, 0, access(0, 0, 4).subarray(0, 15))],
    ['one that is not aligned', message(Command.REGION_READ, 0, access(0, 2, 4))],
    ['one of configuration space', message(Command.REGION_READ, 0, access(REGION_CONFIG, 0, 4))],
    ['one of memory', message(Command.REGION_READ, 0, access(4, 0, 4))],
    ['one with less data than it says', message(Command.REGION_WRITE, 0, access(0, 0, 4, DATA.subarray(0, 3)))],
    ['one across the end', message(Command.REGION_READ, 0, access(0, SIZE, 4))],
  ])('leaves %s to others', (_, left) => {
    expect(fast().reply(left)).toBeUndefined();
  });
});
