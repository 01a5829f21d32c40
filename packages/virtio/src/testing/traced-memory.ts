import { bufferBacking, GuestMemory, type MemoryWindow } from '@vpmem/guest-memory';
import type { MemoryView } from '@vpmem/layout';

/** One access to guest memory. */
export interface TracedAccess {
  readonly kind: 'read' | 'write';
  readonly address: number;
  readonly length: number;
}

/** RAM that writes down who touches what, in order; `before` may change the bytes that a read is about to see. */
export interface TracedMemory {
  readonly memory: GuestMemory;
  /** Its bytes, to look at without leaving a trace. */
  readonly bytes: DataView;
  readonly trace: TracedAccess[];
  before: ((access: TracedAccess) => void) | undefined;
}

/** `size` bytes of zeroed RAM from address 0. */
export function tracedMemory(size: number): TracedMemory {
  const buffer = new ArrayBuffer(size);
  const inner = bufferBacking(buffer).window(0, 0, size);
  const memory = new GuestMemory();
  const traced: TracedMemory = { memory, bytes: new DataView(buffer), trace: [], before: undefined };
  const touch = (kind: TracedAccess['kind'], address: number, length: number): void => {
    const access = { kind, address, length };
    traced.before?.(access);
    traced.trace.push(access);
  };
  memory.add({ start: 0, size, writable: true, backing: { window: () => tracedWindow(inner, touch), release: () => undefined } });
  return traced;
}

function tracedWindow(inner: MemoryWindow, touch: (kind: TracedAccess['kind'], address: number, length: number) => void): MemoryWindow {
  const { view } = inner;
  const read = <T>(address: number, length: number, value: () => T): T => {
    touch('read', address, length);
    return value();
  };
  const write = (address: number, length: number, store: () => void): void => {
    touch('write', address, length);
    store();
  };
  const tracedView: MemoryView = {
    byteLength: view.byteLength,
    getUint8: (at) => read(at, 1, () => view.getUint8(at)),
    getUint16: (at, little) => read(at, 2, () => view.getUint16(at, little)),
    getUint32: (at, little) => read(at, 4, () => view.getUint32(at, little)),
    getBigUint64: (at, little) => read(at, 8, () => view.getBigUint64(at, little)),
    setUint8: (at, value) => write(at, 1, () => view.setUint8(at, value)),
    setUint16: (at, value, little) => write(at, 2, () => view.setUint16(at, value, little)),
    setUint32: (at, value, little) => write(at, 4, () => view.setUint32(at, value, little)),
    setBigUint64: (at, value, little) => write(at, 8, () => view.setBigUint64(at, value, little)),
  };
  return {
    start: inner.start,
    end: inner.end,
    view: tracedView,
    load16: (at) => read(at, 2, () => inner.load16(at)),
    store16: (at, value) => write(at, 2, () => inner.store16(at, value)),
    copyOut: (at, target) => read(at, target.length, () => inner.copyOut(at, target)),
    copyIn: (at, source) => write(at, source.length, () => inner.copyIn(at, source)),
  };
}
