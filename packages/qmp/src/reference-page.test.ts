import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { qmpCommands } from './schema/qmp-commands.ts';
import { qmpEvents } from './schema/qmp-events.ts';
import { differencesPage, referencePage } from './reference-page.ts';

const RENEW = 'renew it with: tsx packages/qmp/scripts/write-pages.ts';

it.each([
  ['qmp-reference.md', referencePage],
  ['qmp-differences.md', differencesPage],
])('docs/%s is what the schema says', (file, page) => {
  expect(readFileSync(new URL(`../../../docs/${file}`, import.meta.url), 'utf8'), RENEW).toBe(page());
});

it('has a section for each command and event, and for each type that it refers to', () => {
  const page = referencePage();
  const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading);
  expect(headings).toEqual(expect.arrayContaining([...Object.keys(qmpCommands), ...Object.keys(qmpEvents)]));
  expect(new Set(headings).size).toBe(headings.length);
  const anchors = headings.map((heading) => heading?.toLowerCase());
  for (const [, target] of page.matchAll(/\]\(#(.*?)\)/g)) expect(anchors).toContain(target);
});
