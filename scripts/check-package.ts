/** Packs the package in the current folder and lets publint and attw judge the tarball, as npm would deliver it. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';

const folder = mkdtempSync(join(tmpdir(), 'vpmem-pack-'));
try {
  execFileSync('pnpm', ['pack', '--pack-destination', folder], { stdio: ['ignore', 'ignore', 'inherit'] });
  const [tarball] = readdirSync(folder).filter((name) => name.endsWith('.tgz'));
  if (tarball === undefined) throw new Error('pnpm pack made no tarball');

  const bytes = readFileSync(join(folder, tarball));
  const { messages, pkg } = await publint({
    pack: { tarball: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) },
    level: 'warning',
    strict: true,
  });
  for (const message of messages) console.error(`publint: ${formatMessage(message, pkg) ?? message.code}`);

  execFileSync('attw', ['--profile', 'esm-only', '--no-emoji', '--quiet', join(folder, tarball)], { stdio: 'inherit' });
  if (messages.length > 0) process.exit(1);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
