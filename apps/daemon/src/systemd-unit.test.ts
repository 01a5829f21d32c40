// The unit as systemd reads it. That it works under a systemd is not shown here, which would take root and namespaces of its own.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const UNIT = readFileSync(fileURLToPath(new URL('../systemd/vpmemd@.service', import.meta.url)), 'utf8');
const there = spawnSync('systemd-analyze', ['--version']).status === 0;

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmemd-unit-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** With a program that is there: this test does not depend on an installed vpmemd. */
function analyze(unit: string, ...words: string[]): { status: number | null; said: string } {
  const path = join(folder, 'vpmemd@vm1.service');
  writeFileSync(path, unit.replaceAll(/^(Exec\w+)=vpmemd/gm, `$1=${process.execPath}`));
  const { status, stdout, stderr } = spawnSync('systemd-analyze', [...words, path], { encoding: 'utf8', timeout: 20_000 });
  return { status, said: stdout + stderr };
}

it('gives each service folders of its own: systemd hands them, with all that is in them, to the user of the service that starts', () => {
  expect(UNIT.match(/^(?:Runtime|State)Directory=.*/gm)).toEqual(['RuntimeDirectory=vpmem/%i', 'StateDirectory=vpmem/%i']);
  expect(UNIT).toMatch(/^WorkingDirectory=%S\/vpmem\/%i$/m);
});

it('has systemd hold what vpmemd serves, as much as it says, and keeps the paths of sockets', () => {
  expect(/^FileDescriptorStoreMax=(\d+)$/m.exec(UNIT)?.[1]).toBe(/^Environment=FDSTORE=(\d+)$/m.exec(UNIT)?.[1]);
  for (const line of ['NotifyAccess=all', 'Restart=on-failure', 'RestartSec=0', 'RestartKillSignal=SIGQUIT', 'RuntimeDirectoryPreserve=restart']) expect(UNIT.split('\n')).toContain(line);
});

describe.skipIf(!there)(`vpmemd@.service${there ? '' : ' (skipped: no systemd-analyze here)'}`, () => {
  it('is understood, every line of it', () => {
    expect(analyze(UNIT, 'verify')).toEqual({ status: 0, said: '' });
    expect(analyze(UNIT.replace('UMask=', 'Umsk='), 'verify').said).toMatch(/Unknown key.*'Umsk'/);
  });

  it('is exposed to little', () => {
    const { status, said } = analyze(UNIT, 'security', '--offline=yes', '--threshold=20');
    expect(said).toMatch(/Overall exposure level/);
    expect(status).toBe(0);
  });
});

it('lets V8 compile, speaks of readiness, and asks for a watchdog', () => {
  for (const line of ['Type=notify', 'MemoryDenyWriteExecute=no', 'UMask=0077', 'RestrictAddressFamilies=AF_UNIX', 'NoNewPrivileges=yes']) {
    expect(UNIT.split('\n')).toContain(line);
  }
  expect(UNIT).toMatch(/^WatchdogSec=\d+$/m);
});
