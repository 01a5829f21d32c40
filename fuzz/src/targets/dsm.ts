import { subscribe } from 'node:diagnostics_channel';
import { readSync, writeSync } from 'node:fs';
import { createMemfd } from '@vpmem/native';
import { DSM_PAGE_SIZE, DsmPort, LABEL_FAILED_CHANNEL, MIN_LABEL_SIZE, Nvdimm, NvdimmRoot } from '@vpmem/nvdimm';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import { must, type Target } from '../target.ts';

const RAM_SIZE = 3 * DSM_PAGE_SIZE;
const VISIBLE = 4096;
const SIZE = VISIBLE + MIN_LABEL_SIZE;
const MOST_OPERATIONS = 60;
const PATTERN = 0xa5;

/** One file under every device: what the guest sees of it, then labels. */
const fd = createMemfd('dsm', SIZE);
const visible = new Uint8Array(VISIBLE);
const clean = new Uint8Array(SIZE).fill(PATTERN, 0, VISIBLE);

const backend = { id: 'mem', size: SIZE, fd, offset: 0, read: () => 0, write: () => undefined };
const MODELS = [
  { labelSize: MIN_LABEL_SIZE },
  { labelSize: MIN_LABEL_SIZE, unarmed: true, readonly: true },
  {},
];

/** The storage never fails here, so nobody may say so. */
let failed: unknown;
subscribe(LABEL_FAILED_CHANNEL, (message) => (failed = message));

/** The page, the port, and NVDIMMs that come and go. */
class Platform {
  readonly root = new NvdimmRoot();
  readonly ram = new Uint8Array(RAM_SIZE);
  readonly port: DsmPort;
  #page = 0;

  constructor() {
    this.port = new DsmPort(this.root, {
      read: (address, into) => {
        this.#page = address;
        if (address + into.length > RAM_SIZE) return false;
        into.set(this.ram.subarray(address, address + into.length));
        return true;
      },
      write: (address, bytes) => {
        must(address === this.#page && bytes.length === DSM_PAGE_SIZE && address + bytes.length <= RAM_SIZE, () => `${bytes.length} bytes written at ${address}`);
        this.ram.set(bytes, address);
        return true;
      },
    });
  }

  call(address: number): void {
    const outcome = this.port.write(0, 4, address);
    must(outcome === (address + DSM_PAGE_SIZE <= RAM_SIZE ? 'answered' : 'no-page'), () => `a call at ${address} is '${outcome}'`);
    if (outcome !== 'answered') return;
    const length = new DataView(this.ram.buffer).getUint32(address, true);
    must(length >= 8 && length <= DSM_PAGE_SIZE, () => `an answer of ${length} bytes`);
  }

  plug(slot: number, model: number): void {
    const there = this.root.devices.find((device) => device.slot === slot);
    if (there !== undefined) this.root.unplug(there);
    else this.root.plug(new Nvdimm(backend, { id: `nv${slot}`, slot, address: 2 ** 32 + slot * 2 ** 20, align: 4096, ...MODELS[model] }));
  }
}

/** The page and the port through which a guest calls _DSM, with anything in the page. */
export const dsm: Target = {
  run: (bytes) => {
    writeSync(fd, clean, 0, SIZE, 0);
    failed = undefined;
    const input = new ByteReader(bytes);
    const platform = new Platform();
    for (let left = MOST_OPERATIONS; input.left > 0 && left > 0; left--) {
      switch (input.below(5)) {
        case 0:
          platform.call((input.u8() < 0xc0 ? 0 : input.u32()));
          break;
        case 1: {
          const page = new ByteWriter().u32(input.u8() < 0xf0 ? input.u8() : 0x1_0000, input.u8() < 0xf0 ? 1 : input.u32(), input.u8(), input.u32(), input.u32());
          platform.ram.set(page.done);
          platform.call(0);
          break;
        }
        case 2:
          platform.plug(input.below(4), input.below(MODELS.length));
          break;
        case 3:
          platform.ram.set(input.bytes(input.u8()), input.u16() % (RAM_SIZE - 256));
          break;
        default:
          platform.port.write(input.u8(), input.u8(), input.u32());
          must(platform.port.read() === 0, () => 'the port reads as something');
      }
    }
    must(failed === undefined, () => 'the storage of labels was asked for what it does not have');
    readSync(fd, visible, 0, VISIBLE, 0);
    must(visible.every((byte) => byte === PATTERN), () => 'a label function has written to the memory before the labels');
  },
  seeds: [
    new ByteWriter().u8(2, 0, 0, 1, 0, 1, 0, 6).u32(16, 8).u8(1, 0, 1, 0, 5).u32(0, 32).u8(1, 0, 1, 0, 4).u32(0, 0).done,
    new ByteWriter().u8(2, 1, 1, 1, 0, 2, 0, 6).u32(0, 4072).u8(2, 2, 2, 1, 0xf0, 0, 1).u32(0, 0).u8(1, 0xf0, 0, 1).u32(100, 0).done,
    new ByteWriter().u8(2, 0, 0, 1, 0, 1, 0, 5).u32(0xffff_fff0, 0x20).u8(0, 0xc0).u32(8192).u8(0, 0xff).u32(8193).done,
  ],
  maxLength: 1024,
  maxSteps: (length) => 20_000 + 5000 * length,
  maxBytes: 2 ** 23,
};
