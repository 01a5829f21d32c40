import { isDeepStrictEqual } from 'node:util';
import { FakeMachine, HmpShell, machineHandlers } from '@vpmem/monitor/testing';
import { JsonStream, QmpSession, type JsonMessage } from '@vpmem/qmp';
import { ByteReader } from '../byte-reader.ts';
import { must, text, Violation, type Target } from '../target.ts';

/** Small, so that inputs reach them. */
const LIMITS = { bytes: 512, tokens: 64, depth: 12 };
const VERSION = { qemu: { major: 11, minor: 1, micro: 0 }, package: '' };
const FLAGS = { pretty: 1, slow: 2 };
/** Of the event loop, for all that was sent. */
const MOST_TURNS = 1000;
/** An error may name what was asked for, in escapes six times as long. */
const LONGEST_ANSWER = 64 * 1024;

function messages(pieces: readonly Uint8Array[]): JsonMessage[] {
  const stream = new JsonStream(LIMITS);
  const found: JsonMessage[] = [];
  for (const piece of pieces) {
    stream.push(piece);
    for (let message = stream.next(); message !== undefined; message = stream.next()) found.push(message);
  }
  return found;
}

/** The same bytes in pieces, whose lengths the input gives. */
function cut(bytes: Uint8Array, lengths: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let at = 0;
  for (const length of lengths) {
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return [...pieces, bytes.subarray(at)];
}

/** A client that sends what it likes in pieces, and may not read. */
async function converse(pieces: readonly Uint8Array[], flags: number): Promise<string> {
  const machine = new FakeMachine();
  const internal = (error: unknown): void => {
    throw new Violation('an internal error', { cause: error });
  };
  let failure: unknown;
  const note = (error: unknown): void => void (failure ??= error);
  const shell = new HmpShell({ machine, program: 'fuzz', version: '1', chardevs: () => [] }, note);
  let sent = '';
  let asked = 0;
  const session = new QmpSession({
    version: VERSION,
    handlers: machineHandlers(machine, shell),
    pretty: (flags & FLAGS.pretty) !== 0,
    limits: LIMITS,
    write: (answer) => {
      sent += answer;
      return (flags & FLAGS.slow) === 0 || ++asked % 2 === 1;
    },
    onOverflow: () => internal('more answers than were asked for'),
    onInternalError: note,
  });
  for (const piece of pieces) {
    session.receive(piece);
    await settle(session, flags);
  }
  await settle(session, flags);
  session.end();
  if (failure !== undefined) internal(failure);
  return sent;
}

/** Reads all answers, however slowly. */
async function settle(session: QmpSession, flags: number): Promise<void> {
  const state = { idle: false };
  void session.idle().then(() => (state.idle = true));
  for (let turns = 0; !state.idle && turns < MOST_TURNS; turns++) {
    if ((flags & FLAGS.slow) !== 0) session.drained();
    await new Promise(setImmediate);
  }
  must(state.idle, () => 'the session never comes to rest');
}

/** Every answer is JSON on its own and says one of the things an answer can say. */
function checkAnswers(sent: string, asked: number): void {
  const answers = new JsonStream();
  answers.push(text(sent));
  let count = -1;
  for (let answer = answers.next(); answer !== undefined; answer = answers.next(), count++) {
    must(answer.error === undefined, () => `an answer that is no JSON: ${answer.error}`);
    const keys = Object.keys(answer.value as object);
    must(['QMP', 'return', 'error', 'event'].filter((each) => keys.includes(each)).length === 1, () => `an answer with ${keys.join(', ')}`);
    if (keys.includes('event')) count--;
  }
  must(count === asked, () => `${count} answers to ${asked} messages`);
  must(/^[\x20-\x7e\r\n]*$/.test(sent), () => 'an answer that is not ASCII');
  must(sent.length < LONGEST_ANSWER * (asked + 1), () => `${sent.length} characters of answers to ${asked} messages`);
}

const CAPABLE = '{"execute":"qmp_capabilities"}';

/** A QMP client's bytes: the stream of messages in any pieces, the session, and the commands on a machine. */
export const qmp: Target = {
  run: async (bytes) => {
    const input = new ByteReader(bytes);
    const flags = input.u8();
    const lengths = input.bytes(input.below(16));
    const stream = input.rest();
    const whole = messages([stream]);
    const pieces = cut(stream, lengths);
    must(isDeepStrictEqual(messages(pieces), whole), () => 'in pieces it reads as something else');
    checkAnswers(await converse(pieces, flags), whole.length);
  },
  seeds: [
    `\0\0${CAPABLE}{"execute":"query-status","id":1}{"execute":"query-commands"}`,
    `\x01\x02\x05\x07${CAPABLE}{"execute":"object-add","arguments":{"qom-type":"memory-backend-file","id":"m","size":4096,"mem-path":"/x"}}{"execute":"query-memdev"}`,
    `\x02\x01\x20${CAPABLE} {'execute':'device_add','arguments':{'driver':'virtio-pmem-pci','memdev':'m','id':'\\u00e9'}} {"execute":"qom-list","arguments":{"path":"/objects"}}`,
    `\0\0{"execute":"qmp_capabilities","arguments":{"enable":["oob"]}}{"exec-oob":"query-status"}[1,2.5e3,-1]tru{]`,
    `\0\0${CAPABLE}{"execute":"human-monitor-command","arguments":{"command-line":"info status"}}{"execute":"quit"}`,
    `\0\0${CAPABLE}{"execute":"qom-get","arguments":{"path":"/machine","property":"type"}}{"execute":"device-list-properties","arguments":{"typename":"virtio-pmem-pci"}}`,
    `\0\0${CAPABLE}{"execute":"object-add","arguments":{"qom-type":"memory-backend-file","id":"m","size":4096,"mem-path":"/x"}}{"execute":"device_add","arguments":{"driver":"virtio-pmem-pci","memdev":"m","id":"nv1"}}{"execute":"pmem-record","arguments":{"id":"nv1","action":"begin","file":"a","interval":5}}{"execute":"pmem-mark","arguments":{"text":"\\u0000"}}`,
  ].map(text),
  maxLength: 1024,
  maxSteps: (length) => 2 ** 19 + 20_000 * length,
  maxBytes: 2 ** 24,
};
