import fc from 'fast-check';

const FRAGMENTS = [
  '{', '}', '[', ']', ':', ',', '"a"', '"b"', '"execute"', '"id"', '"arguments"', "'q'", '1', '-1', '0', '01', '1.5', '1e5', '1.', '-', '.5',
  'true', 'false', 'null', 'nul', 'x', '"', "'", '\\', '\\u00', '\\ud800', '\\udc00', '\\u0041', '\\n', '\\q', ' ', '\n', '\t', '\r', '\0', '\x01',
  '@', 'A', '\u00e9', '\u{1f600}', '\ufffe',
];
const REQUESTS = ['{"execute": "query-name", "id": 1}', '{"execute": "x", "id": [1, {"a": 2.5e3}]}', '[1, 2, [3]]', '{"a": {"b": "c"}}', '"str\\u00e9"'];

/** Bytes that nearly are JSON: pieces of it, stray bytes, and messages of which a byte is wrong or the end is missing. */
export function garbage(): fc.Arbitrary<Buffer> {
  const fragment = fc.constantFrom(...FRAGMENTS).map((text) => Buffer.from(text));
  const byte = fc.integer({ min: 0, max: 255 }).map((value) => Buffer.of(value));
  const damaged = fc.tuple(fc.constantFrom(...REQUESTS), fc.nat(), fc.integer({ min: 0, max: 255 })).map(([text, at, value]) => {
    const bytes = Buffer.from(text);
    bytes[at % bytes.length] = value;
    return bytes;
  });
  const cut = fc.tuple(fc.constantFrom(...REQUESTS), fc.nat()).map(([text, at]) => Buffer.from(text.slice(0, at % (text.length + 1))));
  const piece = fc.oneof({ weight: 8, arbitrary: fragment }, { weight: 2, arbitrary: byte }, { weight: 2, arbitrary: damaged }, { weight: 2, arbitrary: cut });
  return fc.array(piece, { minLength: 1, maxLength: 14 }).map((pieces) => Buffer.concat(pieces));
}

/** The same bytes in portions. */
export function portions(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  const places = [...new Set(cuts.map((cut) => cut % (bytes.length + 1)))].sort((a, b) => a - b);
  return [0, ...places].map((start, i) => bytes.subarray(start, places[i] ?? bytes.length));
}
