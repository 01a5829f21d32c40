import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { builtInChecker, programChecker } from '@vpmem/check-places';
import type { CheckQuestion } from '@vpmem/explorer';
import { preparePackages, requireTestbed } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GuestPlace, type GuestPlaceOptions } from '../src/index.ts';
import { ext4Image, fill, xfsImage } from './disk-images.ts';

const { testbed, reason } = await requireTestbed();
const PAGE = 4096;
const question: CheckQuestion = { state: '3', window: '3', marks: ['acked 40'], watch: [] };

describe.skipIf(testbed === undefined)(`built-in checkers in a guest${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let place: GuestPlace | undefined;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-built-in-'));
  });
  afterEach(async () => {
    await place?.close();
    rmSync(folder, { recursive: true });
  });
  const open = async (options: Omit<GuestPlaceOptions, 'testbed'>): Promise<GuestPlace> => (place = await GuestPlace.open({ testbed: testbed!, ...options }));

  it('ext4: a sound one is kept; a wrong count, a torn superblock and a blank disk are not', async () => {
    const size = 16 * 2 ** 20;
    const image = ext4Image(testbed!, size, { file: 'x'.repeat(9000) });
    const { target, check, checkBlank } = bound(await open({ size, checker: builtInChecker('ext4') }));
    fill(target, image);
    expect(await check(question)).toMatchObject({ verdict: 'kept', step: 'check' });
    // The journal of 6 is replayed by a mount, so only what is wrong afterwards counts: here, free blocks of the first group.
    const descriptors = Buffer.from(image.subarray(PAGE, 2 * PAGE));
    descriptors.writeUInt16LE(descriptors.readUInt16LE(12) ^ 0x55, 12);
    target.write(PAGE, descriptors);
    expect(await check(question)).toMatchObject({ verdict: 'violated' });
    target.write(PAGE, image.subarray(PAGE, 2 * PAGE));
    const torn = Buffer.from(image.subarray(0, PAGE));
    torn.writeUInt8(torn.readUInt8(1024 + 0x3fc) ^ 1, 1024 + 0x3fc);
    target.write(0, torn);
    expect(await check(question)).toMatchObject({ verdict: 'violated', step: 'mount', signature: expect.stringContaining('checksum') as string });
    target.write(0, image.subarray(0, PAGE));
    expect(await check(question)).toMatchObject({ verdict: 'kept', step: 'check' });
    expect(await checkBlank(question)).toMatchObject({ verdict: 'violated', step: 'check' });
    expect(await check(question)).toMatchObject({ verdict: 'kept', step: 'check' });
  });

  it('sqlite, on XFS: enough rows are kept, fewer are lost, a page of zeroes is malformed', async () => {
    const [program = '', ...args] = (await preparePackages('sqlite-1', ['sqlite3'])).command('usr/bin/sqlite3');
    const path = join(folder, 'db');
    execFileSync(program, [...args, path, 'CREATE TABLE log(id INTEGER PRIMARY KEY, text); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO log SELECT i, printf(\'row %d of many\', i) FROM n']);
    const database = readFileSync(path);
    const size = 300 * 2 ** 20;
    const image = xfsImage(testbed!, size, { db: path });
    const { target, check, checkBlank } = bound(await open({ size, fileSystem: 'xfs', checker: builtInChecker('sqlite:db:SELECT count(*) FROM log') }));
    fill(target, image);
    expect(await check(question)).toMatchObject({ verdict: 'kept', step: 'check', signature: '400 of 40' });
    expect(await check({ ...question, marks: ['acked 401'] })).toMatchObject({ verdict: 'violated', signature: 'acknowledged and lost' });
    const second = image.indexOf(database.subarray(PAGE, 2 * PAGE));
    target.write(second, new Uint8Array(PAGE));
    expect(await check(question)).toMatchObject({ verdict: 'violated', signature: expect.stringMatching(/[Pp]age \d|malformed/) as string });
    expect(await checkBlank(question)).toMatchObject({ verdict: 'violated', signature: 'db is not there' });
  });

  it('a program of this host is taken there, a dynamic one with its libraries', async () => {
    const size = 16 * 2 ** 20;
    const image = ext4Image(testbed!, size, { file: 'right' });
    const file = join(folder, 'check me');
    // What it runs is this host's: busybox has no option --version.
    writeFileSync(file, '#!/bin/sh\n[ "$(cat "$1/file")" = right ] && echo "$0" && /opt/sort --version | head -n 1 && exit 0\nexit 1\n', { mode: 0o755 });
    const { target, check } = bound(await open({ size, fileSystem: 'ext4', checker: programChecker({ command: file }), files: { '/opt/sort': '/usr/bin/sort' } }));
    fill(target, image);
    expect(await check(question)).toMatchObject({ verdict: 'kept', output: expect.stringMatching(/check me\nsort \(GNU/) as string });
    await place?.close();
    writeFileSync(file, '#!/usr/bin/env no-such-thing\n', { mode: 0o755 });
    await expect(open({ size, fileSystem: 'ext4', checker: programChecker({ command: file }) })).rejects.toThrow(
      `${file} cannot be put into the guest: it is run by /bin/no-such-thing, which the guest does not have; name the Debian package that has it`,
    );
  });
});

/** Its members as functions of their own. */
function bound(place: GuestPlace): Pick<GuestPlace, 'target' | 'check' | 'checkBlank'> {
  return { target: place.target, check: (asked) => place.check(asked), checkBlank: (asked) => place.checkBlank(asked) };
}
