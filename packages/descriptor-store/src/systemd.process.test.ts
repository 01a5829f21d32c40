// A real systemd, and what it does with what we tell it.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SystemdContainer } from './testing.ts';

const PROGRAM = fileURLToPath(new URL('../tests/kept-program.mjs', import.meta.url));
const obstacle = SystemdContainer.obstacle();

/** A kept program; what it says goes into a file. */
const unit = (max: number, type = 'exec'): string => `
[Unit]
StartLimitIntervalSec=0
[Service]
Type=${type}
NotifyAccess=all
ExecStart=${process.execPath} ${PROGRAM} %i
ExecReload=/bin/sh -c "${process.execPath} ${PROGRAM} takes & exec sleep 2"
FileDescriptorStoreMax=${max}
Environment=FDSTORE=${max}
StandardOutput=append:FOLDER/%i
Restart=on-failure
RestartSec=0
RestartPreventExitStatus=1
`;

describe.skipIf(obstacle !== undefined)(`systemd${obstacle === undefined ? '' : ` (skipped: ${obstacle})`}`, () => {
  let folder: string;
  let systemd: SystemdContainer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-kept-'));
    const units = { 'stays@.service': unit(10, 'notify'), 'full@.service': unit(7), 'few@.service': unit(3), 'counts@.service': unit(7) };
    systemd = await SystemdContainer.start(Object.fromEntries(Object.entries(units).map(([name, text]) => [name, text.replace('FOLDER', folder)])));
  });
  afterAll(async () => {
    await systemd.stop();
    rmSync(folder, { recursive: true });
  });

  /** What the lives of a program have said so far. */
  const said = (name: string): Record<string, unknown>[] => {
    try {
      return readFileSync(join(folder, name), 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
    } catch {
      return [];
    }
  };
  const lives = (name: string, count: number): Promise<void> => expect.poll(() => said(name).length).toBe(count);
  const kill = (name: string): void => void systemd.run('systemctl', 'kill', '-s', 'KILL', name);

  it('gives the next process what the one before had added, the latest first, also at a restart, and nothing after a stop', async () => {
    expect(systemd.run('systemctl', 'start', 'stays@stays').status).toBe(0);
    for (const count of [1, 2]) {
      kill('stays@stays');
      await lives('stays', count + 1);
    }
    await expect.poll(() => systemd.property('stays@stays', 'SubState')).toBe('running');
    systemd.run('systemctl', 'restart', 'stays@stays');
    await lives('stays', 4);
    expect(said('stays').map(({ inherited }) => inherited)).toEqual([[], ['life0'], ['life1', 'life0'], ['life2', 'life1', 'life0']]);
    await expect.poll(() => systemd.property('stays@stays', 'NFileDescriptorStore')).toBe('4');
    systemd.run('systemctl', 'stop', 'stays@stays');
    expect(systemd.property('stays@stays', 'NFileDescriptorStore')).toBe('0');
  });

  it('is full when we say so', async () => {
    systemd.run('systemctl', 'start', 'full@fills');
    await lives('fills', 1);
    kill('full@fills');
    await lives('fills', 2);
    expect(said('fills')).toMatchObject([{ inherited: 0, refused: expect.stringMatching(/holds 7/) as string }, { inherited: 7 }]);
    systemd.run('systemctl', 'stop', 'full@fills');
  });

  it('throws away what is too much, and an open file that it has, as our keeper does', async () => {
    systemd.run('systemctl', 'start', 'few@overfills');
    await lives('overfills', 1);
    kill('few@overfills');
    await lives('overfills', 2);
    expect(said('overfills')[1]?.inherited).toEqual(['d', 'c', 'a']);
    systemd.run('systemctl', 'stop', 'few@overfills');
  });

  it('follows a process that took over, and starts the unit anew when that dies', async () => {
    systemd.run('systemctl', 'start', 'stays@stays');
    const [old, started] = [systemd.property('stays@stays', 'MainPID'), said('stays').length];
    expect(systemd.run('systemctl', 'reload', 'stays@stays').status).toBe(0);
    await lives('stays', started + 1);
    const main = systemd.property('stays@stays', 'MainPID');
    expect(main).not.toBe(old);
    // It must not say STOPPING=1, which systemd takes for the service's, whoever says it.
    systemd.run('kill', '-USR2', old);
    await expect.poll(() => systemd.run('kill', '-0', old).status).not.toBe(0);
    expect([systemd.property('stays@stays', 'ActiveState'), systemd.property('stays@stays', 'MainPID')]).toEqual(['active', main]);
    systemd.run('kill', '-KILL', main);
    await lives('stays', started + 2);
    expect(said('stays').at(-1)?.inherited).toEqual(['life0']);
    systemd.run('systemctl', 'stop', 'stays@stays');
  });

  it('loses nothing, whenever a process is killed', async () => {
    systemd.run('systemctl', 'start', 'counts@counts');
    for (let life = 1; life <= 15; life++) {
      await expect.poll(() => said('counts').length, { interval: 5 + Math.random() * 20 }).toBe(life);
      kill('counts@counts');
    }
    await lives('counts', 16);
    expect(said('counts').filter(({ wrong }) => wrong !== undefined)).toEqual([]);
    systemd.run('systemctl', 'stop', 'counts@counts');
  });
});
