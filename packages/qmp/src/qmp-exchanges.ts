/** What is sent on a fresh, negotiated connection, and every message that comes back. Errors are those of QEMU 11.1. */
export interface QmpExchange {
  readonly name: string;
  /** Begins on line 2; bytes, one per character. */
  readonly send: string;
  readonly answers: readonly Readonly<Record<string, unknown>>[];
}

function error(desc: string, { id, errorClass = 'GenericError' }: { id?: unknown; errorClass?: string } = {}): Readonly<Record<string, unknown>> {
  return { ...(id === undefined ? {} : { id }), error: { class: errorClass, desc } };
}

function syntax(name: string, send: string, ...errors: readonly string[]): QmpExchange {
  return { name, send, answers: errors.map((text) => error(text)) };
}

function echo(name: string, id: string, echoed: unknown = JSON.parse(id)): QmpExchange {
  return { name: `id: ${name}`, send: `{"execute": "query-name", "id": ${id}}`, answers: [{ return: {}, id: echoed }] };
}

const NOT_AN_OBJECT = 'QMP input must be a JSON object';
const NAMED = { return: {} };
const ASK = '{"execute":"query-name"}';

const shapes: readonly QmpExchange[] = [
  syntax('an array', '[]', NOT_AN_OBJECT),
  syntax('a string', '"x"', NOT_AN_OBJECT),
  syntax('a number', '1 ', NOT_AN_OBJECT),
  syntax('two numbers', '1 2 ', NOT_AN_OBJECT, NOT_AN_OBJECT),
  syntax('no command', '{}', "QMP input lacks member 'execute'"),
  { name: 'no command but an id', send: '{"id": 5}', answers: [error("QMP input lacks member 'execute'", { id: 5 })] },
  { name: 'a command that is no string', send: '{"execute": 1, "id": 8}', answers: [error("QMP input member 'execute' must be a string", { id: 8 })] },
  syntax('arguments that are no object', '{"execute": "query-name", "arguments": 1}', "QMP input member 'arguments' must be an object"),
  syntax('arguments that are null', '{"execute": "query-name", "arguments": null}', "QMP input member 'arguments' must be an object"),
  { name: 'a member too many', send: '{"execute": "query-name", "id": 7, "extra": 1}', answers: [error("QMP input member 'extra' is unexpected", { id: 7 })] },
  syntax('a member called __proto__', '{"__proto__": 1}', "QMP input member '__proto__' is unexpected"),
  { name: 'out of band without having asked for it', send: '{"exec-oob": "query-name", "id": 4}', answers: [error("QMP input member 'exec-oob' is unexpected", { id: 4 })] },
  syntax('both ways at once without having asked for it', '{"execute": "a", "exec-oob": "b"}', "QMP input member 'exec-oob' is unexpected"),
  { name: 'an unknown command', send: '{"execute": "x", "id": 1}', answers: [error('The command x has not been found', { id: 1, errorClass: 'CommandNotFound' })] },
  { name: 'a name of JavaScript', send: '{"execute": "__proto__"}', answers: [error('The command __proto__ has not been found', { errorClass: 'CommandNotFound' })] },
  {
    name: 'a second negotiation',
    send: '{"execute": "qmp_capabilities"}',
    answers: [error('Capabilities negotiation is already complete, command ignored', { errorClass: 'CommandNotFound' })],
  },
  { name: 'several at once, in order', send: '{"execute":"x","id":1}{"execute":"query-name","id":2} \t\r\n {"execute":"y","id":3}', answers: [error('The command x has not been found', { id: 1, errorClass: 'CommandNotFound' }), { return: {}, id: 2 }, error('The command y has not been found', { id: 3, errorClass: 'CommandNotFound' })] },
  { name: 'quotes of either kind', send: "{'execute': 'query-name', 'id': 'it\\'s \"so\"'}", answers: [{ return: {}, id: 'it\'s "so"' }] },
];

const parameters: readonly QmpExchange[] = [
  syntax('a missing argument', '{"execute": "object-del"}', "Parameter 'id' is missing"),
  syntax('a missing argument goes before one too many', '{"execute": "object-del", "arguments": {"foo": 1}}', "Parameter 'id' is missing"),
  syntax('an argument too many', '{"execute": "object-del", "arguments": {"id": "x", "foo": 1}}', "Parameter 'foo' is unexpected"),
  syntax('an argument where there are none', '{"execute": "query-name", "arguments": {"a": 1}}', "Parameter 'a' is unexpected"),
  syntax('an argument called __proto__', '{"execute": "object-del", "arguments": {"id": "x", "__proto__": 1}}', "Parameter '__proto__' is unexpected"),
  syntax('not a string', '{"execute": "object-del", "arguments": {"id": 1}}', "Invalid parameter type for 'id', expected: string"),
  syntax('null', '{"execute": "object-del", "arguments": {"id": null}}', "Invalid parameter type for 'id', expected: string"),
  syntax('not a boolean', '{"execute": "qom-list-types", "arguments": {"abstract": 1}}', "Invalid parameter type for 'abstract', expected: boolean"),
  syntax('not an integer', '{"execute": "human-monitor-command", "arguments": {"command-line": "help", "cpu-index": 1.5}}', "Invalid parameter type for 'cpu-index', expected: integer"),
  syntax('more than 63 bits', '{"execute": "human-monitor-command", "arguments": {"command-line": "help", "cpu-index": 9223372036854775808}}', "Invalid parameter type for 'cpu-index', expected: integer"),
  syntax('the first of several missing', '{"execute": "object-add"}', "Parameter 'qom-type' is missing"),
  syntax('not a string, though more is allowed', '{"execute": "object-add", "arguments": {"qom-type": 1, "size": 1}}', "Invalid parameter type for 'qom-type', expected: string"),
  syntax('a device without a driver', '{"execute": "device_add"}', "Parameter 'driver' is missing"),
];

const ids: readonly QmpExchange[] = [
  echo('a string', '"a\\u00e9\\ud83d\\ude00\\u007f"'),
  echo('null', 'null'),
  echo('a structure', '[1, {"b": [true, null], "a": {}}, []]'),
  echo('a fraction', '0.1'),
  echo('a large float', '1.5e300'),
  echo('digits beyond 64 bits', '18446744073709551616'),
  echo('escapes', '"\\/\\b\\f\\n\\r\\t\\\\\\""'),
  echo('a key called __proto__', '{"__proto__": 1}'),
  { name: 'id: none', send: ASK, answers: [NAMED] },
];

const badJson: readonly QmpExchange[] = [
  syntax('no value', '{"execute":}', '2:12: JSON parse error, expecting value'),
  syntax('no colon', '{"execute" "x"}', "2:12: JSON parse error, expecting ':'"),
  syntax('a key that is no string', '{1:2}', '2:2: JSON parse error, expecting key'),
  syntax('a comma at the end of an object', '{"a":1,}', '2:8: JSON parse error, expecting key'),
  syntax('no comma in an object', '{"a":1 "b":2}', "2:8: JSON parse error, expected ',' or '}'"),
  syntax('a comma at the end of an array', '[1,]', '2:4: JSON parse error, expecting value'),
  syntax('no comma in an array', '[1 2]', "2:4: JSON parse error, expected ',' or ']'"),
  syntax('a key twice', '{"a":1,"a":{"b":1}}', '2:19: JSON parse error, duplicate key'),
  syntax('ends without beginnings', ']}:,', ...[1, 2, 3, 4].map((column) => `2:${column}: JSON parse error, expecting value`)),
  syntax('an end of the wrong kind', '{]', '2:2: JSON parse error, expecting key'),
  syntax('an end of the wrong kind, and the right one', '[[}]', '2:3: JSON parse error, expecting value', '2:4: JSON parse error, expecting value'),
  syntax('a word', 'tru', "2:1: JSON parse error, invalid keyword 'tru'"),
  syntax('a word, and a digit', 'a1', "2:1: JSON parse error, invalid keyword 'a'", NOT_AN_OBJECT),
  syntax('capitals', 'NULL', "2:1: JSON parse error, stray 'N'"),
  syntax('a zero too many', '01', "2:1: JSON parse error, stray '01'"),
  syntax('a fraction without digits', '1.x', "2:1: JSON parse error, stray '1.x'"),
  syntax('a sign alone', '-', "2:1: JSON parse error, stray '-\n'"),
  syntax('hexadecimal', '0x1', NOT_AN_OBJECT, "2:3: JSON parse error, invalid keyword 'x'", NOT_AN_OBJECT),
  syntax('a string that does not end', '"abc', "2:1: JSON parse error, stray '\"abc\n'"),
  syntax('a tab in a string', '"a\tb"', "2:1: JSON parse error, stray '\"a\t'"),
  syntax('an unknown escape', '"\\q"', '2:1: JSON parse error, invalid escape sequence in string'),
  syntax('half an escape', '"\\u12"', '2:1: JSON parse error, \\u12" is not a valid Unicode character'),
  syntax('half a surrogate pair', '"\\ud800\\u0041"', '2:1: JSON parse error, \\ud800 is not a valid Unicode character'),
  syntax('a noncharacter', '"\\ufdd0"', '2:1: JSON parse error, \\ufdd0 is not a valid Unicode character'),
  syntax('half a UTF-8 sequence', '"\xc3"', '2:1: JSON parse error, invalid UTF-8 sequence in string'),
  syntax('a surrogate in UTF-8', '"\xed\xa0\x80"', '2:1: JSON parse error, invalid UTF-8 sequence in string'),
  syntax('NUL', '\x00', "2:1: JSON parse error, stray ''"),
  syntax('byte 0xff', '\xff', "2:1: JSON parse error, stray '\ufffd'"),
  syntax('a token count that is fine and a depth that is not', `${'['.repeat(1025)}${']'.repeat(1025)}`, 'JSON nesting depth limit exceeded'),
  syntax('the greatest depth', `${'['.repeat(1024)}${']'.repeat(1024)}`, NOT_AN_OBJECT),
];

const recovery: readonly QmpExchange[] = [
  { name: 'a word before a request', send: `garbage${ASK}`, answers: [error("2:1: JSON parse error, invalid keyword 'garbage'"), NAMED] },
  { name: 'capitals before a request', send: `AB"C${ASK}`, answers: [error("2:1: JSON parse error, stray 'A'"), NAMED] },
  { name: 'an end too many before a request', send: `}${ASK}`, answers: [error('2:1: JSON parse error, expecting value'), NAMED] },
  { name: 'a line break in a string', send: `"abc\n${ASK}`, answers: [error("2:1: JSON parse error, stray '\"abc\n'"), NAMED] },
  { name: '0xff in an object', send: `{"a": \xff${ASK}`, answers: [error("2:7: JSON parse error, stray '\ufffd'"), NAMED] },
  { name: 'a control character in an array', send: `[1, \x02${ASK}`, answers: [error("2:5: JSON parse error, stray '\x02'"), NAMED] },
  syntax('a tab in garbage', 'AB\t@', "2:1: JSON parse error, stray 'A'"),
  syntax('a carriage return in garbage', 'AB\r@', "2:1: JSON parse error, stray 'A'", "2:4: JSON parse error, stray '@'"),
  { name: 'an error is told once', send: `[1 2 "\\q" x {}] ${ASK}`, answers: [error("2:4: JSON parse error, expected ',' or ']'"), NAMED] },
  { name: 'an error, then nothing until all ends', send: `{"a": [1} ${ASK} ] ${ASK}`, answers: [error("2:10: JSON parse error, expected ',' or ']'"), NAMED] },
  { name: 'an error, then a reset', send: `{1 \xff${ASK}`, answers: [error('2:2: JSON parse error, expecting key'), NAMED] },
];

export const qmpExchanges: readonly QmpExchange[] = [...shapes, ...parameters, ...ids, ...badJson, ...recovery];
