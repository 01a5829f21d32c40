// The unit under a real systemd.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SystemdContainer } from '@vpmem/descriptor-store/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const obstacle = SystemdContainer.obstacle();
const CONFIG = '[object "mem0"]\nqom-type = "memory-backend-file"\nmem-path = "mem0.img"\nsize = "4M"\nshare = "on"\n[device "nv0"]\ndriver = "virtio-pmem-pci"\nmemdev = "mem0"\n';

describe.skipIf(obstacle !== undefined)(`vpmemd@.service under systemd${obstacle === undefined ? '' : ` (skipped: ${obstacle})`}`, () => {
  let folder: string;
  let systemd: SystemdContainer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmemd-systemd-'));
    // Everything as it is, but for where vpmemd, its options and its files are.
    const unit = readFileSync(here('../systemd/vpmemd@.service'), 'utf8')
      .replaceAll(/^(Exec\w+)=vpmemd/gm, `$1=${process.execPath} ${here('../dist/main.js')}`)
      .replaceAll('/etc/vpmem', folder)
      .replace('StateDirectory=vpmem/%i', `ReadWritePaths=${folder}`)
      .replace('WorkingDirectory=%S/vpmem/%i', `WorkingDirectory=${folder}/%i`)
      // The test's folder, and perhaps node and vpmemd, are there.
      .replace('PrivateTmp=yes', 'PrivateTmp=no')
      .replace('ProtectHome=yes', 'ProtectHome=no');
    for (const name of ['vm1', 'wrong']) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, `${name}.conf`), name === 'wrong' ? CONFIG.replace('[object "mem0"]', '[object "mem1"]') : CONFIG);
    }
    systemd = await SystemdContainer.start({ 'vpmemd@.service': unit });
  });
  afterAll(async () => {
    await systemd.stop();
    rmSync(folder, { recursive: true });
  });

  const show = (unit: string, ...names: string[]): string[] => names.map((name) => systemd.property(unit, name));
  const inode = (): string => systemd.run('stat', '-c', '%i', '/run/vpmem/vm1').stdout;

  it('is ready, says how it is, is started again after kill -9 with its folder as it was, and stops in good order', async () => {
    expect(systemd.run('systemctl', 'start', 'vpmemd@vm1')).toMatchObject({ status: 0, stderr: '' });
    expect(show('vpmemd@vm1', 'ActiveState', 'StatusText', 'NRestarts')).toEqual(['active', '1 device, 0 in use', '0']);
    const [main = ''] = show('vpmemd@vm1', 'MainPID');
    const before = inode();
    systemd.run('kill', '-KILL', main);
    await expect.poll(() => show('vpmemd@vm1', 'SubState', 'StatusText', 'NRestarts')).toEqual(['running', '1 device, 0 in use', '1']);
    expect(inode()).toBe(before);
    expect(systemd.run('systemctl', 'stop', 'vpmemd@vm1').status).toBe(0);
    expect(show('vpmemd@vm1', 'ActiveState', 'Result', 'NFileDescriptorStore')).toEqual(['inactive', 'success', '0']);
  });

  it('is not tried again with an option that is wrong', () => {
    expect(systemd.run('systemctl', 'start', 'vpmemd@wrong').status).toBe(1);
    expect(show('vpmemd@wrong', 'ActiveState', 'ExecMainStatus', 'NRestarts')).toEqual(['failed', '1', '0']);
  });
});
