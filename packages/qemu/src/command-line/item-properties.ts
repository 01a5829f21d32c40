import { parseOption, type Properties } from '@vpmem/options';
import type { CommandLineItem } from './command-line.ts';

/** What an argument says. What QEMU itself will refuse, it shall refuse itself: then there is nothing to see here. */
export function propertiesOf(text: string, grammar: 'qemuopts' | 'keyval', impliedKey: string): Properties {
  try {
    return parseOption(text, { grammar, impliedKey, bareFlags: true, help: true }).properties;
  } catch {
    return {};
  }
}

/** The items of one option, each with what it says. */
export function itemsOf(items: readonly CommandLineItem[], option: string, impliedKey: string): { item: CommandLineItem; properties: Properties }[] {
  return items.filter((item) => item.option === option).map((item) => ({ item, properties: propertiesOf(item.argument ?? '', 'qemuopts', impliedKey) }));
}

/** What `-machine` and `-M` say together: of each property the last. */
export function machineProperties(items: readonly CommandLineItem[]): Properties {
  const all = items.filter(({ option }) => option === 'machine' || option === 'M').map(({ argument = '' }) => propertiesOf(argument, 'keyval', 'type'));
  return Object.assign({}, ...all) as Properties;
}

/** The same item with one property more, in its own form. @param value in JSON as it is, in text as `on`, `off` or itself */
export function withProperty(item: CommandLineItem, name: string, value: string | boolean): CommandLineItem {
  const { argument = '' } = item;
  const text = typeof value === 'string' ? escapeCommas(value) : value ? 'on' : 'off';
  const longer = argument.startsWith('{')
    ? argument.replace(/\}\s*$/, `,${JSON.stringify(name)}:${JSON.stringify(value)}}`)
    : `${argument}${endsOpen(argument) ? '' : ','}${name}=${text}`;
  return { ...item, argument: longer, words: item.section === undefined ? [item.words[0] ?? '', longer] : [] };
}

/** In QEMU's text forms a comma in a value is written twice. */
export function escapeCommas(value: string): string {
  return value.replaceAll(',', ',,');
}

/** Whether another property can follow at once: after nothing, or after a comma that is none of a value. */
function endsOpen(argument: string): boolean {
  const commas = /,*$/.exec(argument)?.[0].length ?? 0;
  return argument === '' || commas % 2 === 1;
}

/** Whether a value is one of QEMU's words for on, or JSON's. */
export function isOn(value: unknown): boolean {
  return value === true || (typeof value === 'string' && /^(on|yes|true|y)$/.test(value));
}

/** Whether a value is one of QEMU's words for off, or JSON's. */
export function isOff(value: unknown): boolean {
  return value === false || (typeof value === 'string' && /^(off|no|false|n)$/.test(value));
}
