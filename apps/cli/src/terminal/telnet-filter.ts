const IAC = 0xff;
const SUBNEGOTIATION = { begin: 0xfa, end: 0xf0 };
const WILL = 0xfb;
const WONT = 0xfc;
const DO = 0xfd;
const BINARY = 0;

/**
 * As much of telnet as a monitor needs: its options are taken out of what it sends. What it offers to do is accepted in silence,
 * and what it asks for is refused, all but binary transmission.
 */
export class TelnetFilter {
  readonly #answer: (bytes: Buffer) => void;
  /** What of a command has come so far, IAC first. */
  #command: number[] = [];
  #speaksTelnet = false;

  constructor(answer: (bytes: Buffer) => void) {
    this.#answer = answer;
  }

  /** What of the received bytes is for people. */
  receive(bytes: Uint8Array): Buffer {
    const plain: number[] = [];
    for (const byte of bytes) {
      if (this.#command.length === 0 && byte !== IAC) plain.push(byte);
      else this.#commandByte(byte, plain);
    }
    return Buffer.from(plain);
  }

  /** What to send for these bytes: where telnet is spoken, a byte that could be a command is doubled. */
  send(bytes: Buffer): Buffer {
    return this.#speaksTelnet && bytes.includes(IAC) ? Buffer.from([...bytes].flatMap((byte) => (byte === IAC ? [IAC, IAC] : [byte]))) : bytes;
  }

  #commandByte(byte: number, plain: number[]): void {
    this.#command.push(byte);
    const [, verb = -1, option = -1] = this.#command;
    if (this.#command.length === 1) return;
    if (verb === IAC) {
      plain.push(IAC);
      this.#command = [];
      return;
    }
    if (verb === SUBNEGOTIATION.begin) {
      if (this.#command.length > 3 && this.#command.at(-2) === IAC && byte === SUBNEGOTIATION.end) this.#command = [];
      return;
    }
    if (verb < WILL) {
      this.#command = [];
      return;
    }
    if (this.#command.length < 3) return;
    this.#speaksTelnet = true;
    this.#command = [];
    if (verb === DO) this.#answer(Buffer.from([IAC, option === BINARY ? WILL : WONT, option]));
  }
}
