import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ImageTarget } from '@vpmem/recording';
import type { Testbed } from '@vpmem/testbed';

/** An image of ext4 that has these files, made by mke2fs of the testbed: no root, no mount. */
export function ext4Image({ tools }: Testbed, size: number, files: Readonly<Record<string, string | Uint8Array>>): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-image-'));
  try {
    const [tree, image] = [join(folder, 'tree'), join(folder, 'image')];
    mkdirSync(tree);
    for (const [name, content] of Object.entries(files)) writeFileSync(join(tree, name), content);
    writeFileSync(image, '');
    truncateSync(image, size);
    const [program = '', ...args] = tools.command('usr/sbin/mke2fs');
    execFileSync(program, [...args, '-q', '-F', '-t', 'ext4', '-b', '4096', '-d', tree, image], { stdio: 'pipe' });
    return readFileSync(image);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** An image of XFS that has these files of this host, made by mkfs.xfs of the testbed. */
export function xfsImage({ tools }: Testbed, size: number, files: Readonly<Record<string, string>>): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'vpmem-image-'));
  try {
    const [prototype, image] = [join(folder, 'prototype'), join(folder, 'image')];
    // xfs_protofile(5): no boot block, sizes that nobody reads, the root, its files.
    writeFileSync(prototype, `none\n0 0\nd--755 0 0\n${Object.entries(files).map(([name, path]) => `${name} ---644 0 0 ${path}\n`).join('')}$\n`);
    writeFileSync(image, '');
    truncateSync(image, size);
    const [program = '', ...args] = tools.command('usr/sbin/mkfs.xfs');
    execFileSync(program, [...args, '-q', '-f', '-p', prototype, image], { stdio: 'pipe' });
    return readFileSync(image);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Puts an image where one is looked at. */
export function fill(target: ImageTarget, image: Uint8Array): void {
  for (let at = 0; at < image.length; at += 4096) {
    const page = image.subarray(at, at + 4096);
    if (page.some((byte) => byte !== 0)) target.write(at, page);
  }
}
