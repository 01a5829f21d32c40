// The page in a real browser: what it shows is what the report says, by mouse and by keys, light and dark, wide and narrow.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ExploreReport } from '@vpmem/explorer';
import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { FIND_PALE } from '../../page-kit/tests/contrast.ts';
import { requireChromium } from '../../page-kit/tests/chromium.ts';
import { toHtml } from '../src/html.ts';
import { toJunit } from '../src/junit.ts';
import { hostileReport, HOSTILE } from './hostile-text.ts';
import { cleanReport, LOST, MALFORMED, sampleReport, SUPERBLOCK } from './sample-report.ts';

const { chromium, reason } = await requireChromium();

interface Opened {
  readonly page: Page;
  /** What the console said, what was thrown, and what was asked for beside the file: nothing of it may be. */
  readonly noise: string[];
}

describe.skipIf(chromium === undefined)(`the page in a browser${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let context: BrowserContext;
  const opened: Opened[] = [];

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-page-'));
    // One for all: to make one takes longer than most of what is done in it, and the page keeps nothing in it.
    context = await chromium!.browser.newContext({ permissions: ['clipboard-read', 'clipboard-write'] });
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
    await chromium?.close();
    rmSync(folder, { recursive: true });
  });

  async function open(report: ExploreReport, { width = 1280, colorScheme = 'light' }: { readonly width?: number; readonly colorScheme?: 'light' | 'dark' } = {}): Promise<Page> {
    const file = join(folder, 'report.html');
    writeFileSync(file, toHtml(report));
    const page = await context.newPage();
    await page.setViewportSize({ width, height: 900 });
    await page.emulateMedia({ colorScheme });
    const noise: string[] = [];
    page.on('console', (message) => noise.push(`${message.type()}: ${message.text()}`));
    page.on('pageerror', (error) => noise.push(error.message));
    page.on('request', (request) => {
      if (request.url() !== pathToFileURL(file).href) noise.push(`asked for ${request.url().slice(0, 100)}`);
    });
    opened.push({ page, noise });
    await page.goto(pathToFileURL(file).href);
    return page;
  }

  const signatures = (page: Page): Promise<string[]> => page.locator('details.failure:visible .signature').allTextContents();
  const detail = (page: Page): Promise<string | null> => page.locator('#detail').textContent();

  it.each(['light', 'dark'] as const)('shows what the report says, %s', async (colorScheme) => {
    const report = sampleReport();
    const page = await open(report, { colorScheme });
    expect(await page.title()).toBe('run.vpmrec: violated in 18 of 3,072 states, 4 kinds of failure');
    expect(await page.locator('h1').textContent()).toBe('Violated in 18 of 3,072 states, 4 kinds of failure');
    expect(await page.locator('#totals dd').allTextContents()).toEqual([
      '4116 exhaustive, 23 sampled, 2 skipped', '3,0723,054 kept, 17 violated, 1 hung', '97215 s, 64 a second', '2,1181,214 of equal bytes, 904 of equal reads', '256 MiB40 flushes, 0.3 s',
    ]);
    expect(await page.locator('#model dd').allTextContents()).toEqual(report.model.map(({ text }) => text));
    expect(await signatures(page)).toEqual([LOST, SUPERBLOCK, MALFORMED, '(nothing was said before the time was over)']);
    expect(await page.locator('details.failure .often').allTextContents()).toEqual(['12 states in 6 windows', '4 states in 2 windows', '1 state in 1 window', '1 state in 1 window']);
    expect(await page.locator('#coverage-table tbody tr').nth(0).locator('th, td').allTextContents()).toEqual(['page', '', '32', '7', '2', '1,234', String(report.windows.reduce((sum, { coverage }) => sum + coverage[0]!.checks, 0))]);
    expect(await page.locator('#coverage-table tbody tr').nth(1).locator('.stack').getAttribute('aria-label')).toBe('41 windows: 16 exhaustive, 23 sampled, 2 skipped');
    expect(await page.locator('#window-table tbody tr').count()).toBe(41);
    expect(await page.locator('#window-table tbody tr').nth(2).locator('th, td').allTextContents()).toEqual(['flush 3', '0.022 s', 'ok', '2', '0', 'exhaustive, 4 of 4', 'exhaustive, 64 of 64', '2']);
    const [background, text] = await page.evaluate<[string, string]>('[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]');
    expect(lightness(background) > lightness(text)).toBe(colorScheme === 'light');
  });

  it('shows the least that has to be lost: where, what, which bytes, and how to see it again', async () => {
    const page = await open(sampleReport());
    const failure = page.locator('details.failure', { hasText: 'superblock' });
    await failure.locator('summary').click();
    expect(await failure.locator('.command code').textContent()).toBe("vpmem explore --reproduce 'run.vpmrec 3:sector:+1.2' --mount ext4 --check ./check.sh");
    expect(await failure.locator('figure svg').getAttribute('aria-label')).toBe('Page at 0x00000000: alone there sector 4 of 8');
    expect(await failure.locator('figure rect.set').count()).toBe(8);
    expect(await failure.locator('figure rect.differs').count()).toBe(1);
    expect(await failure.locator('.names').textContent()).toBe('ext4 superblock: checksum');
    expect(await failure.locator('.hex tbody tr').last().locator('th, td').allTextContents()).toEqual(['0x000007f8', '00 00 00 00 5b 9e 02 c1', '····[···', '00 00 00 00 e7 1d 44 3a', '······D:']);
    expect([await failure.locator('.hex del').textContent(), await failure.locator('.hex ins').textContent()]).toEqual(['5b 9e 02 c1', 'e7 1d 44 3a']);
    expect(await failure.locator('pre').textContent()).toContain('wrong fs type');
    expect(await page.locator('details.failure').first().locator('.marks li').allTextContents()).toEqual(['commit 2 is acknowledged']);
  });

  it('copies the line that reproduces it', async () => {
    const page = await open(sampleReport());
    await page.locator('.copy').first().click();
    await page.getByText('Copied').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe("vpmem explore --reproduce 'run.vpmrec 6:page:-1' --mount ext4 --check ./check.sh");
  });

  it('filters failures by text, step and unit', async () => {
    const page = await open(sampleReport());
    const text = page.getByLabel('Filter failures by text');
    await text.fill('COMMIT BLOCK journal');
    expect(await signatures(page)).toEqual([LOST]);
    expect(await page.locator('#failure-filters .shown').textContent()).toBe('1 of 4 kinds');
    await text.fill('24:word');
    expect(await signatures(page)).toEqual([MALFORMED]);
    await text.fill('');
    await page.getByLabel('Step').selectOption('mount');
    expect(await signatures(page)).toEqual([SUPERBLOCK, '(nothing was said before the time was over)']);
    await page.getByLabel('Unit').selectOption('line');
    expect(await signatures(page)).toEqual(['(nothing was said before the time was over)']);
  });

  it('is worked by keys alone', async () => {
    const page = await open(sampleReport());
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the failures');
    await page.locator('#canvas').focus();
    expect(await detail(page)).toMatch(/^flush 3ends at 0\.022 s2 pages.*2 violated/);
    const keys = async (...names: string[]): Promise<string | null> => {
      for (const name of names) await page.keyboard.press(name);
      return page.locator('#canvas').getAttribute('aria-valuetext');
    };
    expect(await keys('ArrowRight')).toMatch(/^flush 4, ends at .*, none violated$/);
    expect(await keys('n')).toMatch(/^flush 6, .*3 violated$/);
    expect(await keys('p')).toMatch(/^flush 3, /);
    expect(await keys('End')).toMatch(/^the end, /);
    expect(await keys('Home')).toMatch(/^flush 1, .*skipped: before flush 3, where it began$/);
    expect(await page.locator('#canvas').getAttribute('aria-valuenow')).toBe('1');
    await keys('End', 'Enter');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('the end');
    const summary = page.locator('details.failure summary').nth(1);
    await summary.focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('details.failure').nth(1).getAttribute('open')).not.toBeNull();
  });

  it('zooms and moves by mouse and keys', async () => {
    const page = await open(sampleReport());
    const canvas = page.locator('#canvas');
    const box = (await canvas.boundingBox())!;
    const picture = (): Promise<unknown> => page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(document.getElementById("canvas").toDataURL()))))');
    const at = async (share: number): Promise<string> => {
      await page.mouse.move(box.x + share * box.width, box.y + 60);
      return (await detail(page))!.replace(/ends at.*/, '');
    };
    const all = await picture();
    const [left, right] = [await at(0.02), await at(0.98)];
    expect([left, right]).toEqual(['flush 1', 'the end']);
    await page.mouse.move(box.x + box.width / 2, box.y + 60);
    await page.keyboard.down('Control');
    for (let i = 0; i < 3; i++) await page.mouse.wheel(0, -100);
    await page.keyboard.up('Control');
    expect(await at(0.02)).not.toBe(left);
    const before = await at(0.5);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.9, box.y + 60, { steps: 5 });
    await page.mouse.up();
    expect(await at(0.5)).not.toBe(before);
    expect(await at(0.9)).toBe(before);
    await canvas.focus();
    await page.keyboard.press('0');
    await page.mouse.move(0, 0);
    expect(await at(0.02)).toBe(left);
    await page.mouse.move(box.x, box.y - 20);
    expect(await picture()).toBe(all);
  });

  it('goes from the timeline to the table, and from there to what failed', async () => {
    const page = await open(sampleReport({ flushes: 400 }));
    await page.locator('#canvas').focus();
    for (let i = 0; i < 20; i++) await page.keyboard.press('n');
    const name = (await page.locator('#detail strong').textContent())!;
    await page.getByText('Show in the table').click();
    expect(await page.locator('tr.marked th').textContent()).toBe(name);
    await page.locator('tr.marked button.bad-text').click();
    expect(await page.evaluate('document.activeElement.textContent')).toContain(LOST);
    await page.locator('details.failure').first().getByRole('button', { name: 'Show window 13 in the timeline' }).click();
    expect(await detail(page)).toMatch(/^flush 13/);
  });

  it('has all windows in its table: in pages, filtered, sorted', async () => {
    const report = sampleReport({ flushes: 400 });
    const page = await open(report);
    const names = (): Promise<string[]> => page.locator('#window-table tbody th').allTextContents();
    const all: string[] = [];
    for (;;) {
      all.push(...(await names()));
      const next = page.getByRole('button', { name: 'Next' });
      if (await next.isDisabled()) break;
      await next.click();
    }
    expect(all).toEqual([...report.windows.slice(0, -1).map((window) => `flush ${window.name}`), 'the end']);
    await page.getByLabel('Which windows').selectOption('violated');
    expect(await page.locator('#window-filters .shown').textContent()).toBe(`${report.windows.filter(({ violated }) => violated > 0).length} of 401 windows`);
    await page.getByLabel('Which windows').selectOption('all');
    await page.getByRole('button', { name: 'Pages', exact: true }).click();
    expect(Number(await page.locator('#window-table tbody tr').first().locator('td').nth(2).textContent())).toBe(Math.max(...report.windows.map(({ pages }) => pages)));
    expect(await page.locator('th[aria-sort="descending"]').textContent()).toBe('Pages');
    await page.getByLabel('Filter windows by name').fill('41');
    expect(await names()).toEqual(['flush 41', ...report.windows.filter(({ name, pages }) => name.includes('41') && name !== '41' && pages >= 0).sort((a, b) => b.pages - a.pages).map(({ name }) => `flush ${name}`)]);
  });

  it.each([390, 760, 1280])('fits into %i pixels, whatever a guest wrote', async (width) => {
    for (const report of [sampleReport(), hostileReport()]) {
      const page = await open(report, { width });
      await page.evaluate('document.querySelectorAll("details").forEach((each) => (each.open = true))');
      await page.locator('details.failure .body').nth(report.failures.length - 1).waitFor();
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    }
  });

  it('shows hostile text as text: nothing of it runs, nothing of it is gone', async () => {
    const report = hostileReport();
    const page = await open(report);
    await page.evaluate('document.querySelectorAll("details").forEach((each) => (each.open = true))');
    await page.locator('details.failure .body').nth(report.failures.length - 1).waitFor();
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    expect(await page.evaluate('document.querySelectorAll("img, svg[onload], [onerror]").length')).toBe(0);
    const shown = await signatures(page);
    expect(shown.slice(0, 3)).toEqual(HOSTILE.slice(0, 3));
    expect(shown[3]).toBe('red   cleared \ufffd31m');
    expect((await page.locator('body').innerText()).replaceAll(/[\n\t\u00a0]/g, ' ')).not.toMatch(/[\p{Cc}\p{Cf}\u2028\u2029]/u);
    expect(JSON.parse((await page.locator('#report').textContent())!)).toEqual(JSON.parse(JSON.stringify(report)));
  });

  it('lets no script run but its own, even one that is put into it', async () => {
    const page = await open(cleanReport());
    await page.evaluate('document.body.insertAdjacentHTML("beforeend", "<button id=trap onclick=window.hacked=1>trap</button>"); const script = document.createElement("script"); script.textContent = "window.hacked=2"; document.body.append(script)');
    await page.locator('#trap').click();
    expect(await page.evaluate('window.hacked')).toBeUndefined();
    const { noise } = opened[0]!;
    expect(noise.splice(0)).toEqual([expect.stringContaining('Executing inline event handler violates'), expect.stringContaining('Executing inline script violates')]);
  });

  it('goes from the theme of the system to light and dark', async () => {
    const page = await open(cleanReport(), { colorScheme: 'dark' });
    const background = async (): Promise<number> => lightness(await page.evaluate<string>('getComputedStyle(document.body).backgroundColor'));
    const toggle = page.locator('#theme');
    expect([await toggle.textContent(), (await background()) < 0.5]).toEqual(['Theme: auto', true]);
    await toggle.click();
    expect([await toggle.textContent(), (await background()) > 0.5]).toEqual(['Theme: light', true]);
    await toggle.click();
    expect([await toggle.textContent(), (await background()) < 0.5]).toEqual(['Theme: dark', true]);
  });

  it.each(['light', 'dark'] as const)('has words that can be read, %s: 4.5 to 1 at least', async (colorScheme) => {
    const page = await open(sampleReport(), { colorScheme });
    await page.evaluate('document.querySelectorAll("details").forEach((each) => (each.open = true))');
    await page.locator('details.failure .body').nth(3).waitFor();
    expect(await page.evaluate(`(${FIND_PALE})()`)).toEqual([]);
  });

  it('shows a failure by a second cut beside the others, with both cuts', async () => {
    const [failure] = sampleReport().failures;
    if (failure === undefined) throw new Error('the sample has no failure');
    const later = { state: '4:all', file: 'cuts/run-4_all.vpmrec', windows: 5, states: 40, violated: 2, checks: 30, ended: 'complete', failures: [{ ...failure, signature: 'gone after recovery' }] } as const;
    const page = await open({ ...cleanReport(), secondCuts: [later] });
    expect(await page.locator('.dot').getAttribute('class')).toBe('dot bad');
    expect(await page.locator('#failure-count').textContent()).toBe('1');
    expect(await page.locator('#reservations').textContent()).toContain('Second cut: 1 recovery that wrote to the disk: 5 windows, 40 states, 2 violated.');
    expect(await page.locator('.failure .badge').first().textContent()).toBe('second cut');
    expect(await page.locator('.failure .body').textContent()).toContain('After a power cut at 4:all, a second one in recovery. Windows and states are those of cuts/run-4_all.vpmrec.');
    // Its windows are those of another recording, so none of the timeline is meant.
    expect(await page.locator('.failure .body .links button').count()).toBe(0);
    expect(await page.evaluate(`(${FIND_PALE})()`)).toEqual([]);
  });

  it('says so where there is nothing to show', async () => {
    const clean = cleanReport();
    const page = await open({ ...clean, windows: [], failures: [], marks: [], options: { ...clean.options, units: ['page'] }, totals: { ...clean.totals, states: 0 } });
    expect(await page.locator('h1').textContent()).toBe('No state was tried');
    expect(await page.locator('#failure-list').textContent()).toBe('None: no state was tried.');
    expect(await detail(page)).toBe('The recording has no window.');
    expect(await page.locator('#window-table tbody').textContent()).toBe('No window is so.');
    await page.locator('#canvas').focus();
    for (const key of ['ArrowLeft', 'End', 'n', 'p', '+', '-', '0', 'Enter']) await page.keyboard.press(key);
    const kept = await open(clean);
    expect(await kept.locator('#failure-list').textContent()).toBe('None: kept in all 3,072 states tried.');
    expect(await kept.locator('.dot').getAttribute('class')).toBe('dot good');
    const partial = await open({ ...clean, ended: 'budget' });
    expect(await partial.locator('.dot').getAttribute('class')).toBe('dot open');
    expect(await partial.locator('#reservations').textContent()).toBe('The time was over before all planned states were tried.');
  });

  it('JUnit of hostile text is XML for a browser too', async () => {
    const page = await open(cleanReport());
    const problem = await page.evaluate(`new DOMParser().parseFromString(${JSON.stringify(toJunit(hostileReport()))}, 'application/xml').querySelector('parsererror')?.textContent ?? ''`);
    expect(problem).toBe('');
  });
});

/** 0 to 1, of `rgb(…)`. */
function lightness(color: string): number {
  const [red = 0, green = 0, blue = 0] = [...color.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  return (0.299 * red + 0.587 * green + 0.114 * blue) / 255;
}
