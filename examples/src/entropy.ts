// An entropy device: what a guest reads from /dev/hwrng comes from this host. `npx tsx examples/src/entropy.ts SOCKET`
import { randomFillSync } from 'node:crypto';
import { serveAtPath } from '@vpmem/vfio-user';
import { RequestDevice, type DeviceRequest } from '@vpmem/virtio';
import { VirtioPciFunction } from '@vpmem/virtio-pci';

/** What a request gets at most; a driver that wants more asks again. */
const MOST = 4096;

/** VIRTIO 1.4 §5.4: each request is room to be filled. */
export class Entropy extends RequestDevice {
  readonly deviceId = 4;
  readonly queueSizes = [64];
  readonly #fill: (bytes: Uint8Array) => Uint8Array;

  constructor(fill: (bytes: Uint8Array) => Uint8Array = randomFillSync) {
    super();
    this.#fill = fill;
  }

  protected answer(request: DeviceRequest): void {
    request.write(this.#fill(new Uint8Array(Math.min(request.writable, MOST))));
  }
}

if (process.argv[1] === import.meta.filename) {
  const [socket] = process.argv.slice(2);
  if (socket === undefined) throw new Error('usage: entropy.ts SOCKET');
  const served = serveAtPath(new VirtioPciFunction(new Entropy(), { packed: true }), socket);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, served.close);
  console.log(`-device '${served.qemuDevice}'`);
}
