import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { findDebianArchive, parseDeb822Sources, parseOneLineSources, type AptSource } from './apt-sources.ts';
import { runProgram } from './program.ts';
import { TestbedError } from './testbed-error.ts';

/** The suites everything comes from: tools and 6.12, QEMU and 7.2, 6.1. */
export const SUITES = { tools: 'trixie', newest: 'trixie-backports', oldest: 'bookworm' } as const;

/** Where Debian's own packages of its keys put them. */
const KEYRINGS = ['/usr/share/keyrings/debian-archive-keyring.pgp', '/usr/share/keyrings/debian-archive-keyring.gpg'];

/**
 * Sources for our suites on the mirror that this machine uses, once for each way of checking signatures, best first:
 * against Debian's keyring, against what the machine checks its own sources with, against every key it trusts.
 * Unsigned only if that is how the machine takes its own.
 *
 * @throws TestbedError `unavailable` if the machine does not use a Debian mirror
 */
export async function planSources(environment: NodeJS.ProcessEnv): Promise<AptSource[][]> {
  const named = environment.VPMEM_TESTBED_MIRROR;
  const archive =
    named === undefined || named === ''
      ? findDebianArchive(readSources(await readDirectories()))
      : { uri: named, suite: SUITES.tools, components: ['main'], trusted: false };
  if (archive === undefined) {
    throw new TestbedError('unavailable', "apt's configuration on this machine names no Debian mirror; set VPMEM_TESTBED_MIRROR to the address of one");
  }
  const keyring = KEYRINGS.find((path) => existsSync(path));
  const checks: Pick<AptSource, 'signedBy' | 'trusted'>[] = [];
  if (keyring !== undefined) checks.push({ signedBy: keyring, trusted: false });
  if (archive.signedBy !== undefined && archive.signedBy !== keyring) checks.push({ signedBy: archive.signedBy, trusted: false });
  checks.push({ trusted: false });
  if (archive.trusted) checks.push({ trusted: true });
  return checks.map((check) => Object.values(SUITES).map((suite) => ({ uri: archive.uri, suite, components: ['main'], ...check })));
}

interface AptDirectories {
  readonly list: string;
  readonly parts: string;
}

async function readDirectories(): Promise<AptDirectories> {
  const dump = (await runProgram(['apt-config', 'dump'])).toString();
  const values = new Map([...dump.matchAll(/^(\S+) "(.*)";$/gm)].map(([, name = '', value = '']) => [name, value]));
  const path = (name: string, otherwise: string): string => values.get(name) ?? otherwise;
  const etc = join(path('Dir', '/'), path('Dir::Etc', 'etc/apt'));
  const inside = (name: string): string => (isAbsolute(name) ? name : join(etc, name));
  return { list: inside(path('Dir::Etc::sourcelist', 'sources.list')), parts: inside(path('Dir::Etc::sourceparts', 'sources.list.d')) };
}

function readSources({ list, parts }: AptDirectories): AptSource[] {
  const files = [list, ...(existsSync(parts) ? readdirSync(parts).sort().map((name) => join(parts, name)) : [])];
  return files
    .filter((path) => existsSync(path))
    .flatMap((path) => {
      if (path.endsWith('.list')) return parseOneLineSources(readFileSync(path, 'utf8'));
      return path.endsWith('.sources') ? parseDeb822Sources(readFileSync(path, 'utf8')) : [];
    });
}
