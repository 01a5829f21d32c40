import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkQemu, followParent } from './qemu-binary.ts';
import { runQemu } from './run-qemu.ts';
import { holdSignals } from './vm-signals.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-qemu-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const program = (script: string): string => {
  const path = join(folder, 'qemu');
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
};
const saying = (version: string): string => program(`echo 'QEMU emulator version ${version} (Debian)'`);

describe('checkQemu', () => {
  it.each(['10.1.0', '10.2.2', '11.1.3', '12.0.0'])('takes QEMU %s', async (version) => {
    expect(await checkQemu(saying(version))).toBe(version);
  });

  it.each(['10.0.13', '9.2.0', '7.2.0'])('refuses QEMU %s with the reason', async (version) => {
    await expect(checkQemu(saying(version))).rejects.toMatchObject({ code: 'too-old', message: expect.stringMatching(`QEMU ${version}.*vfio-user client.*10.1`) as string });
  });

  it('says what it could not run', async () => {
    await expect(checkQemu(join(folder, 'none'))).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('no such program') as string });
    await expect(checkQemu(program('echo something else'))).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('does not say that it is QEMU') as string });
    await expect(checkQemu(program('exit 3'))).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe('followParent', () => {
  it.each([['10.2.2', []], ['11.0.9', []], ['11.1.0', ['-run-with', 'exit-with-parent=on']], ['12.0.0', ['-run-with', 'exit-with-parent=on']]])('QEMU %s', (version, args) => {
    expect(followParent(version)).toEqual(args);
  });
});

describe('holdSignals', () => {
  it('holds the first signal back, says which, and takes its handlers back', () => {
    const before = process.listenerCount('SIGINT');
    const release = holdSignals();
    process.emit('SIGINT', 'SIGINT');
    process.emit('SIGTERM', 'SIGTERM');
    expect(release()).toBe('SIGINT');
    expect(process.listenerCount('SIGINT')).toBe(before);
    expect(holdSignals()()).toBeUndefined();
  });
});

describe('runQemu', () => {
  it('gives back the exit status', async () => {
    expect(await runQemu(program('exit 7'), [])).toEqual({ code: 7, signal: null });
  });

  it('gives back the signal', async () => {
    expect(await runQemu(program('kill -KILL $$'), [])).toEqual({ code: null, signal: 'SIGKILL' });
  });

  it('passes signals on and takes its handlers back', async () => {
    const before = process.listenerCount('SIGTERM');
    const running = runQemu(program(`trap 'exit 42' TERM; touch '${folder}/ready'; while :; do sleep 0.05; done`), []);
    await expect.poll(() => import('node:fs').then(({ existsSync }) => existsSync(join(folder, 'ready')))).toBe(true);
    process.emit('SIGTERM', 'SIGTERM');
    expect(await running).toEqual({ code: 42, signal: null });
    expect(process.listenerCount('SIGTERM')).toBe(before);
  });

  it('fails for a program that cannot be started', async () => {
    await expect(runQemu(join(folder, 'none'), [])).rejects.toMatchObject({ code: 'not-found', message: expect.stringContaining('ENOENT') as string });
  });
});
