import assert from 'node:assert/strict';
import { qmpDifferences } from './qmp-differences.ts';
import { qmpExchanges } from './qmp-exchanges.ts';
import type { QmpPeer } from './qmp-peer.ts';
import { RawConnection, type RawMessage } from './raw-connection.ts';

/** One thing a QMP server has to do, whatever is behind it. */
export interface QmpCase {
  readonly name: string;
  /** Takes a server that reads single bytes a quarter of a minute. */
  readonly slow?: boolean;
  /** Throws an AssertionError if it does not hold. */
  readonly run: (peer: QmpPeer) => Promise<void>;
}

type Monitor = Parameters<QmpPeer['connect']>[0];

async function connected(peer: QmpPeer, use: (connection: RawConnection) => Promise<void>, monitor: Monitor = 'first'): Promise<void> {
  const connection = new RawConnection(await peer.connect(monitor));
  try {
    await use(connection);
  } finally {
    connection.close();
  }
}

/** A case on a connection that has negotiated. */
function negotiated(name: string, use: (connection: RawConnection, peer: QmpPeer) => Promise<void>, enable: readonly string[] = []): QmpCase {
  return {
    name,
    run: (peer) =>
      connected(peer, async (connection) => {
        await connection.open(enable);
        await use(connection, peer);
      }),
  };
}

const ask = (id: unknown, command = 'query-name', way = 'execute'): string => JSON.stringify({ [way]: command, id });
const parse = (lines: readonly string[]): RawMessage[] => lines.map((line) => JSON.parse(line) as RawMessage);
const failure = (errorClass: string, desc: string): RawMessage => ({ error: { class: errorClass, desc } });

const beforeNegotiation: readonly (readonly [send: string, answer: RawMessage])[] = [
  [ask(1), { id: 1, ...failure('CommandNotFound', "Expecting capabilities negotiation with 'qmp_capabilities'") }],
  ['{"execute": "no-such-command"}', failure('CommandNotFound', "Expecting capabilities negotiation with 'qmp_capabilities'")],
  ['[]', failure('GenericError', 'QMP input must be a JSON object')],
  ['{"exec-oob": "qmp_capabilities"}', failure('GenericError', "QMP input member 'exec-oob' is unexpected")],
  ['{"execute": "qmp_capabilities", "arguments": {"enable": ["x"]}}', failure('GenericError', "Parameter 'null' does not accept value 'x'")],
  ['{"execute": "qmp_capabilities", "arguments": {"enable": ["oob", "x"]}}', failure('GenericError', "Parameter 'null' does not accept value 'x'")],
  ['{"execute": "qmp_capabilities", "arguments": {"enable": [1]}}', failure('GenericError', "Invalid parameter type for 'enable[0]', expected: string")],
  ['{"execute": "qmp_capabilities", "arguments": {"enable": "oob"}}', failure('GenericError', "Invalid parameter type for 'enable', expected: array")],
  ['{"execute": "qmp_capabilities", "arguments": {"x": 1}}', failure('GenericError', "Parameter 'x' is unexpected")],
];

const connectionCases: readonly QmpCase[] = [
  {
    name: 'greets with its version and what it offers',
    run: (peer) =>
      connected(peer, async (connection) => {
        const { QMP } = (await connection.message()) as { QMP: { version: { qemu: Record<string, unknown>; package: unknown }; capabilities: unknown } };
        assert.deepEqual(Object.keys(QMP).sort(), ['capabilities', 'version']);
        assert.deepEqual(Object.keys(QMP.version).sort(), ['package', 'qemu']);
        assert.deepEqual(Object.keys(QMP.version.qemu).sort(), ['major', 'micro', 'minor']);
        for (const number of Object.values(QMP.version.qemu)) assert.ok(Number.isInteger(number));
        assert.equal(typeof QMP.version.package, 'string');
        assert.deepEqual(QMP.capabilities, ['oob']);
      }),
  },
  {
    name: 'takes nothing but a negotiation first, and bears mistakes',
    run: (peer) =>
      connected(peer, async (connection) => {
        await connection.message();
        for (const [send, answer] of beforeNegotiation) {
          connection.send(send);
          assert.deepEqual(await connection.message(), answer, send);
        }
        connection.send('{"execute": "qmp_capabilities", "id": "now"}');
        assert.deepEqual(await connection.message(), { return: {}, id: 'now' });
        assert.deepEqual(await connection.exchange(''), []);
      }),
  },
  {
    name: 'begins anew with every connection',
    run: async (peer) => {
      await connected(peer, async (connection) => {
        await connection.open(['oob']);
        connection.send('{"execute": "query-na');
      });
      await connected(peer, async (connection) => {
        await connection.message();
        connection.send(ask(1));
        assert.deepEqual(await connection.message(), beforeNegotiation[0]?.[1]);
      });
    },
  },
  {
    name: 'answers what was sent before the client shut its side',
    run: (peer) =>
      connected(peer, async (connection) => {
        await connection.message();
        connection.send(`{"execute": "qmp_capabilities"}${ask(1)}`);
        connection.finish();
        assert.deepEqual([await connection.message(), await connection.message()], [{ return: {} }, { return: {}, id: 1 }]);
        assert.equal(await connection.line(), undefined);
      }),
  },
  {
    name: 'writes blanks after colons and commas, and lines that end in CR LF',
    run: (peer) =>
      connected(peer, async (connection) => {
        await connection.open();
        assert.deepEqual(await connection.exchange('{"execute":"query-name","id":[1,{"a":"\xc3\xa9"},[],{}]}'), ['{"return": {}, "id": [1, {"a": "\\u00C3\\u00A9"}, [], {}]}']);
        assert.deepEqual(await connection.exchange('{"execute":"x","id":1}'), ['{"id": 1, "error": {"class": "CommandNotFound", "desc": "The command x has not been found"}}']);
      }),
  },
  {
    name: 'indents on a monitor that is to be pretty',
    run: (peer) =>
      connected(
        peer,
        async (connection) => {
          for (let line = await connection.line(); line !== '}'; line = await connection.line()) assert.match(line ?? '', /^(?:\{| {4,}\S.*)$/);
          connection.send('{"execute": "qmp_capabilities", "id": [[], {}, [1, 2], {"a": "b"}]}');
          const lines: (string | undefined)[] = [];
          while (lines.at(-1) !== '}') lines.push(await connection.line());
          const inner = ['[', '],', '{', '},', '[', '    1,', '    2', '],', '{', '    "a": "b"', '}'];
          assert.deepEqual(lines, ['{', '    "return": {', '    },', '    "id": [', ...inner.map((line) => `        ${line}`), '    ]', '}']);
        },
        'pretty',
      ),
  },
];

const streamCases: readonly QmpCase[] = [
  negotiated('puts together what comes byte by byte', async (connection) => {
    for (const byte of Buffer.from('{"execute": "query-name", "id": "\u00e9\\u00e9"}')) connection.send(Uint8Array.of(byte));
    assert.deepEqual(parse(await connection.exchange('')), [{ return: {}, id: '\u00e9\u00e9' }]);
  }),
  {
    ...negotiated('has room for two Mi tokens', async (connection) => {
      const numbers = (count: number): string => `[${'1,'.repeat(count - 1)}1]`;
      // Each number has a comma or the closing bracket behind it, and there is the opening one.
      assert.deepEqual(parse(await connection.exchange(numbers(2 ** 20 - 1))), [failure('GenericError', 'QMP input must be a JSON object')]);
      assert.deepEqual(parse(await connection.exchange(numbers(2 ** 20))), [failure('GenericError', 'JSON token count limit exceeded')]);
    }),
    slow: true,
  },
  ...qmpExchanges.map(({ name, send, answers }) =>
    negotiated(`takes ${name}`, async (connection) => {
      assert.deepEqual(parse(await connection.exchange(Buffer.from(send, 'latin1'))), answers);
    }),
  ),
  ...qmpDifferences.map(({ what, send, ...expected }) =>
    negotiated(`differs: ${what}`, async (connection, { kind }) => {
      assert.notDeepEqual(expected.vpmem, expected.qemu, 'this is no difference');
      assert.deepEqual(await connection.exchange(send), expected[kind]);
    }),
  ),
];

const orderCases: readonly QmpCase[] = [
  negotiated('runs one command after the other', async (connection, peer) => {
    const { request, release } = await peer.block();
    connection.send(`${JSON.stringify({ ...request, id: 'slow' })}${ask(1)}[}${ask(2)}`);
    await release();
    const answers = [await connection.message(), await connection.message(), await connection.message(), await connection.message()];
    assert.deepEqual(answers.map(({ id }) => id), ['slow', 1, undefined, 2]);
  }),
  negotiated(
    'lets out-of-band commands overtake seven others, but no eighth',
    async (connection, peer) => {
      for (const waiting of [7, 8]) {
        const { request, release } = await peer.block();
        const ids = Array.from({ length: waiting }, (_, i) => i);
        connection.send(JSON.stringify({ ...request, id: 'slow' }) + ids.map((id) => ask(id)).join('') + ask('oob', peer.outOfBandCommand, 'exec-oob'));
        const overtaking = waiting < 8 ? [(await connection.message()).id] : [];
        await release();
        const answers = [...overtaking];
        while (answers.length < waiting + 2) answers.push((await connection.message()).id);
        assert.deepEqual(answers.filter((id) => id !== 'oob'), ['slow', ...ids]);
        assert.equal(answers.indexOf('oob') === 0, waiting < 8, `out of band came as number ${answers.indexOf('oob')} of ${answers.length}`);
      }
    },
    ['oob'],
  ),
  negotiated(
    'refuses what cannot be out of band',
    async (connection, peer) => {
      const refusals: readonly (readonly [send: string, answer: RawMessage])[] = [
        [ask(1, 'query-name', 'exec-oob'), { id: 1, ...failure('GenericError', 'The command query-name does not support OOB') }],
        [ask(2, 'x', 'exec-oob'), { id: 2, ...failure('CommandNotFound', 'The command x has not been found') }],
        ['{"exec-oob": 1}', failure('GenericError', "QMP input member 'exec-oob' must be a string")],
        ['{"execute": "a", "exec-oob": "b"}', failure('GenericError', "QMP input member 'execute' clashes with 'exec-oob'")],
        ['{"exec-oob": "a", "execute": "b"}', failure('GenericError', "QMP input member 'execute' clashes with 'exec-oob'")],
        [JSON.stringify({ 'exec-oob': peer.outOfBandCommand, arguments: { x: 1 } }), failure('GenericError', "Parameter 'x' is unexpected")],
      ];
      for (const [send, answer] of refusals) assert.deepEqual(parse(await connection.exchange(send)), [answer], send);
    },
    ['oob'],
  ),
];

const eventCases: readonly QmpCase[] = [
  negotiated('tells events before the answer to what caused them', async (connection) => {
    await connection.exchange('{"execute": "stop"}');
    const started = Math.floor(Date.now() / 1000) - 1;
    connection.send('{"execute": "cont", "id": 1}{"execute": "stop", "id": 2}');
    for (const [event, id] of [['RESUME', 1], ['STOP', 2]] as const) {
      const { timestamp, ...rest } = await connection.message();
      assert.deepEqual(rest, { event });
      const { seconds, microseconds, ...nothing } = timestamp as { seconds: number; microseconds: number };
      assert.deepEqual(nothing, {});
      assert.ok(seconds >= started && seconds <= Math.ceil(Date.now() / 1000), `${seconds} is now`);
      assert.ok(Number.isInteger(microseconds) && microseconds >= 0 && microseconds < 1_000_000);
      assert.deepEqual(await connection.message(), { return: {}, id });
    }
  }),
  negotiated('tells events to every monitor that has negotiated, and to no other', async (first, peer) => {
    const second = new RawConnection(await peer.connect('second'));
    const third = new RawConnection(await peer.connect('pretty'));
    try {
      await second.open();
      await third.line();
      await first.exchange('{"execute": "cont"}{"execute": "stop"}');
      assert.deepEqual([(await second.message()).event, (await second.message()).event], ['RESUME', 'STOP']);
      for (let line = await third.line(); line !== '}'; line = await third.line());
      third.send('{"execute": "qmp_capabilities"}');
      assert.deepEqual([await third.line(), await third.line()], ['{', '    "return": {']);
    } finally {
      second.close();
      third.close();
    }
  }),
];

/** For every server: each is called with one of `QmpPeer`, on which nothing else runs meanwhile. */
export const qmpCases: readonly QmpCase[] = [...connectionCases, ...streamCases, ...orderCases, ...eventCases];
