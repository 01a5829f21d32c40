/** What of a cell of a b-tree leads elsewhere, and what it holds of a record. */
export interface Cell {
  readonly child: number | undefined;
  /** The first page of the rest of its payload. */
  readonly overflow: number | undefined;
  /** As much of the payload as is in the page. */
  readonly local: Uint8Array;
}

/** A number of one to nine bytes, and how many it has; of those above 2^53 only that they are large. */
export function varint(bytes: Uint8Array, at: number): { readonly value: number; readonly length: number } {
  let value = 0;
  for (let i = 0; i < 8; i++) {
    const byte = bytes[at + i] ?? 0;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, length: i + 1 };
  }
  return { value: value * 256 + (bytes[at + 8] ?? 0), length: 9 };
}

/** The cell at `at` of a page of the given type, of which `usable` bytes are in use. SQLite, Database File Format 1.6, Cell Payload Overflow Pages */
export function readCell(page: Uint8Array, at: number, type: number, usable: number): Cell {
  const view = new DataView(page.buffer, page.byteOffset, page.byteLength);
  const u32 = (offset: number): number | undefined => (offset >= 0 && offset + 4 <= page.length ? view.getUint32(offset) : undefined);
  const isInterior = type === 2 || type === 5;
  const isTable = type === 5 || type === 13;
  const child = isInterior ? u32(at) : undefined;
  if (type === 5) return { child, overflow: undefined, local: new Uint8Array(0) };
  let start = at + (isInterior ? 4 : 0);
  const payload = varint(page, start);
  start += payload.length;
  if (isTable) start += varint(page, start).length;
  const most = isTable ? usable - 35 : Math.floor(((usable - 12) * 64) / 255) - 23;
  if (payload.value <= most) return { child, overflow: undefined, local: page.subarray(start, start + payload.value) };
  const least = Math.floor(((usable - 12) * 32) / 255) - 23;
  const even = least + ((payload.value - least) % (usable - 4));
  const local = even <= most ? even : least;
  return { child, overflow: u32(start + local), local: page.subarray(start, start + local) };
}

const decoder = new TextDecoder();

/** The text and whole-number columns of a record, as far as they are in `payload`. SQLite, Database File Format 2.1 */
export function readRecord(payload: Uint8Array, columns: number): (string | number | undefined)[] {
  const header = varint(payload, 0);
  const values: (string | number | undefined)[] = [];
  let [at, body] = [header.length, header.value];
  while (at < Math.min(header.value, payload.length) && values.length < columns) {
    const type = varint(payload, at);
    at += type.length;
    const size = type.value >= 12 ? Math.floor((type.value - 12) / 2) : ([0, 1, 2, 3, 4, 6, 8, 8, 0, 0][type.value] ?? 0);
    const bytes = payload.subarray(body, body + size);
    body += size;
    if (bytes.length < size) values.push(undefined);
    else if (type.value >= 13 && type.value % 2 === 1) values.push(decoder.decode(bytes));
    else if (type.value >= 1 && type.value <= 6) values.push(bytes.reduce((sum, byte) => sum * 256 + byte, 0));
    else values.push(type.value === 8 ? 0 : type.value === 9 ? 1 : undefined);
  }
  return values;
}
