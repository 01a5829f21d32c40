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

/** The file's lines; those of code blocks, and code within lines, are blank. */
function proseLines(file: string): string[] {
  let fence = '';
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => {
      const [mark = ''] = /^\s*(```+|~~~+)/.exec(line)?.slice(1) ?? [];
      if (fence === '' && mark === '') return line.replaceAll(/`[^`]*`/g, '``');
      if (fence === '') fence = mark;
      else if (mark.startsWith(fence)) fence = '';
      return '';
    });
}

/** Anchors of the headings, as GitHub makes them. */
function headings(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(/\s/g, '-'),
  );
}
