import { closeSync, mkdirSync, openSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes that tell where in which file they are, by their first number. */
export function sampleBytes(seed: number, length: number): Uint8Array {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at + 4 <= length; at += 4) bytes.writeUInt32LE((seed * 0x1_0001 + at * 2654435761) % 2 ** 32, at);
  return bytes;
}

/** Fills a folder with what file systems treat in different ways: many names, holes, links, tiny and large files. */
export function fillSampleFolder(folder: string): void {
  mkdirSync(join(folder, 'many/deep'), { recursive: true });
  writeFileSync(join(folder, 'hello.txt'), 'hello\n');
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'inline'), 'x'.repeat(100));
  writeFileSync(join(folder, 'large'), sampleBytes(1, 1_000_003));
  for (let i = 0; i < 300; i++) writeFileSync(join(folder, `many/a-name-that-is-not-short-${i}`), sampleBytes(i + 2, i * 7));
  const holes = openSync(join(folder, 'many/deep/holes'), 'w');
  for (let i = 0; i < 700; i++) writeSync(holes, sampleBytes(1000 + i, 4096), 0, 4096, i * 12288);
  closeSync(holes);
  symlinkSync('short', join(folder, 'link'));
  symlinkSync(`/${'long'.repeat(100)}`, join(folder, 'long-link'));
}
