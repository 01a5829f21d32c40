import { readable, readableLines } from '@vpmem/page-kit/readable-text';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' };

/** Text of one line between tags, or in an attribute between quotes. What no XML may hold is replaced, and all that does not show itself. */
export function xmlText(text: string, most = Infinity): string {
  return escaped(readable(text, most));
}

/** Text of several lines between tags. */
export function xmlLines(text: string): string {
  return readableLines(text).map(escaped).join('\n');
}

/** A name and its value: ` name="value"`. */
export function xmlAttributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values).map(([name, value]) => ` ${name}="${xmlText(String(value))}"`).join('');
}

function escaped(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
