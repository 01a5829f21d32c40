import { PassThrough, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { MachineError } from '@vpmem/machine';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Connection, type Terminal } from '@vpmem/chardev';
import { FakeMachine } from '../fake-machine.ts';
import { serveHmp } from './hmp-session.ts';
import { HmpShell } from './hmp-shell.ts';
import { MAX_LINE, type LineEditor } from './line-editor.ts';

const UP = '\x1b[A';
const LEFT = '\x1b[D';

/** A client's keys, and what it sees. */
class Desk {
  readonly keys = new PassThrough({ highWaterMark: 16 * 1024 });
  readonly machine = new FakeMachine();
  readonly lines: string[] = [];
  readonly history: string[];
  screen = '';
  /** While set, the client does not read. */
  held: (() => void)[] | undefined;
  readonly served: Promise<void>;
  editor: LineEditor | undefined;

  constructor({ terminal, history = [] }: { terminal?: Terminal; history?: string[] } = {}) {
    this.history = history;
    const screen = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        this.screen += chunk.toString();
        if (this.held === undefined) done();
        else this.held.push(done);
      },
    });
    const shell = new HmpShell({ machine: this.machine, program: 'p', version: 'v', chardevs: () => [] }, (error) => { throw error as Error; });
    const run = shell.run.bind(shell);
    vi.spyOn(shell, 'run').mockImplementation(async (line, entered) => {
      this.lines.push(line);
      return run(line, entered);
    });
    const connection = new Connection(this.keys, screen, { terminal });
    this.served = serveHmp(connection, shell, { program: 'vpmemd', version: '1.2.3' }, this.history, () => undefined, (editor) => (this.editor = editor));
  }

  /** Types, says that nothing more will come, and waits for the end. */
  async type(...keys: (string | Uint8Array)[]): Promise<this> {
    for (const key of keys) this.keys.write(key);
    this.keys.end();
    await this.served;
    return this;
  }
}

/** Lets everything happen that can without anybody typing or reading. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await setImmediate();
}

afterEach(() => {
  vi.restoreAllMocks();
});

describe('a client of the human monitor', () => {
  it('sees banner, prompt, echo and answer, with lines ended by CR LF', async () => {
    const { screen } = await new Desk().type('info status\n', 'info name\r\n');
    expect(screen).toBe(
      "vpmemd 1.2.3 monitor - type 'help' for more information\r\n(vpmem) info status\r\nVM status: running\r\n(vpmem) info name\r\nfake\r\n(vpmem) ",
    );
  });

  it.each([
    ['LF', 'stop\nstop\n'],
    ['CR', 'stop\rstop\r'],
    ['CR LF', 'stop\r\nstop\r\n'],
  ])('may end lines with %s', async (_, keys) => {
    expect((await new Desk().type(...keys.split(''))).lines).toEqual(['stop', 'stop']);
    expect((await new Desk().type(keys)).lines).toEqual(['stop', 'stop']);
  });

  it('is asked for nothing more once it has ended the program', async () => {
    const { screen, lines } = await new Desk().type('stop\nquit\n', 'cont\n');
    expect([lines, screen.slice(screen.lastIndexOf('(vpmem)'))]).toEqual([['stop', 'quit'], '(vpmem) quit\r\n']);
  });

  it('goes on where the program cannot be ended', async () => {
    const desk = new Desk();
    desk.machine.quit = () => Promise.reject(new MachineError('object-missing', undefined, 'not now'));
    expect((await desk.type('quit\n')).screen).toMatch(/quit\r\nError: not now\r\n\(vpmem\) $/);
  });

  it('sees what it typed before what comes of it, at the terminal of this program', async () => {
    const desk = new Desk({ terminal: {} });
    const seen: string[] = [];
    desk.machine.onEvent(({ name }) => void seen.push(name, desk.screen.slice(desk.screen.lastIndexOf('(vpmem)'))));
    await desk.type('stop\n');
    expect(seen).toEqual(['STOP', '(vpmem) stop\r\n']);
  });

  it('sees lines of others above the one that it types, at the terminal of this program', async () => {
    const desk = new Desk({ terminal: { columns: 80 } });
    const others = (): void => desk.editor?.above(() => (desk.screen += 'nv1: deleted\n'));
    desk.keys.write('info na');
    await settle();
    others();
    await settle();
    expect(desk.screen).toMatch(/\(vpmem\) info na\r\x1b\[Jnv1: deleted\n[^a-z]*\(vpmem\) info na\x1b\[16G$/);
    // With the cursor in the second row of three.
    desk.keys.write(`\x15${'x'.repeat(200)}${LEFT.repeat(80)}`);
    await settle();
    desk.screen = '';
    others();
    await settle();
    expect(desk.screen.startsWith('\x1b[1A\r\x1b[Jnv1: deleted\n\r\n\x1b[1A\x1b[1G\x1b[0J(vpmem) xxx')).toBe(true);
    desk.machine.onEvent(others);
    await desk.type('\x1b[F\x15stop\n');
    expect(desk.screen).toMatch(/\(vpmem\) [^a-z]*stop\r\nnv1: deleted\n\(vpmem\) $/);
  });

  it('loses what it did not finish', async () => {
    expect((await new Desk().type('stop\nquit')).lines).toEqual(['stop']);
  });

  it.each([
    ['backspace', 'stopx\x7f\n', 'stop'],
    ['delete left', 'stopx\b\n', 'stop'],
    ['arrows', `sop${LEFT}${LEFT}t\n`, 'stop'],
    ['an arrow in pieces', `sop${LEFT}\x1b|[|Dt\n`, 'stop'],
    ['start and end of line', 'top\x01s\x05x\n', 'stopx'],
    ['delete word', 'stop foo\x17\n', 'stop '],
    ['delete right', `xstop\x01\x04\n`, 'stop'],
    ['delete key', `xstop\x01\x1b[3~\n`, 'stop'],
    ['history', `stop\ncont\n${UP}${UP}\n`, 'stop'],
    ['completion', `inf\tsta\t\n`, 'info status '],
    ['completion of an option', `device_add v\tm\t\n`, 'device_add virtio-pmem-pci,memdev='],
    ['letters of any script', 'qom-list /ä€😀\n', 'qom-list /ä€😀'],
    ['escape sequences that nobody knows', 'st\x1b[99;99X\x1b[5~\x1bOZop\n', 'stop'],
    ['a sequence without end', `st\x1b[${'0'.repeat(40)}mop\n`, `st[${'0'.repeat(40)}mop`],
    ['control characters', 'st\x00\x02\x06\x1c\x1d\x1eop\n', 'stop'],
  ])('has %s', async (_, keys, line) => {
    const desk = await new Desk().type(...keys.split('|'));
    expect(desk.lines.at(-1)).toBe(line);
  });

  it('sees completions when there are several', async () => {
    const { screen } = await new Desk().type('info mem\t\t\n');
    expect(screen).toMatch(/memdev\s+memory-devices\s+memory_size_summary/);
  });

  it('keeps its history when clients come and go, without repetitions', async () => {
    const history: string[] = [];
    await new Desk({ history }).type('stop\ncont\nstop\n\n');
    expect(history).toEqual(['stop', 'cont']);
    const { lines, screen } = await new Desk({ history }).type(`${UP}${UP}\n`, 'info history\n');
    expect(lines).toEqual(['cont', 'info history']);
    expect(screen).toContain("0: 'stop'\r\n1: 'cont'\r\n2: 'info history'\r\n");
  });

  it('is remembered 64 lines', async () => {
    const { history } = await new Desk().type(...Array.from({ length: 70 }, (_, index) => `x${index}\n`));
    expect([history.length, history[0], history.at(-1)]).toEqual([64, 'x69', 'x6']);
  });

  it(`may write ${MAX_LINE} characters in a line`, async () => {
    const { lines, screen } = await new Desk().type('x'.repeat(MAX_LINE + 10), 'x', '\n', 'y'.repeat(3000), 'y'.repeat(3000), '\n');
    expect(lines.map((line) => line.length)).toEqual([MAX_LINE, MAX_LINE]);
    // What is not taken is not echoed either.
    expect(screen).toMatch(new RegExp(`\\) x{${MAX_LINE}}\r\n`));
  });

  it('cannot make a line longer by yanking', async () => {
    const desk = await new Desk().type('x'.repeat(3000), '\x15', '\x19'.repeat(20), '\n');
    expect(desk.lines.map((line) => line.length)).toEqual([3000]);
  });

  it('does not end or suspend anything with Ctrl-C and Ctrl-Z', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    expect((await new Desk().type('st\x03\x1aop\n')).lines).toEqual(['stop']);
    expect(kill).not.toHaveBeenCalled();
  });

  it('hangs up with Ctrl-D', async () => {
    const desk = new Desk();
    desk.keys.write('stop\n\x04cont\n');
    await desk.served;
    expect(desk.lines).toEqual(['stop']);
  });

  it('interrupts the program, and stays, where it is its terminal', async () => {
    const kill = vi.spyOn(process, 'kill').mockReturnValue(true);
    expect((await new Desk({ terminal: { columns: 80 } }).type('\x04\x03\x1astop\n')).lines).toEqual(['stop']);
    expect(kill.mock.calls).toEqual([[process.pid, 'SIGINT']]);
  });

  it('has one command at a time, and no echo meanwhile', async () => {
    const desk = new Desk();
    let open: () => void = () => undefined;
    desk.machine.gate = new Promise((resolve) => (open = resolve));
    desk.keys.write('object_add memory-backend-file,id=m,mem-path=p,size=1M\ninfo name\n');
    await settle();
    expect(desk.lines).toHaveLength(1);
    expect(desk.screen).not.toContain('info name');
    open();
    await desk.type();
    expect(desk.screen).toMatch(/size=1M\r\n\(vpmem\) info name\r\nfake\r\n\(vpmem\) $/);
  });

  it('that does not read gets nothing more done, and costs one chunk', async () => {
    const desk = new Desk();
    await settle();
    desk.held = [];
    desk.keys.write('stop\n'.repeat(1000));
    await settle();
    expect(desk.lines).toHaveLength(1);
    for (let chunk = 0; chunk < 20; chunk++) desk.keys.write('stop\n'.repeat(10_000));
    await settle();
    expect(desk.lines).toHaveLength(1);
    expect(desk.keys.readableLength + desk.keys.writableLength).toBeGreaterThan(900_000);
  });

  it('that makes much echo and does not read is not listened to', async () => {
    const desk = new Desk({ history: ['x'.repeat(4000)] });
    await settle();
    desk.held = [];
    const [chunk, chunks] = [`${UP}\x1b[B`.repeat(500), 20];
    for (let count = 0; count < chunks; count++) desk.keys.write(chunk);
    for (let round = 0; round < 5; round++) await settle();
    expect(desk.keys.readableLength + desk.keys.writableLength).toBeGreaterThan((chunks * chunk.length) / 2);
    const held = desk.held;
    desk.held = undefined;
    held.forEach((done) => done());
    await desk.type('stop\n');
    expect(desk.lines).toEqual(['stop']);
  });
});
