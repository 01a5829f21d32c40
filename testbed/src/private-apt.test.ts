import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AptSource } from './apt-sources.ts';
import { PrivateApt } from './private-apt.ts';
import { withSharedApt } from './shared-apt.ts';

const plan = (uri: string): AptSource[][] => [[{ uri, suite: 'trixie', components: ['main'], trusted: true }]];

describe('PrivateApt', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-apt-'));
    mkdirSync(join(folder, 'bin'));
    // Writes down what it is asked for; it downloads what it is told to install, and reads no lists where the file 'broken' is.
    const script = `#!/bin/sh
echo "$*" | sed 's/.*apt.conf //' >> ${folder}/asked
case "$*" in
  *update*) [ ! -e ${folder}/broken ] ;;
  *install*) for word; do last=$word; done; touch ${folder}/apt/cache/archives/$last.deb ;;
esac`;
    writeFileSync(join(folder, 'bin/apt-get'), script);
    chmodSync(join(folder, 'bin/apt-get'), 0o755);
    vi.stubEnv('PATH', `${folder}/bin:${process.env.PATH ?? ''}`);
  });
  afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });

  const open = (): PrivateApt => new PrivateApt(join(folder, 'apt'), () => undefined);
  const asked = (): string[] => (existsSync(join(folder, 'asked')) ? readFileSync(join(folder, 'asked'), 'utf8').trim().split('\n') : []);
  const HOUR = 3600;
  const age = (seconds: number): void => {
    const then = Date.now() / 1000 - seconds;
    utimesSync(join(folder, 'apt/updated'), then, then);
  };

  it('reads the lists of packages once an hour, and of other sources at once', async () => {
    await open().update(plan('http://one'));
    await open().update(plan('http://one'));
    expect(asked()).toEqual(['-q update']);
    age(HOUR - 60);
    await open().update(plan('http://one'));
    expect(asked()).toHaveLength(1);
    age(HOUR + 1);
    await open().update(plan('http://one'));
    expect(asked()).toHaveLength(2);
    await open().update(plan('http://two'));
    expect(asked()).toHaveLength(3);
    await open().update(plan('http://one'));
    expect(asked()).toHaveLength(4);
  });

  it('reads them anew after work that failed: they may name what the mirror no longer has', async () => {
    const share = (work: () => Promise<void>): Promise<void> => withSharedApt(folder, { VPMEM_TESTBED_MIRROR: 'http://one' }, () => undefined, work);
    const nothing = (): Promise<void> => Promise.resolve();
    await share(nothing);
    await share(nothing);
    expect(asked()).toHaveLength(1);
    await expect(share(() => Promise.reject(new Error('404')))).rejects.toThrow('404');
    await share(nothing);
    expect(asked()).toHaveLength(2);
  });

  it('has no lists where they could not be read', async () => {
    await open().update(plan('http://one'));
    writeFileSync(join(folder, 'broken'), '');
    await expect(open().update(plan('http://two'))).rejects.toThrow('apt cannot read the lists of packages');
    rmSync(join(folder, 'broken'));
    await open().update(plan('http://one'));
    expect(asked()).toHaveLength(3);
  });

  it('gives what was downloaded for the packages, and not what another attempt has left', async () => {
    const apt = open();
    writeFileSync(join(folder, 'apt/cache/archives/left.deb'), '');
    expect(await apt.downloadWithDependencies(['sqlite3'])).toEqual([join(folder, 'apt/cache/archives/sqlite3.deb')]);
    apt.clean();
    expect(existsSync(join(folder, 'apt/cache/archives/sqlite3.deb'))).toBe(false);
  });
});
