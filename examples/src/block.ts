// A disk that is a file: /dev/vda in a guest. `npx tsx examples/src/block.ts SOCKET FILE`
import { open, type FileHandle } from 'node:fs/promises';
import { le32, le64, le64big, RegisterBlock, struct } from '@vpmem/layout';
import { serveAtPath } from '@vpmem/vfio-user';
import { RequestDevice, type ConfigSpace, type DeviceRequest } from '@vpmem/virtio';
import { VirtioPciFunction } from '@vpmem/virtio-pci';

// VIRTIO 1.4 §5.2, as far as this disk goes.
const VIRTIO_BLK_F_SIZE_MAX = 1n << 1n;
const VIRTIO_BLK_F_SEG_MAX = 1n << 2n;
const VIRTIO_BLK_F_FLUSH = 1n << 9n;
const VirtioBlkConfig = struct('virtio_blk_config', { capacity: le64big, size_max: le32, seg_max: le32 });
const VirtioBlkReq = struct('virtio_blk_req', { type: le32, reserved: le32, sector: le64 });
const VIRTIO_BLK_T = { IN: 0, OUT: 1, FLUSH: 4 };
const VIRTIO_BLK_S = { OK: 0, IOERR: 1, UNSUPP: 2 };

const SECTOR = 512;
const SEGMENT = { size: 2 ** 16, count: 16 };
/** Bytes of data in one request: what a driver is told, and so the most memory that it can make us take for one. */
const MOST = SEGMENT.size * SEGMENT.count;
/** A disk drive; without it no firmware would look for something to boot. */
const MASS_STORAGE = 0x01_00_00;

export class Disk extends RequestDevice {
  readonly deviceId = 2;
  override readonly features = VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_FLUSH;
  readonly queueSizes = [64];
  readonly #file: FileHandle;
  readonly #size: number;
  #lost = false;

  /** Of `size` bytes, from the beginning of `file` on; what is beyond the last whole sector is left alone. */
  constructor(file: FileHandle, size: number) {
    super();
    this.#file = file;
    this.#size = size - (size % SECTOR);
  }

  config(): ConfigSpace {
    const capacity = BigInt(this.#size / SECTOR);
    return new RegisterBlock(VirtioBlkConfig, Object.freeze({ capacity, size_max: SEGMENT.size, seg_max: SEGMENT.count }));
  }

  /** VIRTIO 1.4 §5.2.6: a header to read, then data to read or to write, and at the very end one byte to write, the status. */
  protected async answer(request: DeviceRequest): Promise<void> {
    const header = request.read(VirtioBlkReq.size);
    const end = request.writable - 1;
    if (header === undefined || end < 0) return;
    const { type, sector } = VirtioBlkReq.decode(new DataView(header.buffer));
    const status = await this.#carryOut(request, type, sector * SECTOR).catch(() => VIRTIO_BLK_S.IOERR);
    request.write(Uint8Array.of(status), end);
  }

  async #carryOut(request: DeviceRequest, type: number, offset: number): Promise<number> {
    switch (type) {
      case VIRTIO_BLK_T.IN: {
        const length = request.writable - 1;
        if (!this.#has(offset, length)) return VIRTIO_BLK_S.IOERR;
        const { bytesRead, buffer } = await this.#file.read(new Uint8Array(length), 0, length, offset);
        return bytesRead === length && request.write(buffer) ? VIRTIO_BLK_S.OK : VIRTIO_BLK_S.IOERR;
      }
      case VIRTIO_BLK_T.OUT: {
        const length = request.readable - VirtioBlkReq.size;
        const data = this.#has(offset, length) ? request.read(length, VirtioBlkReq.size) : undefined;
        if (data === undefined) return VIRTIO_BLK_S.IOERR;
        return (await this.#file.write(data, 0, length, offset)).bytesWritten === length ? VIRTIO_BLK_S.OK : VIRTIO_BLK_S.IOERR;
      }
      case VIRTIO_BLK_T.FLUSH:
        // The kernel tells of a lost write once: no later flush can know of it.
        await this.#file.datasync().catch(() => (this.#lost = true));
        return this.#lost ? VIRTIO_BLK_S.IOERR : VIRTIO_BLK_S.OK;
      default:
        return VIRTIO_BLK_S.UNSUPP;
    }
  }

  #has(offset: number, length: number): boolean {
    return length % SECTOR === 0 && length <= MOST && offset + length <= this.#size;
  }
}

if (process.argv[1] === import.meta.filename) {
  const [socket, path] = process.argv.slice(2);
  if (socket === undefined || path === undefined) throw new Error('usage: block.ts SOCKET FILE');
  const file = await open(path, 'r+');
  const disk = new Disk(file, (await file.stat()).size);
  const served = serveAtPath(new VirtioPciFunction(disk, { classCode: MASS_STORAGE }), socket);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, served.close);
  console.log(`-device '${served.qemuDevice}'`);
}
