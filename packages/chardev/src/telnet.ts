/** Commands of telnet, by their usual names. */
const IAC = 255;
const DONT = 254;
const DO = 253;
const WILL = 251;
const SB = 250;
const SE = 240;
/** Options of telnet. */
const ECHO = 1;
const SUPPRESS_GO_AHEAD = 3;
const BINARY = 0;

/**
 * What a telnet server says first, as QEMU does: it echoes, it never says "go ahead", and both sides send eight bits. That
 * puts clients into character mode. Their answers are not waited for.
 */
export const TELNET_GREETING = Buffer.from([
  IAC, WILL, ECHO,
  IAC, WILL, SUPPRESS_GO_AHEAD,
  IAC, WILL, BINARY,
  IAC, DO, BINARY,
]);

type State = 'data' | 'return' | 'command' | 'option' | 'sub' | 'sub-command';

/** Takes telnet's commands out of what a client sends. A command may be spread over any number of chunks. */
export class TelnetDecoder {
  #state: State = 'data';

  /** The data in `chunk`: no commands, doubled IAC made single, and of CR NUL only the CR. */
  decode(chunk: Uint8Array): Buffer {
    const data = Buffer.alloc(chunk.length);
    let length = 0;
    for (const byte of chunk) {
      if (this.#isData(byte)) data[length++] = byte;
    }
    return data.subarray(0, length);
  }

  #isData(byte: number): boolean {
    switch (this.#state) {
      case 'data':
      case 'return': {
        const padding = this.#state === 'return' && byte === 0;
        this.#state = byte === IAC ? 'command' : byte === 0x0d ? 'return' : 'data';
        return byte !== IAC && !padding;
      }
      case 'command':
        this.#state = byte >= WILL && byte <= DONT ? 'option' : byte === SB ? 'sub' : 'data';
        return byte === IAC;
      case 'option':
        this.#state = 'data';
        return false;
      case 'sub':
        if (byte === IAC) this.#state = 'sub-command';
        return false;
      case 'sub-command':
        this.#state = byte === SE ? 'data' : 'sub';
        return false;
    }
  }
}
