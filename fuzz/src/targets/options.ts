import { isDeepStrictEqual } from 'node:util';
import { defineProperties, describeProperties, formatProperties, formatSize, noEffectWarnings, OptionError, parseOption, parseSize, property, readProperties, type OptionSyntax, type ParsedOption } from '@vpmem/options';
import { ByteReader } from '../byte-reader.ts';
import { must, text, type Target } from '../target.ts';

const SCHEMA = defineProperties({
  'qom-type': property.string({ required: true }),
  id: property.identifier(),
  size: property.size({ default: 4096 }),
  share: property.bool({ default: false }),
  mode: property.oneOf(['auto', 'on', 'off']),
  slots: property.int({ max: 256 }),
  addr: property.uint64(),
  'host-nodes': property.intList({ max: 63 }),
  merge: property.noEffect(property.bool(), { because: 'there is nothing to merge', anyway: false }),
  'memory.size': property.size({ unit: 'MiB' }),
  rom: property.refused('there is none'),
});
const FLAGS = { keyval: 1, implied: 2, help: 4, bare: 8, size: 16 };
const INHERITED = Object.getOwnPropertyNames(Object.prototype).length;

/** What it gives, or the mistake it reports; anything else it throws goes on. */
function attempt<T>(work: () => T): T | OptionError {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    must(error.message !== '' && error.hint !== '', () => 'an error without words');
    return error;
  }
}

function checkSize(written: string): void {
  for (const unit of ['B', 'MiB'] as const) {
    const size = attempt(() => parseSize(written, { unit }));
    if (size instanceof OptionError) continue;
    must(Number.isSafeInteger(size) && size >= 0, () => `a size of ${size}`);
    must(parseSize(formatSize(size)) === size, () => `${size} is written as ${formatSize(size)}`);
    const plain = /^(\d+)$/.exec(written)?.[1];
    must(plain === undefined || size === Number(plain) * (unit === 'B' ? 1 : 2 ** 20), () => `'${written}' is ${size}`);
  }
}

/** What can be written as text reads back as it was. */
function checkRoundTrip(parsed: ParsedOption, syntax: OptionSyntax): void {
  const written = attempt(() => formatProperties(parsed.properties, syntax));
  if (written instanceof OptionError || parsed.form === 'json') return;
  const again = parseOption(written, syntax);
  must(isDeepStrictEqual(again.properties, parsed.properties), () => `'${written}' reads back as something else`);
}

/** JSON that everybody takes means the same here, strings in single quotes and keys given twice aside. */
function checkJson(written: string, parsed: ParsedOption | OptionError): void {
  const other = ((): unknown => {
    try {
      return JSON.parse(written);
    } catch {
      return undefined;
    }
  })();
  if (parsed instanceof OptionError) {
    const excused = other === undefined || ['duplicate-key', 'too-deep'].includes(parsed.code) || parsed.message.includes('1.8e308');
    must(excused, () => `JSON that is not taken: ${parsed.message}`);
  } else if (!written.includes("'")) {
    const exact = JSON.stringify(parsed.properties, (_, value: unknown) => (typeof value === 'bigint' ? Number(value) : value));
    must(other !== undefined && exact === JSON.stringify(other), () => `JSON that means something else: ${exact}`);
  }
}

/** QemuOpts, keyval and JSON as a command line or a monitor brings them; sizes; and a schema that reads them. */
export const options: Target = {
  run: (bytes) => {
    const input = new ByteReader(bytes);
    const flags = input.u8();
    const written = Buffer.from(input.rest()).toString();
    if ((flags & FLAGS.size) !== 0) return checkSize(written);
    const syntax: OptionSyntax = {
      grammar: (flags & FLAGS.keyval) === 0 ? 'qemuopts' : 'keyval',
      ...((flags & FLAGS.implied) !== 0 && { impliedKey: 'qom-type' }),
      help: (flags & FLAGS.help) !== 0,
      bareFlags: (flags & FLAGS.bare) !== 0,
    };
    const parsed = attempt(() => parseOption(written, syntax));
    if (written.startsWith('{')) checkJson(written, parsed);
    if (parsed instanceof OptionError) return;
    checkRoundTrip(parsed, syntax);
    attempt(() => readProperties(SCHEMA, parsed));
    attempt(() => noEffectWarnings(SCHEMA, parsed));
    must(Object.getOwnPropertyNames(Object.prototype).length === INHERITED, () => 'every object has something new');
    must(describeProperties(SCHEMA).length > 0, () => 'no help');
  },
  seeds: [
    '\0qom-type=memory-backend-file,id=mem1,size=1.5G,share=on,noprealloc,host-nodes=0,host-nodes=2-4,mem-path=/a,,b,',
    '\x02memory-backend-ram,id=m,share,mode=auto,addr=0x100000000,merge=on',
    '\x03memory-backend-ram,memory.size=4096,host-nodes.0=1,host-nodes.1=0x2,a.b.0.c=x',
    '\x0dshare,help,__proto__=1',
    '\0{"qom-type": "a", \'id\': \'b\', "size": 4096, "host-nodes": [1, -2.5e3, 18446744073709551616], "x": {"y": [true, null, "\\u00e9\\n"]}}',
    '\x100x1000', '\x101.5G', '\x10 +4096', '\x10-1',
  ].map(text),
  maxLength: 1024,
  maxSteps: (length) => 20_000 + 500 * length,
  maxBytes: 2 ** 22,
};
