// Whole command lines side by side: what a real QEMU makes of each, and what `vpmem qemu` in front of it does.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { requireTestbed, type Testbed } from '@vpmem/testbed';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LINE_FILES, LINE_IMAGES, shellWords, type CommandLineCase, type LineVerdict } from './options/command-line-case.ts';
import { COMMAND_LINES } from './options/command-line-cases.ts';
import { vpmemHere } from './vpmem-here.ts';

const { testbed, reason } = await requireTestbed();
const MAIN = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const LIMIT = 400_000;
const MiB = 2 ** 20;
const ALL = process.env.VPMEM_ALL === '1';
/** Nothing of ours changes what QEMU makes of a line: it is asked where its words are compared with ours, of one in so many others, and of all in the long form. */
const ASKED_ANYWAY = 4;
const isAsked = ({ qemu, sameWords }: CommandLineCase, n: number): boolean => ALL || n % ASKED_ANYWAY === 0 || (sameWords && qemu !== 'starts');

/** How a command ended, and whether a VM was there that answered and quit when asked. */
interface Ending {
  readonly status: number | null;
  readonly stderr: string;
  readonly answered: string | undefined;
}

/** Runs a command line in its folder to its end. */
type Run = (folder: string, args: readonly string[]) => Promise<Pick<Ending, 'status' | 'stderr'>>;

/** Starts a command line with `-S` and a monitor, asks how the VM is and tells it to quit. */
async function ending(folder: string, run: Run, line: string): Promise<Ending> {
  mkdirSync(folder);
  for (const name of LINE_IMAGES) {
    writeFileSync(join(folder, name), '');
    truncateSync(join(folder, name), 4 * MiB);
  }
  for (const [name, text] of Object.entries(LINE_FILES)) writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, 'folder'));
  symlinkSync(Object.values(testbed?.kernels ?? {})[0]?.image ?? '', join(folder, 'bzImage'));

  let status: string | undefined;
  const over: Promise<unknown>[] = [];
  const monitors = createServer((socket: Socket) => {
    let said = '';
    over.push(new Promise((resolve) => socket.once('close', resolve)));
    socket.on('error', () => undefined);
    socket.on('data', (data) => {
      said += data.toString();
      status = /"status": "([^"]+)"/.exec(said)?.[1] ?? status;
    });
    socket.write('{"execute": "qmp_capabilities"} {"execute": "query-status"} {"execute": "quit"}');
  });
  await new Promise<void>((resolve) => monitors.listen(join(folder, 'q'), resolve));
  const words = shellWords(line);
  // A monitor behind an option that lacks its argument would be that.
  const args = words.at(-1) === '-device' ? ['-S', ...words] : ['-S', ...words, '-qmp', 'unix:q'];
  try {
    const end = await run(folder, args);
    // Whoever came before this one has been let in by then, and what it has said is read to its end.
    const last = connect(join(folder, 'q'));
    await once(last, 'data');
    last.destroy();
    await Promise.all(over);
    return { ...end, answered: status };
  } finally {
    monitors.close();
  }
}

const own = (folder: string): NodeJS.ProcessEnv => ({ TMPDIR: folder, XDG_RUNTIME_DIR: folder });

/** As a process. */
const started = (...[program = '', ...first]: readonly string[]): Run => async (folder, args) => {
  const child = spawn(program, [...first, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...own(folder) }, timeout: LIMIT });
  children.add(child);
  let stderr = '';
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  child.stdout.resume();
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  children.delete(child);
  return { status: code, stderr };
};
const children = new Set<ChildProcess>();

/** `vpmem qemu` in this process, which takes a third of the time, and has descriptors that are none of QEMU's; what QEMU says goes into a file. */
const here = ({ qemuWrapper }: Testbed, ...options: readonly string[]): Run => async (folder, args) => {
  const [qemu, said] = [join(folder, 'qemu'), join(folder, 'said')];
  writeFileSync(qemu, `#!/bin/sh\n[ "$1" = --version ] || exec > /dev/null\nexec '${qemuWrapper}' "$@" < /dev/null 2>> '${said}'\n`, { mode: 0o755 });
  const env = { ...own(folder), VPMEM_DESCRIPTORS: `${process.pid}:` };
  const { status, stderr } = await vpmemHere(['qemu', ...options, '--qemu', qemu, '--', ...args], { cwd: folder, env });
  return { status: Number(status), stderr: stderr + (existsSync(said) ? readFileSync(said, 'utf8') : '') };
};

/** The ending in the terms of what was expected, where it is that. */
function verdict({ status, stderr, answered }: Ending, expected: LineVerdict, help: boolean): unknown {
  if (status === 0 && (answered === 'prelaunch' || answered === 'inmigrate' || help)) return 'starts';
  const said = { status, answered, refused: stderr };
  return status === 1 && typeof expected === 'object' && stderr.includes(expected.refused) ? expected : said;
}

/** What was said, without where: a device or an object of ours stands in another option. */
function words(stderr: string): string[] {
  return stderr.split('\n').filter((text) => text !== '' && !text.startsWith('vpmem: warning:')).map((text) => text.replace(/^qemu-system-x86_64:.*: (?=\S)/, '').replace(/^qemu-system-x86_64: /, ''));
}

describe.skipIf(testbed === undefined)(`whole command lines${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  let folder: string;
  let made = 0;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'vpmem-lines-'));
  });
  afterAll(() => {
    for (const child of children) child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });

  const bare = ({ qemuWrapper }: Testbed): Run => started(qemuWrapper);
  const asProcess = ({ qemuWrapper }: Testbed): Run => started(process.execPath, MAIN, 'qemu', '--qemu', qemuWrapper, '--');

  // The first line of each group is a process of its own, as users start it.
  it.each(COMMAND_LINES.flatMap(({ title, lines }) => lines.map((each, n) => [title, each.line, each, n] as const)))('%s: %s', async (title, _, each: CommandLineCase, n) => {
    if (testbed === undefined) throw new Error(reason);
    const help = title === 'Requests for help';
    const place = made++;
    const vpmem = await ending(join(folder, `v${place}`), n === 0 ? asProcess(testbed) : here(testbed), each.line);
    expect(verdict(vpmem, each.vpmem, help)).toEqual(each.vpmem);
    if (!isAsked(each, n)) return;
    const qemu = await ending(join(folder, `q${place}`), bare(testbed), each.line);
    expect(verdict(qemu, each.qemu, help)).toEqual(each.qemu);
    if (each.sameWords && each.qemu !== 'starts') expect(words(vpmem.stderr)).toEqual(words(qemu.stderr));
  }, LIMIT);

  // There is room for devices to come then, which must take nothing that the line itself wants.
  const withJson = COMMAND_LINES.flatMap(({ lines }) => lines.filter(({ line }) => line.includes(`-device '{`) || line.endsWith('-device')));
  it.each(withJson.map((each) => [each.line, each] as const))('with a monitor of ours: %s', async (_, each) => {
    if (testbed === undefined) throw new Error(reason);
    const end = await ending(join(folder, `m${made++}`), here(testbed, '--qmp', 'unix:m,server=on,wait=off'), each.line);
    expect(verdict(end, each.vpmem, false)).toEqual(each.vpmem);
  }, LIMIT);
});
