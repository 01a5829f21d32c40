import type { QmpClient } from '@vpmem/qmp/client';

/** Completions, and the part of the line that they replace. */
export type Completions = [candidates: string[], replaced: string];

/** Completes lines of a human monitor by what its server tells over QMP, which has no command for that. */
export class QmpCompletion {
  readonly #client: QmpClient;
  readonly #listings = new Map<string, Promise<string[]>>();

  constructor(client: QmpClient) {
    this.#client = client;
  }

  /** None where the server does not say. */
  async complete(line: string): Promise<Completions> {
    const [, before = '', word = ''] = /^\s*(.*?)(\S*)$/.exec(line) ?? [];
    let candidates: readonly string[];
    try {
      candidates = await this.#candidates(before.trim(), word);
    } catch {
      // A connection that has ended says so by itself.
      candidates = [];
    }
    // Of a comma list, only the part behind the last comma.
    const replaced = word.slice(word.lastIndexOf(',') + 1);
    return [candidates.filter((candidate) => candidate.startsWith(replaced)), replaced];
  }

  async #candidates(command: string, word: string): Promise<readonly string[]> {
    switch (command) {
      case '':
        return this.#listing('help');
      case 'help':
        return this.#listing('help');
      case 'info':
      case 'help info':
        return this.#listing('info');
      case 'object_del':
        return this.#children('/objects');
      case 'device_del':
        return this.#children('/machine/peripheral');
      case 'object_add':
        return word.includes(',') ? [] : this.#types('user-creatable');
      case 'device_add':
        return word.includes(',') ? this.#properties(word.slice(0, word.indexOf(','))) : this.#types('device');
      default:
        return [];
    }
  }

  /** First words of the lines that `help` or `info` prints. Asked for once: they do not change. */
  #listing(command: string): Promise<string[]> {
    const known = this.#listings.get(command);
    if (known !== undefined) return known;
    const prefix = command === 'info' ? /^info /u : /^/u;
    const asked = this.#client
      .execute('human-monitor-command', { 'command-line': command })
      .then((text) => text.split(/\r?\n/).flatMap((line) => line.replace(prefix, '').split(/[\s[]/)[0]?.split('|') ?? []).filter((name) => name !== '' && name !== '--').map((name) => `${name} `));
    this.#listings.set(command, asked);
    return asked;
  }

  async #children(path: string): Promise<string[]> {
    const properties = await this.#client.execute('qom-list', { path });
    return properties.filter(({ type }) => type.startsWith('child<')).map(({ name }) => `${name} `);
  }

  async #types(parent: string): Promise<string[]> {
    return (await this.#client.execute('qom-list-types', { implements: parent, abstract: false })).map(({ name }) => `${name},`);
  }

  async #properties(typename: string): Promise<string[]> {
    return (await this.#client.execute('device-list-properties', { typename })).map(({ name }) => `${name}=`);
  }
}
