// `vpmem dashboard` with two real vpmemds and a guest that flushes: what is on the screen is what query-pmem says, and the power goes when it is asked to.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DaemonProcess } from '@vpmem/daemon/process';
import { Guest, type GuestDisk } from '@vpmem/guest';
import { QmpClient, type Returned } from '@vpmem/qmp/client';
import { RemoteFunction } from '@vpmem/vfio-user/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireChromium } from '../../../packages/page-kit/tests/chromium.ts';

const { chromium, reason } = await requireChromium();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));

type Page = Awaited<ReturnType<NonNullable<typeof chromium>['browser']['newPage']>>;
type Pmem = Returned<'query-pmem'>[number];

describe.skipIf(chromium === undefined)(`vpmem dashboard in a browser${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  const daemons: DaemonProcess[] = [];
  const programs: ChildProcess[] = [];
  const monitors: QmpClient[] = [];
  const disks: GuestDisk[] = [];
  let guest: Guest;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-shown-'));
    env = { ...process.env, TMPDIR: folder, XDG_RUNTIME_DIR: folder };
    const backend = (id: string, rest = ''): string[] => ['-object', `memory-backend-file,id=m-${id},mem-path=${folder}/${id}.img,size=4M,share=on${rest}`, '-device', `virtio-pmem-pci,memdev=m-${id},id=${id}`];
    daemons.push(await DaemonProcess.start(['-name', 'vm1', ...backend('nv1', ',power-failure=on')], { env, cwd: folder }));
    daemons.push(await DaemonProcess.start(['-name', 'vm2', ...backend('nv2')], { env, cwd: folder }));
    for (const { pid } of daemons) monitors.push(await QmpClient.connect({ path: join(folder, 'vpmem', `vpmemd-${String(pid)}.qmp`) }));
    guest = new Guest();
    for (const id of ['nv1', 'nv2']) disks.push(guest.plug(RemoteFunction.connect(join(folder, 'vpmem', `${id}.sock`))));
    const flush = async (disk: GuestDisk | undefined, times: number): Promise<void> => {
      for (let i = 0; i < times; i++) {
        disk?.write(i * 4096, Buffer.alloc(4096, i + 1));
        await disk?.fsync();
      }
    };
    await flush(disks[0], 7);
    await flush(disks[1], 31);
    // Not durable, and nothing is going to flush it.
    disks[0]?.write(64 * 4096, Buffer.alloc(3 * 4096, 0x5a));
    // 4 MiB in 256 parts: four pages each.
  });
  afterAll(async () => {
    for (const program of programs) program.kill('SIGKILL');
    for (const monitor of monitors) monitor.close();
    await guest.close().catch(() => undefined);
    for (const daemon of daemons) await daemon.end('SIGKILL');
    await chromium?.close();
    rmSync(folder, { recursive: true });
  });

  /** Starts it as a user does; what it prints first is the address. */
  async function serve(...words: string[]): Promise<{ readonly address: string; readonly program: ChildProcess }> {
    const program = spawn(process.execPath, [MAIN, 'dashboard', ...words], { env, stdio: ['ignore', 'pipe', 'inherit'] });
    programs.push(program);
    const [address] = (await once(createInterface(program.stdout), 'line')) as [string];
    return { address, program };
  }

  async function facts(page: Page): Promise<Map<string, string>> {
    return new Map(await page.evaluate<[string, string][]>("[...document.querySelectorAll('#facts > div')].map(({ children: [name, value] }) => [name.textContent, value.textContent])"));
  }

  /** What the page has to say of it, written down here without a look at how it says so. */
  function expected({ flushes, latency, size, connected, driver, ...info }: Pmem): Record<string, string> {
    const format = (value: number): string => value.toLocaleString('en-US');
    const failure = info['power-failure'];
    return {
      'Flushes asked for': format(flushes.asked), Syncs: `${format(flushes.synced)}shared by ${format(flushes.coalesced)} flushes more`, Failed: format(flushes.failed), 'In flight': format(flushes['in-flight']),
      'Latency, half up to': time(latency!.p50), '99 of 100 up to': time(latency!.p99), Longest: time(latency!.max), Size: `4 MiB${format(Number(size))} bytes`, VM: `${connected ? 'connected' : 'none'}driver: ${driver}`, File: info['backing-file']!,
      ...(failure !== undefined && { 'Power cuts': `${failure.cuts}${failure.tracker === 'uffd' ? 'writes are told by the kernel' : 'writes are found by comparing'}` }),
    };
  }

  const time = (microseconds: number): string => (microseconds < 1000 ? `${Math.round(microseconds)} µs` : `${(microseconds / 1000).toPrecision(3)} ms`);
  const pmem = async (): Promise<Pmem[]> => (await Promise.all(monitors.map(async (monitor) => await monitor.execute('query-pmem')))).flat();

  it('shows what query-pmem says, of each device its own', async () => {
    const { address } = await serve();
    const page = await chromium!.browser.newPage();
    await page.goto(address);
    for (const info of await pmem()) {
      await page.getByRole('button', { name: info.id, exact: true }).click();
      await page.locator('#device-title', { hasText: info.id }).waitFor();
      expect(Object.fromEntries(await facts(page))).toMatchObject(expected(info));
    }
    await page.getByRole('button', { name: 'nv1', exact: true }).click();
    await expect.poll(async () => (await facts(page)).get('At risk')).toMatch(/^12 KiB12,288 bytes, for /);
    expect((await pmem())[0]!['power-failure']!['volatile-parts']).toEqual([16]);
    expect(await page.locator('#range-text').textContent()).toMatch(/^1 part not durable, at 256 KiB\..* Each of the 256 parts is 16 KiB, /);
    const row = page.locator('#device-table tbody tr').first();
    expect(await row.locator('th, td').allTextContents()).toEqual(['nv1', 'vm1', 'in use', '', expect.any(String), expect.any(String), expect.any(String), '0', '12 KiB', '0']);
    // What is flushed from now on is seen in the plot, and in no other device's.
    const before = (await pmem()).map(({ flushes }) => flushes.asked);
    await disks[1]?.fsync();
    await page.getByRole('button', { name: 'nv2', exact: true }).click();
    expect(await page.locator('#range-text').textContent()).toBe('There is no map of it: only with power-failure=on does its backend know what is durable.');
    await expect.poll(async () => (await facts(page)).get('Flushes asked for')).toBe(String(before[1]! + 1));
    await page.getByRole('button', { name: 'nv1', exact: true }).click();
    expect((await facts(page)).get('Flushes asked for')).toBe(String(before[0]));
    expect(await page.locator('#control').isHidden()).toBe(true);
    // The server itself refuses, whatever a page shows.
    const answer = await page.evaluate(`fetch('api/control', { method: 'POST', headers: { 'x-vpmem-token': new URLSearchParams(location.search).get('token') }, body: '{}' }).then((response) => response.text())`);
    expect(answer).toBe('this page may only look: vpmem dashboard was started without --control\n');
    await page.context().close();
  });

  it('cuts the power of the device that was confirmed, tells of it, and of a machine that ends', async () => {
    const { address, program } = await serve('--control');
    const page = await chromium!.browser.newPage();
    await page.goto(address);
    await page.getByRole('button', { name: 'nv1', exact: true }).click();
    await page.locator('#facts').getByText('12,288 bytes').waitFor();
    await page.getByRole('button', { name: 'Cut the power …' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('heading').textContent()).toBe('Cut the power: nv1 of vm1');
    await dialog.getByRole('button', { name: 'Cut the power' }).click();
    await expect.poll(() => page.locator('#control-result').textContent()).toBe('The power of nv1 of vm1 was cut: 12288 bytes lost, 0 survived.');
    await expect.poll(async () => (await facts(page)).get('Power cuts')).toMatch(/^1/);
    await expect.poll(() => page.locator('#range-text').textContent()).toMatch(/^All of it is durable now\./);
    await expect.poll(() => page.locator('#event-list li').allTextContents()).toContainEqual(expect.stringMatching(/vm1 nv1its power was cut: 12288 bytes lost, 0 survived *PMEM_POWER_CUT$/));
    expect((await pmem()).map((info) => info['power-failure']?.cuts)).toEqual([1, undefined]);
    await daemons[1]!.end();
    await expect.poll(() => page.locator('#event-list li').allTextContents()).toContainEqual(expect.stringMatching(/vm2it has ended$/));
    await expect.poll(() => page.locator('#device-table tbody tr', { hasText: 'vm2' }).locator('td').nth(1).textContent()).toBe('gone');
    program.kill('SIGTERM');
    expect(await once(program, 'exit')).toEqual([0, null]);
    await page.context().close();
  });
});
