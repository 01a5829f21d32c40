/** One suite of one archive, as a machine's apt configuration names it. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
  /** Key files, a fingerprint, or a whole key with its line breaks; absent: any key the machine trusts. */
  readonly signedBy?: string;
  /** Whether the machine takes it without a signature. */
  readonly trusted: boolean;
}

/** Reads one-line-style sources, `deb [options] URI suite component…` (sources.list(5)). */
export function parseOneLineSources(text: string): AptSource[] {
  const sources: AptSource[] = [];
  for (const line of text.split('\n')) {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s*)?(\S+)\s+(\S+)([^#]*)/.exec(line);
    if (match === null) continue;
    const [, options = '', uri = '', suite = '', components = ''] = match;
    const fields = new Map(
      options
        .split(/\s+/)
        .filter(Boolean)
        .map((option) => [option.slice(0, option.indexOf('=')).toLowerCase(), option.slice(option.indexOf('=') + 1)]),
    );
    sources.push(source(uri, suite, words(components), fields.get('signed-by')?.replaceAll(',', ' '), fields.get('trusted')));
  }
  return sources;
}

/** Reads deb822-style sources, paragraphs of `Field: value` (sources.list(5)). */
export function parseDeb822Sources(text: string): AptSource[] {
  const body = text
    .split('\n')
    .filter((line) => !line.startsWith('#'))
    .join('\n');
  return body.split(/\n\s*\n/).flatMap((paragraph) => {
    const fields = parseParagraph(paragraph);
    if (!words(fields.get('types')).includes('deb') || isNo(fields.get('enabled'))) return [];
    return words(fields.get('uris')).flatMap((uri) =>
      words(fields.get('suites')).map((suite) => source(uri, suite, words(fields.get('components')), fields.get('signed-by'), fields.get('trusted'))),
    );
  });
}

/** Debian's main archive among a machine's sources, if it has one. */
export function findDebianArchive(sources: readonly AptSource[]): AptSource | undefined {
  return sources.find(
    ({ uri, suite, components }) =>
      /^(buster|bullseye|bookworm|trixie|forky|duke|sid|oldoldstable|oldstable|stable|testing|unstable)(-updates|-backports)?$/.test(suite) &&
      components.includes('main') &&
      !uri.includes('security'),
  );
}

/** Writes a source as a deb822 paragraph. */
export function formatSource({ uri, suite, components, signedBy, trusted }: AptSource): string {
  const lines = ['Types: deb', `URIs: ${uri}`, `Suites: ${suite}`, `Components: ${components.join(' ')}`];
  if (signedBy !== undefined) lines.push(`Signed-By: ${signedBy}`);
  if (trusted) lines.push('Trusted: yes');
  return `${lines.join('\n')}\n`;
}

function source(uri: string, suite: string, components: string[], signedBy: string | undefined, trusted: string | undefined): AptSource {
  const common = { uri, suite, components, trusted: isYes(trusted) };
  return signedBy === undefined ? common : { ...common, signedBy };
}

/** The fields of a paragraph by their lower-case names; continuation lines stay as they are. */
function parseParagraph(paragraph: string): Map<string, string> {
  const fields = new Map<string, string>();
  let name = '';
  for (const line of paragraph.split('\n')) {
    const match = /^([\w-]+):\s*(.*)$/.exec(line);
    if (match !== null) {
      name = (match[1] ?? '').toLowerCase();
      fields.set(name, (match[2] ?? '').trimEnd());
    } else if (/^\s/.test(line) && name !== '') {
      fields.set(name, `${fields.get(name) ?? ''}\n${line}`);
    }
  }
  return fields;
}

const words = (text = ''): string[] => text.split(/\s+/).filter(Boolean);
const isYes = (value = ''): boolean => /^(yes|true|with|on|enable|1)$/i.test(value);
const isNo = (value = ''): boolean => /^(no|false|without|off|disable|0)$/i.test(value);
