import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SocketPathError } from '@vpmem/native';
import type { Bar } from '@vpmem/pci';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CountingFunction } from './counting-function.ts';
import { everyMessage } from './kept/every-message.ts';
import { Header } from './protocol.ts';
import { serveAtPath } from './serve-at-path.ts';
import { countDescriptors } from './testing.ts';

describe('a function served at a path', () => {
  let folder: string;
  let path: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-serve-'));
    path = join(folder, 'device.sock');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Introduces itself; the device is this client's then. */
  async function client(): Promise<Socket> {
    const socket = connect(path);
    socket.write(everyMessage.find(({ name }) => name === 'VERSION')?.bytes ?? '');
    const [reply] = (await once(socket, 'data')) as [Buffer];
    expect(Header.decode(new DataView(reply.buffer, reply.byteOffset))).toMatchObject({ cmd: 1, error_no: 0 });
    return socket;
  }

  it('is there for its owner alone, one client after the other, until it is closed; then nothing is left', async () => {
    const before = countDescriptors();
    const pci = new CountingFunction();
    const served = serveAtPath(pci, path);
    expect(served.qemuDevice).toBe(`{"driver":"vfio-user-pci","socket":{"path":"${path}","type":"unix"}}`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    (await client()).destroy();
    const second = await client();
    expect([served.server.busy, pci.log]).toEqual([true, ['attach', 'detach', 'attach']]);
    const hungUp = once(second, 'close');
    served.close();
    served.close();
    await Promise.all([served.ended, hungUp]);
    expect([existsSync(path), served.server.busy, countDescriptors()]).toEqual([false, false, before]);
    served.close();
  });

  it('whoever listens there already keeps the path, and a file keeps what is in it', async () => {
    const first = serveAtPath(new CountingFunction(), path);
    expect(() => serveAtPath(new CountingFunction(), path)).toThrow(SocketPathError);
    first.close();
    await first.ended;
    writeFileSync(path, '');
    expect(() => serveAtPath(new CountingFunction(), path)).toThrow(`'${path}' exists and is no socket; name another path`);
    expect(existsSync(path)).toBe(true);
  });

  it('leaves nothing where the function cannot be served', () => {
    const before = countDescriptors();
    const pci = new CountingFunction();
    const area = { size: 4096, fd: 0 };
    const bar = { ...pci.bars[0], areas: [{ ...area, offset: 0, fileOffset: 4096 }, { ...area, offset: 4096, fileOffset: 0 }] } as Bar;
    expect(() => serveAtPath(Object.assign(pci, { bars: [bar] }), path)).toThrow(RangeError);
    expect([existsSync(path), countDescriptors()]).toEqual([false, before]);
  });
});
