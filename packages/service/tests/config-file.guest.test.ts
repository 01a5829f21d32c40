// The same -readconfig files before a running QEMU and before ours.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTestbed } from '@vpmem/testbed';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseConfigFile } from '../src/options/config-file.ts';

const { testbed, reason } = await requireTestbed();

/** What QEMU made of it: the backends it then has, or the complaint it ended with. */
type Outcome = { readonly backends: readonly string[] } | { readonly complaint: string };

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function qemu(text: string): Outcome {
  writeFileSync(join(folder, 'f'), text);
  const [command = '', ...words] = testbed?.qemuCommand ?? [];
  const input = ['qmp_capabilities', 'query-memdev', 'quit'].map((execute) => JSON.stringify({ execute })).join('\n');
  const args = [...words, '-nodefaults', '-display', 'none', '-S', '-readconfig', 'f', '-qmp', 'stdio'];
  const { stdout, stderr, status } = spawnSync(command, args, { cwd: folder, input, encoding: 'utf8', timeout: 60_000 });
  if (status !== 0) return { complaint: stderr };
  const [answer] = stdout.split('\n').filter((line) => line.includes('"memdev') || line.includes('"id"')).map((line) => JSON.parse(line) as { return: { id: string; size: number }[] });
  return { backends: answer?.return.filter(({ id }) => id !== 'pc.ram').map(({ id, size }) => `${id} ${size >> 20}M`) ?? [] };
}

function ours(text: string): Outcome {
  try {
    const objects = parseConfigFile(text, 'f').filter(({ option }) => option === 'object');
    return { backends: objects.map(({ entries }) => ['id', 'size'].map((name) => entries.find((entry) => entry.name === name)?.value ?? '').join(' ')) };
  } catch (error) {
    return { complaint: (error as Error).message };
  }
}

const OBJECT = 'qom-type = "memory-backend-ram"\nsize = "16M"\n';
const MADE = { backends: ['m 16M'] };
const refused = (complaint: string): Outcome => ({ complaint: expect.stringContaining(complaint) as string });

describe.skipIf(testbed === undefined)(`-readconfig as QEMU reads it${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it.each<[string, string]>([
    ['a section with an id', `[object "m"]\n${OBJECT}`],
    ['an id among the properties', `[object]\nid = "m"\n${OBJECT}`],
    ['comments at the start of a line, blank lines', `# a\n\n[object "m"]\n# b\n${OBJECT}\n`],
    ['a comment behind a section and behind a value', `[object "m"] # a\nqom-type = "memory-backend-ram" # b\nsize = "16M"\n`],
    ['blanks in a section and around values', `[ object   "m" ]\n   qom-type    =   "memory-backend-ram"\n\tsize = "16M"\n`],
    ['lines that end as on Windows', `[object "m"]\r\nqom-type = "memory-backend-ram"\r\nsize = "16M"\r\n`],
    ['no newline at the end', `[object "m"]\nqom-type = "memory-backend-ram"\nsize = "16M"`],
    ['other sections', `[name]\nguest = "vm"\n[msg]\ntimestamp = "on"\n[mon]\nchardev = "c"\nmode = "control"\n[chardev "c"]\nbackend = "null"\n[object "m"]\n${OBJECT}`],
    ['machine and memory', `[machine]\ntype = "q35"\n[memory]\nsize = "64M"\nslots = "2"\nmaxmem = "1G"\n[object "m"]\n${OBJECT}`],
    ['a device before its object', `[memory]\nmaxmem = "1G"\n[device "d"]\ndriver = "virtio-pmem-pci"\nmemdev = "m"\n[object "m"]\n${OBJECT}`],
  ])('both take %s', (_, text) => {
    expect([qemu(text), ours(text)]).toEqual([MADE, MADE]);
  });

  it.each<[string, string, string, string]>([
    ['a property before any section', `size = "16M"\n`, 'no group defined', 'f:1: '],
    ['a section that there is not', `[objekt "m"]\n${OBJECT}`, "There is no option group 'objekt'", "f:1: there is no section 'objekt'"],
    ['an option that is no section', `[pidfile]\nfile = "x"\n`, "There is no option group 'pidfile'", 'f:1: -pidfile is for the command line'],
    ['an id without quotes', `[object m]\n${OBJECT}`, "There is no option group 'object m'", 'f:1: '],
    ['single quotes', `[object 'm']\n${OBJECT}`, 'There is no option group', 'f:1: '],
    ['a value without quotes', '[object "m"]\nqom-type = "memory-backend-ram"\nsize = 16M\n', "Parameter 'size' expects size", 'f:3: '],
    ['a word alone', `[object "m"]\n${OBJECT}share\n`, "Parameter 'share' expects 'on' or 'off'", 'f:4: '],
  ])('both refuse %s', (_, text, theirs, mine) => {
    expect([qemu(text), ours(text)]).toEqual([refused(theirs), refused(mine)]);
  });

  it.each<[string, string]>([
    ['text behind a value', '[object "m"]\nqom-type = "memory-backend-ram"\nsize = "16M" junk\n'],
    ['text behind a section', `[object "m"] junk\n${OBJECT}`],
    ['a section without its bracket', `[object "m"\n${OBJECT}`],
    ['a property twice, of which the last counts', '[object "m"]\nqom-type = "memory-backend-ram"\nsize = "32M"\nsize = "16M"\n'],
    ['an id in the section and another among the properties', `[object "x"]\nid = "m"\n${OBJECT}`],
  ])('QEMU takes %s for what was not meant, or without a word; we say so', (_, text) => {
    expect([qemu(text), ours(text)]).toEqual([MADE, refused('f:')]);
  });

  it.each<[string, string, string]>([
    ['no blanks around =', `[object "m"]\nqom-type="memory-backend-ram"\nsize="16M"\n`, "Parameter 'qom-type' is missing"],
    ['an indented comment', `[object "m"]\n  # a\n${OBJECT}`, "Parameter '#' is unexpected"],
    ['a line of blanks', `[object "m"]\n  \n${OBJECT}`, 'parse error'],
    ['an indented section', `  [object "m"]\n${OBJECT}`, 'no group defined'],
  ])('we take %s, which can mean one thing only', (_, text, theirs) => {
    expect([qemu(text), ours(text)]).toEqual([refused(theirs), MADE]);
  });
});
