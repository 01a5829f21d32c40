import { describe, expect, it } from 'vitest';
import { findDebianArchive, formatSource, parseDeb822Sources, parseOneLineSources } from './apt-sources.ts';

describe('parseOneLineSources', () => {
  it('reads a line with options', () => {
    const text = 'deb [arch=amd64 signed-by=/keys/a.gpg,/keys/b.gpg trusted=yes] http://mirror.example/debian trixie main contrib # why\n';
    expect(parseOneLineSources(text)).toEqual([
      { uri: 'http://mirror.example/debian', suite: 'trixie', components: ['main', 'contrib'], signedBy: '/keys/a.gpg /keys/b.gpg', trusted: true },
    ]);
  });

  it('passes over comments, sources of source packages and empty lines', () => {
    const text = '# deb http://old.example/debian trixie main\n\ndeb-src http://m.example/debian trixie main\n  deb http://m.example/debian sid main\n';
    expect(parseOneLineSources(text)).toEqual([{ uri: 'http://m.example/debian', suite: 'sid', components: ['main'], trusted: false }]);
  });
});

describe('parseDeb822Sources', () => {
  it('makes one source of each address and suite', () => {
    const text = 'Types: deb deb-src\n# a comment\nURIs: http://a.example/debian http://b.example/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /keys/debian.gpg\n';
    const sources = parseDeb822Sources(text);
    expect(sources.map(({ uri, suite }) => `${uri} ${suite}`)).toEqual([
      'http://a.example/debian bookworm',
      'http://a.example/debian bookworm-updates',
      'http://b.example/debian bookworm',
      'http://b.example/debian bookworm-updates',
    ]);
    expect(sources[0]).toMatchObject({ components: ['main'], signedBy: '/keys/debian.gpg', trusted: false });
  });

  it('passes over what is switched off and what has no binaries', () => {
    const common = 'URIs: http://a.example/debian\nSuites: sid\nComponents: main\n';
    expect(parseDeb822Sources(`Types: deb\n${common}Enabled: no\n\nTypes: deb-src\n${common}`)).toEqual([]);
  });

  it('keeps a key that is in the file', () => {
    const key = '\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n abc\n -----END PGP PUBLIC KEY BLOCK-----';
    const text = `Types: deb\nURIs: http://a.example/debian\nSuites: sid\nComponents: main\nSigned-By:${key}\nTrusted: yes\n`;
    const [source] = parseDeb822Sources(text);
    expect(source).toMatchObject({ signedBy: key, trusted: true });
    expect(parseDeb822Sources(formatSource(source!))).toEqual([source]);
  });
});

describe('findDebianArchive', () => {
  const source = (uri: string, suite: string, components = ['main']) => ({ uri, suite, components, trusted: false });

  it('takes the main archive and no other', () => {
    const security = source('http://m.example/debian-security', 'bookworm-security');
    const other = source('http://other.example/apt', 'stable', ['contrib']);
    const main = source('http://m.example/debian', 'bookworm');
    expect(findDebianArchive([security, other, main])).toBe(main);
  });

  it('takes none of another distribution', () => {
    expect(findDebianArchive([source('http://m.example/ubuntu', 'noble'), source('http://m.example/node', 'nodistro')])).toBeUndefined();
  });
});
