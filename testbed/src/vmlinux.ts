import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Kernel } from './kernel.ts';
import type { PackageTree } from './package-tree.ts';
import { runProgram } from './program.ts';
import type { Testbed } from './testbed.ts';

const ZSTD = 0xfd2fb528;
const ELF = '\x7fELF';
/** What the kernel's own build puts behind the compressed bytes: how many there are without compression. */
const LENGTH = 4;

/**
 * The ELF file that is compressed in a bzImage, which QEMU starts at the entry that the kernel's PVH note names. Nothing of it is
 * changed, only that the host takes out in a third of a second, once, what a guest under TCG takes out in a second at every boot.
 *
 * @returns its path; that of the bzImage itself for a kernel that is compressed otherwise (6.1: LZ4, which is quick there too)
 */
export async function findVmlinux({ dir, tools }: Testbed, kernel: Kernel): Promise<string> {
  const folder = join(dir, 'vmlinux');
  const path = join(folder, `${kernel.name}-${kernel.release}`);
  if (existsSync(path)) return path;
  const payload = payloadOf(readFileSync(kernel.image));
  if (payload === undefined) return kernel.image;
  mkdirSync(folder, { recursive: true });
  // Others may be making the same one: each its own, and whole ones only.
  const own = mkdtempSync(join(folder, 'partial-'));
  try {
    const bytes = await unpackZstd(payload, own, tools);
    if (bytes.subarray(0, ELF.length).toString('latin1') !== ELF) return kernel.image;
    writeFileSync(join(own, 'vmlinux'), bytes);
    renameSync(join(own, 'vmlinux'), path);
  } finally {
    rmSync(own, { recursive: true });
  }
  return path;
}

/** What a bzImage has compressed with zstd, by its boot protocol (`Documentation/arch/x86/boot.rst`: setup_sects, payload_offset, payload_length). */
export function payloadOf(image: Buffer): Buffer | undefined {
  if (image.length < 0x250 || image.toString('latin1', 0x202, 0x206) !== 'HdrS' || image.readUInt16LE(0x206) < 0x0208) return undefined;
  const setup = ((image[0x1f1] ?? 0) || 4) + 1;
  const start = setup * 512 + image.readUInt32LE(0x248);
  const payload = image.subarray(start, start + image.readUInt32LE(0x24c) - LENGTH);
  return payload.length > LENGTH && payload.readUInt32LE(0) === ZSTD ? payload : undefined;
}

/** Node 20 has no zstd, but dpkg has: as the data of a package, of which dpkg-deb gives back what it unpacks without a look at it. */
async function unpackZstd(bytes: Buffer, folder: string, tools: PackageTree): Promise<Buffer> {
  const deb = join(folder, 'package.deb');
  writeFileSync(deb, makeArchive({ 'debian-binary': Buffer.from('2.0\n'), 'control.tar': Buffer.alloc(1024), 'data.tar.zst': bytes }));
  return await runProgram([...tools.command('usr/bin/dpkg-deb'), '--fsys-tarfile', deb]);
}

/** An archive as ar makes it, by names of at most 16 characters (ar(5)). */
function makeArchive(members: Readonly<Record<string, Buffer>>): Buffer {
  const parts = Object.entries(members).flatMap(([name, bytes]) => {
    const header = [name.padEnd(16), '0'.padEnd(12), '0'.padEnd(6), '0'.padEnd(6), '100644'.padEnd(8), String(bytes.length).padEnd(10), '`\n'].join('');
    return [Buffer.from(header), bytes, Buffer.alloc(bytes.length % 2, '\n')];
  });
  return Buffer.concat([Buffer.from('!<arch>\n'), ...parts]);
}
