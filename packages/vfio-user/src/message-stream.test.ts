import { closeSync, fstatSync, openSync } from 'node:fs';
import { adoptSocket, EventLoop, MessageSocket, unixPair } from '@vpmem/native';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from './incoming-messages.ts';
import type { Conversation } from './conversation.ts';
import { KeptChanges } from './kept/kept.ts';
import { KeptStream } from './kept/kept-stream.ts';
import { MessageStream } from './message-stream.ts';
import { Command, Header } from './protocol.ts';
import { countDescriptors } from './testing.ts';

/** A message as a test compares it; descriptors by what they are open on. */
interface Seen {
  readonly id: number;
  readonly command: number;
  readonly body: string;
  readonly files: readonly number[];
}

interface Sent {
  readonly command: number;
  readonly body: number;
  readonly fds?: number;
}

let loop: EventLoop;
let peer: MessageSocket;
let stream: Conversation;
let seen: Seen[];
let ends: (string | undefined)[];
let file: number;
let before: number;
let whenSeen: () => void;

describe.each(['plain', 'kept'])('a %s stream', (kind) => {
  beforeEach(() => {
    before = countDescriptors();
    loop = new EventLoop();
    const [ours, theirs] = unixPair();
    peer = new MessageSocket(theirs);
    file = openSync('/proc/self/status', 'r');
    seen = [];
    ends = [];
    whenSeen = () => undefined;
    const sink = { message: note, malformed: () => undefined, ended: (reason?: string) => ends.push(reason) };
    adoptSocket(ours);
    if (kind === 'plain') stream = new MessageStream(ours, loop, sink);
    else {
      stream = new KeptStream(ours, loop, sink, new KeptChanges({ save: () => undefined, word: new Int32Array(1) }, loop));
      stream.keep();
    }
  });
  afterEach(() => {
    stream.close();
    peer.close();
    closeSync(file);
    loop.close();
    expect(countDescriptors()).toBe(before);
  });

  function note({ id, command, body, view, fds }: Message): void {
    // The view is of the same bytes.
    expect(Array.from(body, (_, i) => view.getUint8(i))).toEqual([...body]);
    seen.push({ id, command, body: Buffer.from(body).toString('hex'), files: fds.map((fd) => fstatSync(fd).ino) });
    for (const fd of fds) closeSync(fd);
    whenSeen();
  }

  /** Each message with its descriptors on its first byte, as every client sends them. */
  function encode(messages: readonly Sent[]): { readonly bytes: Buffer; readonly fds: number[] }[] {
    return messages.map(({ command, body, fds = 0 }, id) => ({
      bytes: Buffer.concat([Header.encode({ msg_id: id, cmd: command, msg_size: Header.size + body }), Buffer.from(Array.from({ length: body }, (_, i) => (id + 7 * i) % 251))]),
      fds: Array.from({ length: fds }, () => file),
    }));
  }

  function expected(messages: readonly Sent[]): Seen[] {
    const { ino } = fstatSync(file);
    return encode(messages).map(({ bytes }, id) => ({
      id,
      command: messages[id]?.command ?? -1,
      body: bytes.subarray(Header.size).toString('hex'),
      files: Array.from({ length: messages[id]?.fds ?? 0 }, () => ino),
    }));
  }

  const settle = (): void => {
    for (let turns = 0; loop.turn(0) > 0; turns++) if (turns === 10_000) throw new Error('the stream is ready for ever, and takes nothing');
  };

  /** Sends in pieces of `size` bytes, or whole messages; the stream reads after each piece, or when all is there. */
  function send(messages: readonly Sent[], size: number, reading: boolean): void {
    for (const { bytes, fds } of encode(messages)) {
      for (let at = 0; at < bytes.length; at += size) {
        expect(peer.send(bytes.subarray(at, at + size), at === 0 ? fds : [])).toBe(Math.min(size, bytes.length - at));
        if (reading) settle();
      }
    }
    settle();
  }

  const RESET = { command: Command.DEVICE_RESET, body: 0 };
  const MAP = { command: Command.DMA_MAP, body: 32, fds: 1 };
  const READ = { command: Command.REGION_READ, body: 16 };
  const BURSTS: [string, Sent[]][] = [
    ['a reset and a map with a descriptor', [RESET, MAP]],
    ['a map and a reset, and another map', [MAP, RESET, MAP]],
    ['two resets and a map', [RESET, RESET, MAP, RESET]],
    ['a register read and a map with two descriptors', [READ, { ...MAP, fds: 2 }, READ]],
    ['bodies of every length around the first read', Array.from({ length: 40 }, (_, body) => ({ command: Command.REGION_WRITE, body }))],
    ['bodies around the small buffer, and a reset behind each', [4095, 4096, 4097, 20_000].flatMap((body) => [{ command: Command.REGION_WRITE, body }, RESET])],
    ['a short body with the beginning of a long one behind it, with descriptors', [{ command: Command.DEVICE_GET_INFO, body: 3 }, { command: Command.DEVICE_SET_IRQS, body: 5000, fds: 3 }, RESET]],
  ];

  describe.each(BURSTS)('%s', (_, messages) => {
    const sizes = messages.length < 8 ? [...Array.from({ length: 48 }, (__, i) => i + 1), 1000, 60_000] : [1, 7, 16, 17, 31, 32, 33, 70_000];

    it('are told apart in pieces of every size that are read one by one', () => {
      for (const size of sizes) {
        if (size < 8 && messages.some(({ body }) => body > 4000)) continue;
        seen = [];
        send(messages, size, true);
        expect(seen, `pieces of ${size}`).toEqual(expected(messages));
      }
    });

    it('are told apart in one burst', () => {
      send(messages, 2 ** 20, false);
      expect(seen).toEqual(expected(messages));
    });
  });

  it('a hundred messages that are nothing but a header, in one write', () => {
    const messages = Array.from({ length: 100 }, () => RESET);
    expect(peer.send(Buffer.concat(encode(messages).map(({ bytes }) => bytes)))).toBe(1600);
    settle();
    expect(seen).toEqual(expected(messages));
  });

  it('whoever closes in the first of two messages that came together hears nothing of the second, and its descriptor goes', () => {
    whenSeen = () => stream.close();
    send([RESET, MAP, RESET], 2 ** 20, false);
    expect([seen, ends]).toEqual([expected([RESET]), []]);
  });

  it('a second header that cannot be served ends it after the first', () => {
    const bad = Header.encode({ msg_id: 1, cmd: Command.DEVICE_RESET, msg_size: 15 });
    peer.send(Buffer.concat([...encode([RESET]).map(({ bytes }) => bytes), bad]));
    settle();
    expect([seen, ends]).toEqual([expected([RESET]), ['a message of 15 bytes']]);
  });

  it('the end of the connection behind a whole message is no more than that, inside of one it is', () => {
    const [[whole]] = [encode([RESET])];
    peer.send(Buffer.concat([whole?.bytes ?? Buffer.of(), Buffer.alloc(15)]));
    peer.close();
    peer = new MessageSocket(openSync('/dev/null', 'r'));
    settle();
    expect([seen, ends]).toEqual([expected([RESET]), ['the connection ended inside a message']]);
  });

  it('replies that the peer does not take wait in their order, each as it was when it was sent, and nothing is read meanwhile', () => {
    const shared = new Uint8Array(40_000);
    whenSeen = () => {
      for (const nth of [2 * seen.length - 1, 2 * seen.length]) {
        shared.fill(nth);
        // A command: of replies there is one to a message.
        shared[Header.fields.flags.offset] = 0;
        stream.send(shared);
      }
    };
    const messages = Array.from({ length: 40 }, () => RESET);
    peer.send(Buffer.concat(encode(messages).map(({ bytes }) => bytes)));
    settle();
    expect(seen.length).toBeLessThan(40);
    const got: number[] = [];
    const target = new Uint8Array(40_000);
    // More turns than there are pieces: whoever stops reading is found out, and does not hang.
    for (let received = 0, turns = 0; received < 80 * shared.length && turns < 10_000; turns++) {
      const count = peer.receive(target, []);
      if (count > 0) for (let i = 0; i < count; i++) if ((received + i) % shared.length === 0) got.push(target[i] ?? -1);
      received += Math.max(0, count);
      settle();
    }
    expect([seen, got]).toEqual([expected(messages), Array.from({ length: 80 }, (_, i) => i + 1)]);
  });
});
