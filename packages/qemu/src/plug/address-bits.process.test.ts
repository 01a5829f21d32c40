import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkAddressBits } from './address-bits.ts';

const GIB = 2 ** 30;
let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'vpmem-bits-'))));
afterEach(() => rmSync(folder, { recursive: true }));

/** A QEMU with such a processor, which writes down what it was started with. */
const qemu = (bits: number, vendor = 'GenuineIntel'): string => {
  const answers = ['{}', '[{"qom-path":"/cpu"}]', String(bits), `"${vendor}"`].map((value) => `read -r line; echo '{"event":"X"}'; echo '{"return": ${value}}'`);
  const path = join(folder, 'qemu');
  writeFileSync(path, `#!/bin/sh\necho "$*" >> '${folder}/args'\necho '{"QMP": {}}'\n${answers.join('\n')}\nread -r line\n`);
  chmodSync(path, 0o755);
  return path;
};
const asked = (): string => readFileSync(join(folder, 'args'), 'utf8').trim();
const devices = (...sizes: number[]): { id: string; size: number }[] => sizes.map((size, i) => ({ id: `nv${i}`, size: size * GIB }));

describe('checkAddressBits', () => {
  it('asks nobody where the memory fits everywhere', async () => {
    await checkAddressBits('/no/such/qemu', ['-cpu', 'host'], devices(8, 4));
    await checkAddressBits('/no/such/qemu', [], []);
  });

  it('refuses what the processor of that command line cannot address, alone or together, and names the biggest', async () => {
    await expect(checkAddressBits(qemu(39), [], devices(1, 512))).rejects.toMatchObject({
      code: 'not-supported',
      message: expect.stringMatching(/^device 'nv1': its memory, with that of other devices 513G, has no place .*phys-bits too low \(39\), they reach 512G; .*phys-bits=44,/) as string,
    });
    await expect(checkAddressBits(qemu(40), [], devices(512, 512))).rejects.toThrow(/other devices 1T.*too low \(40\)/);
    await expect(checkAddressBits(qemu(40, 'AuthenticAMD'), [], devices(512))).rejects.toThrow(/AMD processor keeps the last 12G/);
    await checkAddressBits(qemu(40), [], devices(512));
    await checkAddressBits(qemu(48, 'AuthenticAMD'), [], devices(512, 512, 1024));
  });

  it('asks with what decides about the processor and with nothing that makes or locks anything', async () => {
    const line = ['-M', 'q35,accel=kvm:tcg,memory-backend=ram', '-cpu', 'max,phys-bits=32', '-global', 'x.y=z', '-drive', 'file=a', '-m', '64G', '-enable-kvm', '-name', 'vm', '-monitor', 'stdio'];
    await expect(checkAddressBits(qemu(32), line, devices(4))).rejects.toThrow(/too low \(32\)/);
    expect(asked()).toBe('-nodefaults -display none -S -qmp stdio -machine type=q35,accel=kvm:tcg -cpu max,phys-bits=32 -global x.y=z -enable-kvm');
  });

  it('leaves it to a QEMU that does not start to say why', async () => {
    writeFileSync(join(folder, 'qemu'), '#!/bin/sh\nexit 1\n');
    chmodSync(join(folder, 'qemu'), 0o755);
    await checkAddressBits(join(folder, 'qemu'), [], devices(4096));
    await checkAddressBits('/no/such/qemu', [], devices(4096));
  });
});
