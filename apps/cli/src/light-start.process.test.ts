// What our programs load before they have said what they were asked, or are ready: a package more is milliseconds and megabytes more.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { DaemonProcess } from '@vpmem/daemon/process';
import { QmpClient } from '@vpmem/qmp/client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const VPMEM = fileURLToPath(new URL('../bin/vpmem.js', import.meta.url));
const VPMEMD = fileURLToPath(new URL('../../daemon/dist/main.js', import.meta.url));

/** Notes what is loaded, in whichever thread. */
const HOOKS = `import { appendFileSync } from 'node:fs';
export async function load(url, context, next) {
  appendFileSync(new URL('loaded', import.meta.url), url + '\\n');
  return next(url, context);
}`;
const REGISTRATION = "import { register } from 'node:module'; register('./hooks.mjs', import.meta.url);";

let folder: string;
let env: NodeJS.ProcessEnv;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vpmem-light-'));
  writeFileSync(join(folder, 'hooks.mjs'), HOOKS);
  writeFileSync(join(folder, 'register.mjs'), REGISTRATION);
  env = { ...process.env, XDG_RUNTIME_DIR: folder, NODE_OPTIONS: `--import=${pathToFileURL(join(folder, 'register.mjs')).href}` };
});
afterEach(() => rmSync(folder, { recursive: true }));

/** Names of the packages that were loaded; a file made of several says in it which they are. */
function loaded(): string[] {
  const files = readFileSync(join(folder, 'loaded'), 'utf8').split('\n').filter((url) => url.startsWith('file:')).map((url) => fileURLToPath(url));
  const bundled = files.filter((file) => existsSync(file)).flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/^\/\/ \.\.\/\.\.\/(?:packages|apps)\/([\w-]+)\//gm)].map(([, name]) => `@vpmem/${name}`));
  const separate = files.flatMap((file) => {
    const [, own] = /\/(?:packages|apps)\/([\w-]+)\/dist\//.exec(file) ?? [];
    const [, other] = /.*\/node_modules\/((?:@[\w-]+\/)?[\w.-]+)\//.exec(file) ?? [];
    return [...(own === undefined ? [] : [`@vpmem/${own}`]), ...(other === undefined ? [] : [other])];
  });
  return [...new Set([...bundled, ...separate])].sort();
}

describe.each<[command: string, program: readonly [string, ...string[]], may: readonly string[]]>([
  ['vpmem --version', [VPMEM, '--version'], ['@vpmem/cli', 'commander']],
  ['vpmem --help', [VPMEM, '--help'], ['@vpmem/cli', 'commander']],
  ['vpmemd -version', [process.execPath, VPMEMD, '-version'], ['@vpmem/daemon', '@vpmem/options', '@vpmem/service']],
  ['vpmemd -help', [process.execPath, VPMEMD, '-help'], ['@vpmem/daemon', '@vpmem/options', '@vpmem/service']],
])('%s', (_, [program, ...args], may) => {
  it('loads nothing but what it says', () => {
    const { status, stdout } = spawnSync(program, args, { env, encoding: 'utf8' });
    expect([status, stdout.length > 0]).toEqual([0, true]);
    expect(loaded()).toEqual(may);
  });
});

describe('vpmemd with a device', () => {
  const device = (): string[] => ['-object', `memory-backend-ram,id=mem1,size=2M,share=on`, '-device', 'virtio-pmem-pci,memdev=mem1,id=nv1'];
  const SCHEMAS = ['@vpmem/qmp', 'zod'];

  it('is ready without the schemas of monitors, as nobody may ever ask it; whoever does is answered', async () => {
    const daemon = await DaemonProcess.start(device(), { env });
    try {
      expect(loaded()).toContain('koffi');
      expect(loaded().filter((name) => SCHEMAS.includes(name))).toEqual([]);
      const qmp = await QmpClient.connect({ path: join(folder, 'vpmem', `vpmemd-${daemon.pid}.qmp`) });
      expect((await qmp.execute('query-pmem')).map(({ id }) => id)).toEqual(['nv1']);
      qmp.close();
      expect(loaded()).toEqual(expect.arrayContaining(SCHEMAS));
    } finally {
      await daemon.end();
    }
  });

  it('has what metrics take only where they were asked for', async () => {
    const daemon = await DaemonProcess.start(device(), { env });
    await daemon.end();
    expect(loaded()).not.toContain('prom-client');
    const other = await DaemonProcess.start([...device(), '-metrics', '0'], { env });
    await other.end();
    expect(loaded()).toContain('prom-client');
  });

  it('has the schemas from the beginning where a monitor was asked for', async () => {
    const daemon = await DaemonProcess.start([...device(), '-qmp', `unix:${folder}/qmp,server=on,wait=off`], { env });
    await daemon.end();
    expect(loaded()).toEqual(expect.arrayContaining(SCHEMAS));
  });
});
