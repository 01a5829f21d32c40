import { spawn } from 'node:child_process';
import { startQtest, type Qtest, type Testbed } from '@vpmem/testbed';
import type { Verdict } from './option-case.ts';

const LIMIT = 60_000;
const QUIET = ['-S', '-display', 'none', '-nodefaults'];

/**
 * What QEMU makes of a command line: it is started in `folder` and asked to quit as soon as it has set everything up.
 *
 * @throws if it ends in any other way
 */
export async function askQemu(testbed: Testbed, folder: string, args: readonly string[]): Promise<Verdict> {
  const [program = '', ...first] = testbed.qemuCommand;
  const child = spawn(program, [...first, ...QUIET, ...args, '-qmp', 'stdio'], { cwd: folder, stdio: 'pipe', timeout: LIMIT, killSignal: 'SIGKILL' });
  let answers = '';
  let complaint = '';
  child.stdout.on('data', (chunk: Buffer) => (answers += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  // It may be gone before it reads any of this.
  child.stdin.on('error', () => undefined);
  child.stdin.end('{"execute": "qmp_capabilities"} {"execute": "quit"}');
  const [status, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...end) => resolve(end));
  });
  if (status === 0) return answers.startsWith('{"QMP"') ? 'accepts' : 'help';
  if (status === 1) return { refused: complaint };
  if (signal === 'SIGSEGV' || signal === 'SIGABRT') return 'crashes';
  throw new Error(`${args.join(' ')}: QEMU ended with ${signal ?? `status ${String(status)}`}: ${complaint}`);
}

/** A QEMU with a monitor for `object_add`. Files are in the folder that was the current one when it was started. */
export class ObjectAddMonitor {
  readonly #qtest: Qtest;
  /** What is there from the beginning: QEMU's monitors are objects. */
  #own: readonly string[] = [];

  static async start(testbed: Testbed): Promise<ObjectAddMonitor> {
    const monitor = new ObjectAddMonitor(await startQtest({ testbed, machine: 'none', memory: '128M', ram: [] }));
    monitor.#own = await monitor.#objects();
    return monitor;
  }

  private constructor(qtest: Qtest) {
    this.#qtest = qtest;
  }

  /** What becomes of the last of some objects; nothing of them is left. @throws if one before it is refused */
  async ask(texts: readonly string[]): Promise<Verdict> {
    let verdict: Verdict = 'accepts';
    try {
      for (const [i, text] of texts.entries()) {
        verdict = await this.#add(text);
        if (i < texts.length - 1 && verdict !== 'accepts') throw new Error(`object_add ${text} has to work, for what comes after it`);
      }
      return verdict;
    } finally {
      for (const id of await this.#objects()) await this.#qtest.qmp('object-del', { id });
    }
  }

  /** The bytes that a size stands for; undefined if it is none. */
  async size(text: string): Promise<bigint | undefined> {
    // Of an offset into a file that is too small for it, or in the middle of a page, QEMU says what it is.
    const verdict = await this.#add(`memory-backend-file,id=size,size=4K,mem-path=4M.img,readonly=on,offset=${text.replaceAll(',', ',,')}`);
    if (typeof verdict === 'object') {
      const [, bytes] = /offset(?:' option)? (0x[0-9a-f]+)/.exec(verdict.refused) ?? [];
      if (bytes === undefined && !verdict.refused.includes('expects size')) throw new Error(`offset=${text}: ${verdict.refused}`);
      return bytes === undefined ? undefined : BigInt(bytes);
    }
    const bytes = (await this.#qtest.qmp('qom-get', { path: '/objects/size', property: 'offset' })) as number;
    await this.#qtest.qmp('object-del', { id: 'size' });
    return BigInt(bytes);
  }

  stop(): Promise<void> {
    return this.#qtest.stop();
  }

  async #add(text: string): Promise<Verdict> {
    const before = await this.#objects();
    const answer = (await this.#qtest.qmp('human-monitor-command', { 'command-line': `object_add ${text}` })) as string;
    if ((await this.#objects()).length > before.length) return 'accepts';
    return answer.startsWith('Error:') ? { refused: answer } : 'help';
  }

  async #objects(): Promise<string[]> {
    const members = (await this.#qtest.qmp('qom-list', { path: '/objects' })) as { name: string; type: string }[];
    return members.filter(({ type }) => type.startsWith('child<')).map(({ name }) => name).filter((name) => !this.#own.includes(name));
  }
}
