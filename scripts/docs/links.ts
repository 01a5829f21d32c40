import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { error, type Problem } from './problem.ts';

/** Relative links lead to something that is there, and to a heading that is there. */
export function checkLinks(files: readonly string[]): Problem[] {
  return files.flatMap((file) => {
    const lines = proseLines(file);
    return lines.flatMap((line, index) =>
      [...line.matchAll(/\]\(([^()\s]+)\)|^\[[^\]]+\]: (\S+)/g)].flatMap(([, inline, defined]) => checkLink(file, `${file}:${index + 1}`, inline ?? defined ?? '')),
    );
  });
}

function checkLink(file: string, at: string, target: string): Problem[] {
  if (/^[a-z][a-z+.-]*:/i.test(target)) return [];
  const [path = '', anchor] = target.split('#');
  const found = path === '' ? file : join(dirname(file), decodeURI(path));
  if (!existsSync(found)) return [error(at, `the link ${target} leads nowhere; ${found} does not exist`)];
  if (anchor === undefined || anchor === '' || !found.endsWith('.md')) return [];
  const anchors = headings(found);
  return anchors.includes(anchor) ? [] : [error(at, `the link ${target} leads to no heading; ${found} has ${anchors.map((each) => `#${each}`).join(' ')}`)];
}

/** The file's lines; those of code blocks are blank, and code within lines is what `inline` makes of it: nothing. */
function proseLines(file: string, inline = (_code: string): string => '``'): string[] {
  let fence = '';
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => {
      const [mark = ''] = /^\s*(```+|~~~+)/.exec(line)?.slice(1) ?? [];
      if (fence === '' && mark === '') return line.replaceAll(/`[^`]*`/g, inline);
      if (fence === '') fence = mark;
      else if (mark.startsWith(fence)) fence = '';
      return '';
    });
}

/** Anchors of the headings, as GitHub makes them: a title that comes again gets a number. A comment in a code block is none. */
function headings(file: string): string[] {
  const seen = new Map<string, number>();
  return proseLines(file, (code) => code).flatMap((line) => {
    const [, title] = /^#+ (.*)$/.exec(line) ?? [];
    if (title === undefined) return [];
    const anchor = title
      .toLowerCase()
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-');
    const before = seen.get(anchor) ?? 0;
    seen.set(anchor, before + 1);
    return [before === 0 ? anchor : `${anchor}-${before}`];
  });
}
