import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import type { Testbed } from '@vpmem/testbed';
import { median } from './statistics.ts';

const VPMEM = fileURLToPath(new URL('../../apps/cli/bin/vpmem.js', import.meta.url));
const ROUNDS = 15;

/** Milliseconds from the start of a command to the guest's first instructions, medians. */
export interface StartUp {
  /** QEMU with its own virtio-pmem. */
  readonly bare: number;
  /** `vpmem qemu` with the same line. */
  readonly behind: number;
}

/** Starts both in turns. Firmware writes to its debug port almost as soon as it runs. */
export async function measureStartUp(testbed: Testbed): Promise<StartUp> {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-start-'));
  try {
    const bare: number[] = [];
    const behind: number[] = [];
    for (let round = -1; round < ROUNDS; round++) {
      const first = await time(folder, testbed.qemuCommand);
      const second = await time(folder, [VPMEM, 'qemu', '--qemu', testbed.qemuWrapper, '--']);
      if (round < 0) continue;
      bare.push(first);
      behind.push(second);
    }
    return { bare: median(bare), behind: median(behind) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function time(folder: string, [command = '', ...words]: readonly string[]): Promise<number> {
  const port = join(folder, 'port');
  const server = createServer();
  const spoken = new Promise<void>((resolve) => server.once('connection', (socket: Socket) => socket.once('data', () => resolve())));
  server.listen(port);
  await once(server, 'listening');
  const line = ['-M', 'pc', '-m', '256M,slots=1,maxmem=1G', '-nodefaults', '-display', 'none', '-chardev', `socket,id=port,path=${port}`, '-device', 'isa-debugcon,iobase=0x402,chardev=port'];
  const device = ['-object', `memory-backend-file,id=mem1,share=on,size=64M,mem-path=${join(folder, 'pmem.img')}`, '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1'];
  const began = performance.now();
  const child = spawn(command, [...words, ...line, ...device], { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  await Promise.race([spoken, ended.then(() => Promise.reject(new Error(`${command} ended before the guest began`)))]);
  const took = performance.now() - began;
  child.kill('SIGTERM');
  await ended;
  server.close();
  return took;
}
