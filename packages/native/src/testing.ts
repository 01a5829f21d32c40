import { bind, check, errno, fcntl, socket, syscallOfSix } from './libc.ts';
import { MessageSocket } from './sockets/message-socket.ts';
import { waitReadable } from './events/poll.ts';
import { socketAddress } from './sockets/unix-datagram.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;

const F_SETFL = 4;

/** What a peer can do at any moment to a descriptor it has given away: reads and writes wait from now on. */
export function makeBlocking(fd: number): void {
  check(fcntl(fd, F_SETFL, 0), 'fcntl F_SETFL', `descriptor ${fd}`);
}

/** The other end of `sendDatagram`: what node has no socket for. */
export class DatagramInbox {
  readonly #socket: MessageSocket;

  /** @param address a path, or `@name` */
  constructor(address: string) {
    this.#socket = new MessageSocket(check(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), 'socket'));
    try {
      const target = socketAddress(address);
      check(bind(this.#socket.fd, target, target.length), 'bind', address);
    } catch (error) {
      this.#socket.close();
      throw error;
    }
  }

  /** The datagrams that have come since it was last asked, as text. */
  take(): string[] {
    const taken: string[] = [];
    while (waitReadable(this.#socket.fd, 0)) {
      const target = Buffer.alloc(4096);
      taken.push(target.subarray(0, this.#socket.receive(target, [])).toString());
    }
    return taken;
  }

  /** The path of an inbox stays; its maker removes it. */
  close(): void {
    this.#socket.close();
  }
}

/** Any system call of x86-64, as tests have a client make it; the negative errno if it fails. */
export function callSystem(number: number, ...args: readonly (number | bigint)[]): bigint {
  const [a = 0n, b = 0n, c = 0n, d = 0n, e = 0n, f = 0n] = args.map((value) => BigInt.asUintN(64, BigInt(value)));
  const result = BigInt(syscallOfSix(number, a, b, c, d, e, f));
  return result === -1n ? -BigInt(errno()) : result;
}

export { viewAt } from './libc.ts';
