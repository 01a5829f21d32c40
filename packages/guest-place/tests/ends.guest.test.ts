import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { programChecker } from '@vpmem/check-places';
import { processEnd } from '@vpmem/native';
import { requireTestbed } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { GuestPlace } from '../src/index.ts';
import { ext4Image, fill } from './disk-images.ts';

const { testbed, reason } = await requireTestbed();
const SIZE = 16 * 2 ** 20;
const question = (script: string) => ({ state: '1', window: '1', marks: [script], watch: [] });

describe.skipIf(testbed === undefined)(`the end of a guest place${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  // Of its own: other tests have guests at the same time.
  const outer = process.env.TMPDIR;
  let temporary: string;
  beforeEach(() => {
    temporary = mkdtempSync(join(tmpdir(), 'vpmem-ends-'));
    process.env.TMPDIR = temporary;
  });
  afterEach(() => {
    if (outer === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = outer;
    rmSync(temporary, { recursive: true });
  });

  it('a guest that stands still is a hang and is ended; closing ends a check that runs, and leaves nothing', async () => {
    const folders = (): string[] => readdirSync(temporary).filter((name) => name.startsWith('vpmem-testbed-'));
    const descriptors = openFiles();
    const checker = programChecker({ command: 'eval "$VPMEM_LAST_MARK" #$1', timeout: 1000 });
    const place = await GuestPlace.open({ testbed: testbed!, size: SIZE, fileSystem: 'ext4', checker, grace: 1000 });
    try {
      fill(place.target, ext4Image(testbed!, SIZE, { file: 'x' }));
      const { pid: first = 0 } = place;
      expect(folders()).toHaveLength(1);
      const end = processEnd(first);
      process.kill(first, 'SIGSTOP');
      expect(await place.check(question('true'))).toMatchObject({ verdict: 'hang', step: 'mount', signature: 'the mount did not end in time' });
      await end;
      // The next one has another guest.
      const running = place.check(question('exec sleep 1000'));
      const heard = expect(running).rejects.toThrow('the place was closed while a check ran');
      await place.close();
      await heard;
      await expect(place.check(question('true'))).rejects.toThrow('the place is closed');
      expect(folders()).toEqual([]);
      // The last of a program's pipes is closed when its end is heard of.
      await vi.waitFor(() => expect(openFiles()).toEqual(descriptors), 10_000);
    } finally {
      await place.close();
    }
  });

  it('QEMU ends with a process that is killed', async () => {
    const child = spawn('npx', ['tsx', fileURLToPath(new URL('held-place.ts', import.meta.url))], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
    const pid = Number(line);
    expect(readFileSync(`/proc/${pid}/cmdline`, 'latin1')).toContain('memory-backend-file,id=image');
    const end = processEnd(pid);
    process.kill(-(child.pid ?? 0), 'SIGKILL');
    await end;
  });
});

/** What this process has open, but for what there may be more of at any time: node's own event loops, and pipes to programs that it starts. */
function openFiles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const file = readlinkSync(`/proc/self/fd/${fd}`);
      return /memfd|\/proc\/\d+\/|socket/.test(file) && !file.endsWith('/fd') ? [file.replace(/\d+/g, 'N')] : [];
    } catch {
      // The folder's own.
      return [];
    }
  }).sort();
}
