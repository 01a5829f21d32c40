import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { runServer } from 'verdaccio';
import { SCOPE } from '../docs/workspace.ts';
import type { Tarball } from './tarballs.ts';

/**
 * A registry of our own on loopback, as long as this process: our packages are what was published to it and nothing else, all others
 * come from the registry that npm is set to on this machine.
 */
export class Registry {
  readonly url: string;
  readonly #close: () => Promise<void>;

  private constructor(url: string, close: () => Promise<void>) {
    this.url = url;
    this.#close = close;
  }

  /** @param folder an empty one, for what it holds */
  static async start(folder: string): Promise<Registry> {
    const app = (await runServer(configuration(folder) as Parameters<typeof runServer>[0])) as Server;
    await new Promise<void>((resolve, reject) => {
      app.once('error', reject);
      app.listen(0, '127.0.0.1', resolve);
    });
    const { port } = app.address() as AddressInfo;
    return new Registry(`http://127.0.0.1:${port}`, async () => {
      app.closeAllConnections();
      await new Promise((resolve) => app.close(resolve));
    });
  }

  /** Publishes a tarball as `npm publish FILE` does, by what the package.json in it says. */
  async publish({ file, manifest }: Tarball): Promise<void> {
    const { name = '', version = '' } = manifest;
    const bytes = readFileSync(file);
    const hash = (algorithm: string, encoding: 'base64' | 'hex'): string => createHash(algorithm).update(bytes).digest(encoding);
    const attachment = `${name}-${version}.tgz`;
    const dist = { integrity: `sha512-${hash('sha512', 'base64')}`, shasum: hash('sha1', 'hex'), tarball: `${this.url}/${name}/-/${attachment}` };
    const response = await fetch(`${this.url}/${encodeURIComponent(name)}`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        ...{ _id: name, name, access: 'public', 'dist-tags': { latest: version } },
        versions: { [version]: { ...manifest, _id: `${name}@${version}`, dist } },
        _attachments: { [attachment]: { content_type: 'application/octet-stream', data: bytes.toString('base64'), length: bytes.length } },
      }),
    });
    if (!response.ok) throw new Error(`the registry does not take ${name}: ${response.status} ${await response.text()}`);
  }

  /** Writes what npm has to be told in `folder`; what it keeps is there too. @returns variables for its processes, and pnpm's */
  clientSettings(folder: string): Record<string, string> {
    const file = join(folder, 'npmrc');
    const lines = [`registry=${this.url}/`, `cache=${join(folder, 'npm')}`, 'prefer-offline=true', 'audit=false', 'fund=false', 'update-notifier=false'];
    writeFileSync(file, `${lines.join('\n')}\n`);
    return { NPM_CONFIG_USERCONFIG: file };
  }

  stop(): Promise<void> {
    return this.#close();
  }
}

function configuration(folder: string): object {
  const npm = (key: string): string => execFileSync('npm', ['config', 'get', key], { cwd: folder, encoding: 'utf8' }).trim();
  const ca = npm('cafile');
  return {
    storage: join(folder, 'storage'),
    self_path: join(folder, 'config.yaml'),
    uplinks: { machine: { url: npm('registry'), ...(ca === 'null' ? {} : { ca: readFileSync(ca, 'utf8') }) } },
    packages: {
      [`${SCOPE}*`]: { access: '$all', publish: '$all' },
      '**': { access: '$all', proxy: 'machine' },
    },
    auth: {},
    web: { enable: false },
    max_body_size: '100mb',
    log: { type: 'file', path: join(folder, 'log'), level: 'http', format: 'json' },
  };
}
