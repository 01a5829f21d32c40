import { fstatSync, openSync, closeSync, readFileSync } from 'node:fs';

/** A file of `-readconfig`, as QEMU reads it. */
export interface ConfigFile {
  /** As it was named. */
  readonly path: string;
  readonly text: string;
  /** Whether it can be read again from the beginning; a pipe cannot. */
  readonly again: boolean;
}

/** A section of such a file: what one option says. */
export interface ConfigSection {
  readonly file: ConfigFile;
  readonly group: string;
  readonly id: string | undefined;
  /** `NAME = "VALUE"` lines; of two of one name QEMU takes the last. */
  readonly entries: ReadonlyMap<string, string>;
  /** Its lines, from 0; the last one is not of it. */
  readonly from: number;
  readonly to: number;
}

/** What QEMU reads at once. */
const MOST_OF_A_LINE = 1023;

/** What `path` holds; undefined if it cannot be read, which QEMU shall say itself. */
export function readConfigFile(path: string): ConfigFile | undefined {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    return undefined;
  }
  try {
    return { path, text: readFileSync(fd, 'utf8'), again: fstatSync(fd).isFile() };
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/**
 * The sections of a file, read exactly as QEMU does: what it misreads, such as a value without quotes, is misread here too, and is then
 * its to refuse. undefined if QEMU refuses the file as such.
 */
export function configSections(file: ConfigFile): ConfigSection[] | undefined {
  const sections: { -readonly [K in keyof ConfigSection]: ConfigSection[K] }[] = [];
  let entries = new Map<string, string>();
  for (const [number, line] of file.text.split('\n').entries()) {
    if (Buffer.byteLength(line) >= MOST_OF_A_LINE) return undefined;
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      const header = readHeader(line);
      if (header === undefined) return undefined;
      entries = new Map();
      sections.push({ file, ...header, entries, from: number, to: number + 1 });
      continue;
    }
    const [name, value] = readEntry(line);
    const section = sections.at(-1);
    // A name with one of these is a line that QEMU has misread, and nothing has such a property.
    if (section === undefined || name === undefined || /[,=]/.test(name)) return undefined;
    entries.set(name, value);
    section.to = number + 1;
  }
  return sections;
}

/** `[GROUP "ID"]`, else `[GROUP]`. */
function readHeader(line: string): { group: string; id: string | undefined } | undefined {
  const group = /^\[\s*(\S{1,63})/.exec(line);
  const id = group === null ? undefined : /^\s*"([^"]{1,63})/.exec(line.slice(group[0].length))?.[1];
  if (id !== undefined) return { group: group?.[1] ?? '', id };
  const alone = /^\[([^\]]{1,63})/.exec(line)?.[1];
  return alone === undefined ? undefined : { group: alone, id: undefined };
}

/** `NAME = "VALUE"`; whatever else follows a name is an empty value to QEMU. */
function readEntry(line: string): [name: string | undefined, value: string] {
  const name = /^\s*(\S{1,63})/.exec(line);
  if (name === null) return [undefined, ''];
  return [name[1], /^\s*=\s*"([^"]{1,1023})/.exec(line.slice(name[0].length))?.[1] ?? ''];
}

/** A section as a file has it. */
export function formatSection({ group, id, entries }: Pick<ConfigSection, 'group' | 'id' | 'entries'>): string[] {
  return [id === undefined ? `[${group}]` : `[${group} "${id}"]`, ...[...entries].map(([name, value]) => `  ${name} = "${value}"`)];
}
