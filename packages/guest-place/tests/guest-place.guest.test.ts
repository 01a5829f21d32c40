import { readSync } from 'node:fs';
import { programChecker } from '@vpmem/check-places';
import type { CheckAnswer } from '@vpmem/explorer';
import { requireTestbed } from '@vpmem/testbed';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GuestPlace } from '../src/index.ts';
import { ext4Image, fill } from './disk-images.ts';

const { testbed, reason } = await requireTestbed();
const PAGE = 4096;
const SIZE = 32 * 2 ** 20;
const WORDS = 'the first words of a file';

describe.skipIf(testbed === undefined)(`a guest that looks at one image after the other${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let image: Buffer;
  let place: GuestPlace;
  let dirty = new Set<number>();
  beforeAll(async () => {
    image = ext4Image(testbed!, SIZE, { one: WORDS, other: 'b'.repeat(3 * PAGE) });
    // It does what the last mark says, so one guest is enough for all.
    const checker = programChecker({ command: 'eval "$VPMEM_LAST_MARK" #$1', timeout: 8000 });
    place = await GuestPlace.open({ testbed: testbed!, size: SIZE, fileSystem: 'ext4', checker });
    fill(place.target, image);
  });
  afterAll(async () => {
    await place.close();
  });
  beforeEach(() => {
    // Whatever a test has put there is taken away again.
    for (const page of dirty) place.target.write(page * PAGE, image.subarray(page * PAGE, (page + 1) * PAGE));
    dirty = new Set();
  });

  const ask = (script: string, watch: readonly number[] = [], marks: readonly string[] = []): Promise<CheckAnswer> => place.check({ state: '7:page:-2', window: '7', marks: [...marks, script], watch });
  const put = (at: number, text: string): void => {
    const page = Math.floor(at / PAGE);
    const bytes = Buffer.from(image.subarray(page * PAGE, (page + 1) * PAGE));
    bytes.write(text, at - page * PAGE);
    dirty.add(page);
    place.target.write(page * PAGE, bytes);
  };
  const held = (fd: number): Buffer => {
    const bytes = Buffer.alloc(SIZE);
    for (let done = 0; done < SIZE; ) done += readSync(fd, bytes, done, SIZE - done, done);
    return bytes;
  };

  it.each([
    ['echo fine', 'kept', 'fine'],
    ['echo said; echo lost >&2; exit 1', 'violated', 'said'],
    ['echo only this >&2; exit 3', 'violated', 'only this'],
    ['exit 2', 'violated', 'exit status 2'],
    ['exit 77', 'inapplicable', 'exit status 77'],
    ['exit 124', 'hang', 'exit status 124'],
    ['exit 125', 'broken', 'exit status 125'],
    ['exec /no/such/program 2> /dev/null', 'broken', 'exit status 127'],
    ['yes | head -n 1', 'kept', 'y'],
    ['kill -SEGV $$', 'violated', 'signal SIGSEGV'],
  ])('says of a checker that does %j: %s', async (script, verdict, signature) => {
    expect(await ask(script)).toMatchObject({ verdict, signature, step: 'check' });
  });

  it('tells the checker everything, whatever is in it', async () => {
    const marks = [`it's "quoted" $(touch /x) \\n`, 'two\nlines', ' spaces  |bars|', 'ä€🙂', "'", 'acked 0041'];
    const { output } = await ask('printf "%s\\0" "$1" "$VPMEM_MOUNT" "$VPMEM_IMAGE" "$VPMEM_DEVICE" "$VPMEM_STATE" "$VPMEM_FLUSH" "$VPMEM_ACKED" "$VPMEM_MARKS"; ls -A "$VPMEM_OUT" /x', [], marks);
    const [first, mount, device, , state, flush, acked, joined] = output.split('\0');
    expect([first, mount, device, state, flush, acked]).toEqual(['/mnt', '/mnt', '/dev/pmem0', '7:page:-2', '7', '41']);
    expect(joined?.startsWith(`${marks.join('|')}|printf`)).toBe(true);
    expect(output).toContain('ls: /x: No such file or directory');
  });

  it('shows what was changed under it, and nothing old', async () => {
    const at = image.indexOf(WORDS);
    expect((await ask('cat /mnt/one')).output).toBe(WORDS);
    put(at, 'THE');
    expect((await ask('cat /mnt/one')).output).toBe(WORDS.replace('the', 'THE'));
    put(at, 'not');
    expect((await ask('cat /mnt/one')).output).toBe(WORDS.replace('the', 'not'));
    place.target.xorPage(Math.floor(at / PAGE), new Int32Array(1024).fill(0x20202020, 0, 1));
    expect((await ask('cat /mnt/one')).output).toBe(WORDS.replace('the ', 'NOT\0'));
  });

  it('says what the kernel does of an image that cannot be mounted', async () => {
    const { pid } = place;
    put(1024 + 0x38, '\0\0');
    expect(await ask('echo never')).toMatchObject({ verdict: 'violated', step: 'mount', output: expect.not.stringContaining('never') as string, signature: expect.stringMatching(/^mount: \w.*: .*ext4/i) as string });
    await ask('true');
    expect(place.pid).toBe(pid);
  });

  it('takes back everything that was written, to the byte', async () => {
    const { verdict, output } = await ask('rm /mnt/other; for i in 1 2 3 4 5 6 7 8; do dd if=/dev/urandom of=/mnt/new$i bs=64k count=8 2> /dev/null; done; sync; echo yes > /mnt/one; ls /mnt');
    expect({ verdict, output }).toEqual({ verdict: 'kept', output: expect.stringContaining('new8') as string });
    expect(held(place.target.guest).equals(held(place.target.wanted))).toBe(true);
    expect(held(place.target.wanted).equals(image)).toBe(true);
    expect((await ask('ls /mnt; cat /mnt/one')).output).toBe(`lost+found\none\nother\n${WORDS}`);
  });

  it('knows which pages were read, and which were not', async () => {
    const one = Math.floor(image.indexOf(WORDS) / PAGE);
    const other = Math.floor(image.indexOf('b'.repeat(2 * PAGE)) / PAGE);
    const unused = image.length / PAGE - 3;
    const watch = [0, one, other, other + 1, other + 2, unused].sort((a, b) => a - b);
    const pages = async (script: string): Promise<number[]> => [...((await ask(script, watch)).reads ?? [])].sort((a, b) => a - b);
    expect(await pages('true')).toEqual([0]);
    expect(await pages('cat /mnt/one')).toEqual([0, one].sort((a, b) => a - b));
    expect(await pages('dd if=/mnt/other of=/dev/null bs=4096 skip=1 count=1')).toEqual([0, other + 1]);
    expect(await pages('cat /mnt/*')).toEqual([0, one, other, other + 1, other + 2].sort((a, b) => a - b));
    expect(await pages('true')).toEqual([0]);
  });

  it('ends a checker that does not, and goes on', async () => {
    expect(await ask('echo begun; sleep 1000 & exec sleep 1000')).toMatchObject({ verdict: 'hang', step: 'check', signature: 'begun', output: 'begun\n' });
    expect(await ask('ps | grep -c "sleep 100[0]"')).toMatchObject({ output: '0\n' });
  });

  it('leaves nothing of one check to the next', async () => {
    const left = 'cd /mnt; setsid sleep 1000 & mkdir /tmp/a /mnt/b; mount --bind /mnt /tmp/a; mount -t tmpfs x /mnt/b; echo > /tmp/file; echo > $VPMEM_OUT/file; echo kept';
    expect(await ask(left)).toMatchObject({ verdict: 'kept', step: 'check', signature: 'kept' });
    const pid = place.pid;
    expect((await ask('ps | grep -c "sleep 100[0]"; ls -A /tmp $VPMEM_OUT /mnt; grep -c -e pmem0 -e " x " /proc/mounts')).output).toBe('0\n/mnt:\nlost+found\none\nother\n\n/run/check:\n\n/tmp:\n1\n');
    expect(place.pid).toBe(pid);
  });

  it('keeps the end of what was written', async () => {
    const { output, signature } = await ask('seq 20000 | sed "s,^,line ,"');
    expect(Buffer.byteLength(output)).toBe(65_536);
    expect(signature).toBe('line 20000');
  });

  it('shows a disk that holds nothing', async () => {
    const blank = await place.checkBlank({ state: 'blank', window: 'blank', marks: ['ls -A /mnt; echo $VPMEM_STATE; exit 1'], watch: [] });
    expect(blank).toMatchObject({ verdict: 'violated', step: 'check', output: 'blank\n' });
    expect(held(place.target.guest).equals(image)).toBe(true);
    expect((await ask('cat /mnt/one')).output).toBe(WORDS);
  });

  it('asks another guest when QEMU is killed', async () => {
    const { pid = 0 } = place;
    const answer = ask('[ -e /root/second ] || sleep 3; cat /mnt/one');
    setTimeout(() => process.kill(pid, 'SIGKILL'), 500);
    expect(await answer).toMatchObject({ verdict: 'kept', output: WORDS });
    expect(place.pid).not.toBe(pid);
  });

  it('takes a panic for an answer, and has a new guest then', async () => {
    const answer = await ask('echo hello > /mnt/one; sync; echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger', [0]);
    expect(answer).toMatchObject({ verdict: 'violated', step: 'check', signature: 'kernel: Kernel panic - not syncing: sysrq triggered crash', reads: new Set([0]) });
    expect(answer.output).toContain('Call Trace');
    expect(held(place.target.guest).equals(image)).toBe(true);
    expect(await ask('cat /mnt/one')).toMatchObject({ verdict: 'kept', output: WORDS });
  });
});
