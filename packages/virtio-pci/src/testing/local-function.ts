import { bufferBacking, GuestMemory } from '@vpmem/guest-memory';
import { COMMAND_MASTER, COMMAND_MEMORY, PciHeader, type PciFunction, type PciHost } from '@vpmem/pci';
import type { FunctionTraits, FunctionUnderTest } from './function-under-test.ts';

const RAM = 0x1_0000;
/** Where BAR n lies: 64 GiB times n + 1 for one of 64 bits, and below 4 GiB otherwise. */
const address = (index: number, is64: boolean): number => (is64 ? (index + 1) * 2 ** 36 : 0xc000_0000 + index * 0x100_0000);

/** How a function of this program answers. */
export interface LocalOptions {
  readonly traits: FunctionTraits;
  /** Default: a buffer. Shared with a function that is reached through a socket. */
  readonly memory?: GuestMemory;
  /** Lets the device do all it was asked. */
  readonly settle?: () => void;
  /** Lets interrupts arrive that were sent. */
  readonly deliver?: () => void;
}

/** Plugs in a function that this program can call, be it here or behind a socket, and gives its BARs addresses. */
export function localFunction(pci: PciFunction, { traits, memory = bufferMemory(), settle, deliver }: LocalOptions): FunctionUnderTest {
  let messages: number[] = [];
  let level = false;
  const host: PciHost = {
    memory,
    msix: { kind: 'messages', write: (_, data) => messages.push(data) },
    intx: (asserted) => (level = asserted),
    defer: setImmediate,
  };
  const enable = (): void => {
    pci.bars.forEach((bar, index) => {
      if (bar === undefined) return;
      const at = PciHeader.fields.bar.offset + 4 * index;
      pci.writeConfig(at, 4, address(index, bar.is64) % 2 ** 32);
      if (bar.is64) pci.writeConfig(at + 4, 4, Math.floor(address(index, bar.is64) / 2 ** 32));
    });
    pci.writeConfig(PciHeader.fields.command.offset, 2, COMMAND_MEMORY | COMMAND_MASTER);
  };
  pci.attach(host);
  enable();
  return {
    traits,
    memory,
    readConfig: async (offset, width) => Promise.resolve(pci.readConfig(offset, width)),
    writeConfig: async (offset, width, value) => {
      pci.writeConfig(offset, width, value);
      return Promise.resolve();
    },
    readBar: async (bar, offset, width) => Promise.resolve(pci.bars[bar]?.read(offset, width) ?? 0),
    writeBar: async (bar, offset, width, value) => {
      pci.bars[bar]?.write(offset, width, value);
      return Promise.resolve();
    },
    takeMessages: async () => {
      deliver?.();
      return Promise.resolve(messages.splice(0));
    },
    intx: async () => {
      deliver?.();
      return Promise.resolve(level);
    },
    settle: async () => {
      settle?.();
      // What the device has put off to its next turn.
      await new Promise(setImmediate);
      deliver?.();
    },
    reset: async () => {
      pci.reset();
      messages = [];
      enable();
      return Promise.resolve();
    },
  };
}

function bufferMemory(): GuestMemory {
  const memory = new GuestMemory();
  memory.add({ start: 0, size: RAM, writable: true, backing: bufferBacking(new ArrayBuffer(RAM)) });
  return memory;
}
