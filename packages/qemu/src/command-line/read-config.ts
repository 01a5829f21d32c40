// Files of -readconfig, taken apart so that every step sees what they say, and put together again for QEMU.
import { parseOption } from '@vpmem/options';
import type { CommandLineItem } from './command-line.ts';
import { configSections, formatSection, readConfigFile, type ConfigFile, type ConfigSection } from './config-file.ts';
import { escapeCommas } from './item-properties.ts';

/** Groups whose option has another name. */
const OPTION_OF: Readonly<Record<string, string>> = { memory: 'm', 'smp-opts': 'smp', 'boot-opts': 'boot' };

/** Makes a file for QEMU of a name and a text; the path it can be read at. */
export type KeepFile = (name: string, text: string) => string;

/**
 * Puts the sections of each file of `-readconfig` behind it, as the options that they stand for. They have no words of their own: what a
 * later step takes away or changes is left out of the file, or changed in it, that {@link wordsOf} makes. A file that QEMU cannot read, or
 * refuses, stays as it is.
 */
export function readConfigFiles(items: readonly CommandLineItem[]): CommandLineItem[] {
  return items.flatMap((item) => {
    const file = item.option !== 'readconfig' || item.argument === undefined ? undefined : readConfigFile(item.argument);
    if (file === undefined) return [item];
    return [{ ...item, file }, ...(configSections(file) ?? []).map(sectionItem)];
  });
}

function sectionItem(section: ConfigSection): CommandLineItem {
  return { option: OPTION_OF[section.group] ?? section.group, argument: argumentOf(section), words: [], section };
}

function argumentOf({ id, entries }: ConfigSection): string {
  const all: [string, string][] = [...(id === undefined ? [] : [['id', id] as [string, string]]), ...entries];
  return all.map(([name, value]) => `${name}=${escapeCommas(value)}`).join(',');
}

/**
 * The command line again. A file that is as it was is named as it was; of any other `keep` makes one with what is left, line for line
 * where it can be, since QEMU's messages name them.
 */
export function wordsOf(items: readonly CommandLineItem[], keep: KeepFile): string[] {
  return items.flatMap(({ file, words }) => {
    if (file === undefined) return words;
    const text = textOf(file, items);
    return text === file.text && file.again ? words : ['-readconfig', keep(nameOf(file.path), text)];
  });
}

function textOf(file: ConfigFile, items: readonly CommandLineItem[]): string {
  const kept = new Map(items.flatMap((item) => (item.section?.file === file ? [[item.section.from, item] as const] : [])));
  const lines = file.text.split('\n');
  for (const section of (configSections(file) ?? []).reverse()) {
    const item = kept.get(section.from);
    const length = section.to - section.from;
    if (item === undefined) lines.splice(section.from, length, ...Array.from({ length }, () => '#'));
    else if (item.argument !== argumentOf(section)) lines.splice(section.from, length, ...changed(section, item.argument ?? ''));
  }
  return lines.join('\n');
}

function changed({ group, id }: ConfigSection, argument: string): string[] {
  const { entries = [] } = parseOption(argument, { grammar: 'qemuopts' });
  return formatSection({ group, id, entries: new Map(entries.filter(({ name }) => id === undefined || name !== 'id').map(({ name, value }) => [name, value])) });
}

function nameOf(path: string): string {
  return path.split('/').at(-1) ?? path;
}
