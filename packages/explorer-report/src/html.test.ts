import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { hostileReport } from '../tests/hostile-text.ts';
import { cleanReport, sampleReport } from '../tests/sample-report.ts';
import { toHtml } from './html.ts';

describe('toHtml', () => {
  it.each([['a sample', sampleReport()], ['hostile texts', hostileReport()]])('has the report in it, and ends none of its elements early, with %s', (_, report) => {
    const html = toHtml(report);
    expect(html.match(/<script/g)).toHaveLength(2);
    expect(html.match(/<\/script>/g)).toHaveLength(2);
    const data = /<script type="application\/json" id="report">([^<]*)<\/script>/.exec(html)?.[1] ?? '';
    expect(JSON.parse(data)).toEqual(JSON.parse(JSON.stringify(report)));
  });

  it('names no address but its own empty icon, and lets only its own script and style run', () => {
    const html = toHtml(cleanReport());
    expect(html.replaceAll('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|\/\/\w|@import|url\(/);
    const hash = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    const script = /<script type="module">(.*)<\/script>/s.exec(html)?.[1] ?? '';
    const style = /<style>(.*)<\/style>/s.exec(html)?.[1] ?? '';
    expect(/Content-Security-Policy" content="([^"]*)"/.exec(html)?.[1]).toBe(
      `default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; img-src data:; base-uri 'none'; form-action 'none'`,
    );
    expect(html.replace(script, '')).not.toMatch(/ on\w+=| style=/);
  });

  it('fills no place of the skeleton by a text of the report that looks like one', () => {
    const html = toHtml({ ...cleanReport(), recording: { ...cleanReport().recording, file: '{{script}} $& $1' } });
    expect(html).toContain('<title>{{script}} $&amp; $1: kept');
    expect(html).toContain('"file":"{{script}} $& $1"');
  });
});
