import { FRAME } from './guest-init.ts';
import { TestbedError } from './testbed-error.ts';

/** What came of a command in the guest. */
export interface CommandResult {
  readonly status: number;
  /** What it wrote to both streams. */
  readonly output: string;
}

/** What the guest's terminal still takes while nobody reads it. */
const MAX_LINE = 32_768;

interface PendingCommand {
  readonly id: number;
  resolve(result: CommandResult): void;
  reject(error: Error): void;
}

export interface AgentEvents {
  /** The guest takes commands. */
  ready(): void;
  /** Something of its set-up did not work. */
  broken(problem: string): void;
}

/** Our end of the guest's command channel; see `guest-init.ts`. One command at a time runs, others wait their turn. */
export class AgentChannel {
  readonly #marker: Buffer;
  readonly #send: (line: string) => void;
  readonly #events: AgentEvents;
  #received = Buffer.alloc(0);
  #searched = 0;
  #current: PendingCommand | undefined;
  #nextId = 1;
  #last: Promise<unknown> = Promise.resolve();

  constructor(token: string, send: (line: string) => void, events: AgentEvents) {
    this.#marker = Buffer.from(`${FRAME}${token} `);
    this.#send = send;
    this.#events = events;
  }

  /** Runs a shell script when those before it have ended. Fails if the guest goes away or starts again meanwhile. */
  run(script: string): Promise<CommandResult> {
    const line = escapeScript(script);
    if (line.length > MAX_LINE) return Promise.reject(new TestbedError('refused', `the command is too long: ${script.length} characters`));
    const turn = this.#last.then(
      () =>
        new Promise<CommandResult>((resolve, reject) => {
          const id = this.#nextId++;
          this.#current = { id, resolve, reject };
          this.#send(`${id} ${line}\n`);
        }),
    );
    // Whether one succeeds is for its caller to know; the next one only needs its end.
    this.#last = turn.then(
      () => undefined,
      () => undefined,
    );
    return turn;
  }

  /** What the running command has written so far. */
  get partialOutput(): string {
    return this.#received.toString();
  }

  /** Takes bytes that came from the guest, cut anywhere. */
  receive(bytes: Uint8Array): void {
    this.#received = Buffer.concat([this.#received, bytes]);
    for (;;) {
      const start = this.#received.indexOf(this.#marker, this.#searched);
      if (start < 0) {
        this.#searched = Math.max(0, this.#received.length - this.#marker.length + 1);
        return;
      }
      this.#searched = start;
      const end = this.#received.indexOf('\n', start);
      if (end < 0) return;
      const output = this.#received.toString('utf8', 0, start);
      const words = this.#received.toString('utf8', start + this.#marker.length, end);
      this.#received = this.#received.subarray(end + 1);
      this.#searched = 0;
      this.#take(words, output);
    }
  }

  /** The guest is gone. */
  fail(error: Error): void {
    this.#current?.reject(error);
    this.#current = undefined;
  }

  #take(words: string, output: string): void {
    const [kind, id, status] = words.split(' ');
    switch (kind) {
      case 'ready':
        this.fail(new TestbedError('dead', `the guest started again while a command ran; it had written:\n${output}`));
        this.#events.ready();
        return;
      case 'broken':
        this.#events.broken(words.slice('broken '.length));
        return;
      case 'end':
        if (this.#current?.id !== Number(id)) return;
        this.#current.resolve({ status: Number(status), output });
        this.#current = undefined;
        return;
      default:
        // 'begin': what came before it belongs to nobody.
        return;
    }
  }
}

/** As the guest's `printf %b` takes it back: one line, without spaces at its ends. To have a program decode base64 takes longer under TCG than most commands. */
function escapeScript(script: string): string {
  const octal = (byte: number): string => `\\0${byte.toString(8).padStart(3, '0')}`;
  const plain = script.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
  return plain.replace(/[^ -~]|^ | $/gu, (each) => [...Buffer.from(each)].map(octal).join(''));
}
