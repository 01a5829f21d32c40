import { parseOption, type Properties } from '@vpmem/options';

/** What an argument says. What QEMU itself will refuse, it shall refuse itself: then there is nothing to see here. */
export function propertiesOf(text: string, grammar: 'qemuopts' | 'keyval', impliedKey: string): Properties {
  try {
    return parseOption(text, { grammar, impliedKey, bareFlags: true }).properties;
  } catch {
    return {};
  }
}
