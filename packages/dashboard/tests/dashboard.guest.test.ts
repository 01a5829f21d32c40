// The page in a real browser, about programs that never were: 64 devices and a day; by keys, light and dark, wide and narrow.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HOSTILE } from '../../explorer-report/tests/hostile-text.ts';
import { requireChromium } from '../../page-kit/tests/chromium.ts';
import { FIND_PALE } from '../../page-kit/tests/contrast.ts';
import { Dashboard } from '../src/dashboard.ts';
import { GivenRounds, manyDaemons, sampleDaemon, sampleDevice, sampleRound } from './sample-rounds.ts';

const { chromium, reason } = await requireChromium();
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Pictures of the page, for whoever wants to look at it: in a folder of their own choice, or for the test alone. */
const PICTURES = process.env.VPMEM_PICTURES;
const DAY = 86_400;

describe.skipIf(chromium === undefined)(`the dashboard in a browser${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  const running: { readonly dashboard: Dashboard; readonly rounds: GivenRounds }[] = [];
  const opened: { readonly page: Page; readonly noise: string[] }[] = [];
  let all: Dashboard | undefined;
  let context: BrowserContext;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-dashboard-'));
    mkdirSync(join(folder, 'reports'));
    writeFileSync(join(folder, 'reports', 'nightly.html'), '<title>A report</title><p id=here>All states were kept.</p><script>try { here.textContent = parent.document.title } catch (error) { here.dataset.parent = error.name } fetch("/api/state").catch((error) => { here.dataset.fetch = error.name })</script>');
  });
  beforeAll(async () => {
    // One for all: to make one takes longer than most of what is done in it, and the page keeps nothing in it.
    context = await chromium!.browser.newContext({ reducedMotion: 'reduce' });
    // While one page is open, the next ones need no process of their own.
    await context.newPage();
  });
  afterEach(async () => {
    for (const { page, noise } of opened.splice(0)) {
      await page.close();
      expect(noise).toEqual([]);
    }
  });
  afterAll(async () => {
    for (const { dashboard, rounds } of running) {
      rounds.end();
      await dashboard.close();
    }
    await chromium?.close();
    rmSync(folder, { recursive: true });
  });

  async function serve(options: { readonly control?: boolean; readonly reports?: string } = {}): Promise<{ readonly dashboard: Dashboard; readonly rounds: GivenRounds }> {
    const rounds = new GivenRounds();
    const served = { dashboard: await Dashboard.start({ rounds, ...options }), rounds };
    running.push(served);
    return served;
  }

  /** 64 devices, watched for a day: the last five minutes second by second. */
  async function serveAll(): Promise<Dashboard> {
    if (all !== undefined) return all;
    const { dashboard, rounds } = await serve({ control: true, reports: join(folder, 'reports') });
    for (let second = 0; second < DAY - 300; second += 240) rounds.give(sampleRound(second, manyDaemons(second)));
    for (let second = DAY - 300; second <= DAY; second++) rounds.give(sampleRound(second, manyDaemons(second)));
    return (all = dashboard);
  }

  async function open(address: string, { width = 1280, colorScheme = 'light' }: { readonly width?: number; readonly colorScheme?: 'light' | 'dark' } = {}): Promise<Page> {
    const page = await context.newPage();
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    const noise: string[] = [];
    page.on('console', (message) => noise.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => noise.push(error.message));
    page.on('request', (request) => {
      if (new URL(request.url()).origin !== new URL(address).origin) noise.push(`asked for ${request.url().slice(0, 100)}`);
    });
    opened.push({ page, noise });
    await page.goto(address);
    return page;
  }

  const ready = (page: Page): Promise<void> => page.locator('#lanes[aria-valuetext*="flushes a second"]').waitFor();
  const picture = async (page: Page, name: string): Promise<void> => {
    const path = join(PICTURES ?? folder, `${name}.png`);
    await page.screenshot({ path, fullPage: true });
    expect(readFileSync(path).length).toBeGreaterThan(20_000);
  };

  it.each([['light', 1280], ['dark', 1280], ['light', 360]] as const)('shows 64 devices and a day, %s, %i pixels wide: nothing is cut off or pale, and axe finds nothing', async (colorScheme, width) => {
    const page = await open((await serveAll()).address, { width, colorScheme });
    await ready(page);
    expect(await page.locator('#device-table tbody tr').count()).toBe(64);
    expect(await page.locator('h1').textContent()).toBe('nv37 of vm9: failed');
    expect(await page.locator('#device-title').textContent()).toBe('nv37 of vm9');
    await page.getByRole('button', { name: '1 day' }).click();
    await page.locator('#history summary').click();
    await expect.poll(() => page.locator('#history-table tbody tr').count()).toBeGreaterThan(50);
    await picture(page, `day-${colorScheme}-${width}`);
    await page.locator('#history summary').click();
    await page.getByRole('button', { name: '10 minutes' }).click();
    await picture(page, `${colorScheme}-${width}`);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(await page.evaluate(`(${FIND_PALE})()`)).toEqual([]);
    await page.evaluate(AXE);
    expect(await page.evaluate('axe.run().then(({ violations }) => violations.map(({ id, nodes }) => id + ": " + nodes.map(({ html }) => html).join(" ")))')).toEqual([]);
  });

  it('is worked by keys alone, and says what it shows to those who do not see it', async () => {
    const page = await open((await serveAll()).address);
    await ready(page);
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the devices');
    await page.getByRole('button', { name: 'nv3', exact: true }).focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('#device-title').textContent()).toBe('nv3 of vm0');
    await expect.poll(() => page.locator('#heat-lane').getAttribute('aria-label')).toMatch(/^Heat map of latency: half of the flushes took up to /);
    await page.locator('#lanes').focus();
    const moments: (string | null)[] = [];
    for (const key of ['End', 'ArrowLeft', 'Home', 'Escape']) {
      await page.keyboard.press(key);
      moments.push(await page.locator('#lanes').getAttribute('aria-valuetext'));
    }
    expect(moments.every((moment) => /^\d\d:\d\d:\d\d: [\d,.]+ flushes a second/.test(moment ?? ''))).toBe(true);
    expect(new Set(moments.slice(0, 3)).size).toBe(3);
    await page.getByLabel('Filter devices').fill('vm12');
    expect(await page.locator('#device-table tbody th').allTextContents()).toEqual(['nv48', 'nv49', 'nv50', 'nv51']);
    await page.getByLabel('Filter devices').fill('');
    await page.getByRole('button', { name: 'Failed', exact: true }).press('Enter');
    expect(await page.locator('#device-table tbody th').first().textContent()).toBe('nv37');
    expect(await page.locator('th[aria-sort="descending"]').textContent()).toBe('Failed');
  });

  it('keeps the focus where it is when figures come, and draws what is new', async () => {
    const { dashboard, rounds } = await serve();
    const give = (second: number): void => rounds.give(sampleRound(second, [sampleDaemon([sampleDevice({ id: 'nv1', asked: 1234 + second, rate: 10 * second })])]));
    give(1);
    const page = await open(dashboard.address);
    await ready(page);
    await page.getByRole('button', { name: 'nv1', exact: true }).focus();
    give(2);
    await page.locator('#facts dd', { hasText: '1,236' }).first().waitFor();
    expect(await page.evaluate('document.activeElement.textContent')).toBe('nv1');
    await expect.poll(() => page.locator('#rate-lane').getAttribute('aria-label')).toBe('20 at last, 20 at most in this time');
    expect(await page.locator('#control').isHidden()).toBe(true);
    expect(await page.locator('#reports').isHidden()).toBe(true);
  });

  it('asks before it does anything, names machine and device, and says what came of it', async () => {
    const page = await open((await serveAll()).address);
    await ready(page);
    const dialog = page.getByRole('dialog');
    await page.getByRole('button', { name: 'Set a limit …' }).click();
    expect(await dialog.getByRole('heading').textContent()).toBe('Set a limit: nv37 of vm9');
    expect(await dialog.locator('p').textContent()).toBe('The guest of nv37 of vm9 can make this host sync 100 times a second. What is more has to wait.');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Leave it');
    await page.keyboard.press('Enter');
    await dialog.waitFor({ state: 'hidden' });
    expect(await page.locator('#control-result').textContent()).toBe('');
    await page.getByRole('button', { name: 'Set a limit …' }).click();
    await dialog.getByRole('button', { name: 'Set a limit' }).click();
    await expect.poll(() => page.locator('#control-result').textContent()).toMatch(/^the program was not reached: /);
    // A browser tells of an answer that is a refusal.
    expect(opened[0]!.noise.splice(0)).toEqual([expect.stringContaining('502 (Bad Gateway)')]);
    // Of its backend it is known that it has no power to cut.
    expect(await page.getByRole('button', { name: 'Cut the power …' }).isDisabled()).toBe(true);
  });

  it('shows a report in a frame that reaches neither the page nor its server', async () => {
    const page = await open((await serveAll()).address);
    await page.getByRole('button', { name: 'nightly.html' }).click();
    const frame = page.frameLocator('iframe');
    const here = frame.locator('#here');
    await here.waitFor();
    await expect.poll(() => here.getAttribute('data-fetch')).toBe('TypeError');
    expect([await here.textContent(), await here.getAttribute('data-parent')]).toEqual(['All states were kept.', 'SecurityError']);
    expect(opened[0]!.noise.splice(0).every((line) => /Content Security Policy|Refused to connect|violates/.test(line))).toBe(true);
  });

  it('says so when its server is gone, when it was never let in, and when there is nothing', async () => {
    const { dashboard, rounds } = await serve();
    rounds.give(sampleRound(1, []));
    const page = await open(dashboard.address);
    await page.getByText('There is none. It appears here when a vpmemd', { exact: false }).waitFor();
    expect([await page.locator('h1').textContent(), await page.locator('#connection').textContent()]).toEqual(['No device yet', 'live']);
    const wrong = await open(dashboard.address.replace(/token=.*/, 'token=wrong'));
    expect(await wrong.locator('body').textContent()).toMatch(/^the token is missing or is not this page's: open the address/);
    running.splice(running.findIndex((each) => each.dashboard === dashboard), 1);
    rounds.end();
    await dashboard.close();
    await expect.poll(() => page.locator('#connection').textContent()).toMatch(/^no answer since \d\d:\d\d:\d\d, trying again$/);
    for (const { page: each, noise } of opened.splice(0)) {
      // It tries again until it is closed.
      await each.close();
      expect(noise.filter((line) => !/403 \(Forbidden\)|ERR_/.test(line))).toEqual([]);
    }
  });

  it('shows names and reasons of others as text, and nothing of it runs', async () => {
    const { dashboard, rounds } = await serve();
    const daemons = HOSTILE.map((text, i) => sampleDaemon([sampleDevice({ id: text, info: { 'backing-file': text, 'last-error': { text, time: 1 } } })], { name: text, pid: 100 + i, state: i === 1 ? 'not answering' : 'running', reason: i === 1 ? text : undefined, version: text, events: [{ time: 1, event: text, device: text, data: { reason: text } }] }));
    rounds.give(sampleRound(1, daemons));
    const page = await open(dashboard.address, { width: 390 });
    await ready(page);
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.evaluate('document.querySelectorAll("img, svg[onload], [onerror]").length')).toBe(0);
    expect(await page.locator('#device-table tbody th').first().textContent()).toBe(HOSTILE[0]);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(390);
    expect((await page.locator('main').innerText()).replaceAll(/[\n\t\u00a0]/g, ' ')).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
  });
});
