import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { splitCommandLine } from './command-line.ts';
import { substitute } from './substitution.ts';
import { checkUserConfig } from './user-config.ts';

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-user-config-'));
  path = join(folder, 'qemu.conf');
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("QEMU's own configuration file", () => {
  const check = (text: string, args: string[], ram: boolean) => (): void => {
    writeFileSync(path, text);
    checkUserConfig(splitCommandLine(args), ram, path);
  };
  const DEVICE = '# x\n[device "a"]\n  driver = "virtio-pmem-pci"\n';

  it.each<[string, boolean]>([[DEVICE, false], [DEVICE, true], ['\n[memory]\n  size = "1G"\n', true], ['\n[machine]\n  type = "q35"\n', true]])('is refused with %j', (text, ram) => {
    expect(check(text, ['-m', '1G'], ram)).toThrow(expect.objectContaining({ code: 'not-supported', message: expect.stringMatching(/qemu.conf:2: QEMU reads this \[(device|memory|machine)\] by itself, .*begin the command line with -no-user-config -readconfig \/.*qemu.conf$/) as string }) as Error);
    expect(check(text, ['--no-user-config'], ram)).not.toThrow();
  });

  it.each<[string, boolean]>([['[memory]\n  size = "1G"\n', false], ['[device "a"]\n  driver = "virtio-rng-pci"\n', true], ['[name]\n  guest = "x"\n', true], ['[[\n', true]])('is none of our business with %j', (text, ram) => {
    expect(check(text, [], ram)).not.toThrow();
  });

  it('may be missing, and is looked for where QEMU does', () => {
    expect(() => { checkUserConfig([], true, join(folder, 'missing')); }).not.toThrow();
    writeFileSync(path, DEVICE);
    expect(() => substitute([], { userConfig: path })).toThrow(/vpmem has to see it/);
  });
});
