import type { Duplex } from 'node:stream';
import { TestbedError } from './testbed-error.ts';

/** QEMU's qtest protocol: a line is asked, a line is answered, in order; interrupts come in between. */
export class QtestClient {
  readonly #answers: ((line: string) => void)[] = [];
  #socket: Duplex | undefined;
  #line = '';

  readonly connect = (socket: Duplex): void => {
    this.#socket = socket;
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => this.receive(text));
  };

  /** Never settles if QEMU goes away first. @returns what follows OK @throws TestbedError `refused` with QEMU's words */
  async ask(...words: (string | number | bigint)[]): Promise<string> {
    const line = words.map((word) => (typeof word === 'string' ? word : `0x${word.toString(16)}`)).join(' ');
    const answer = await new Promise<string>((resolve) => {
      this.#answers.push(resolve);
      this.#socket?.write(`${line}\n`);
    });
    if (answer === 'OK') return '';
    if (answer.startsWith('OK ')) return answer.slice(3);
    throw new TestbedError('refused', `qtest ${line.slice(0, 200)}: ${answer}`);
  }

  /** Takes text that came from QEMU, cut anywhere. */
  receive(text: string): void {
    const lines = (this.#line + text).split('\n');
    this.#line = lines.pop() ?? '';
    for (const line of lines) if (!line.startsWith('IRQ ')) this.#answers.shift()?.(line);
  }
}
