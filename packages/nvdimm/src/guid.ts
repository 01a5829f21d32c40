const GUID = /^([\da-f]{8})-([\da-f]{4})-([\da-f]{4})-([\da-f]{4})-([\da-f]{12})$/i;

/** ACPI 6.5 §19.6.142, ToUUID: the 16 bytes of a GUID, of which the first three numbers are little-endian. Undefined if `text` is none. */
export function parseGuid(text: string): Uint8Array<ArrayBuffer> | undefined {
  const [, a = '', b = '', c = '', d = '', e = ''] = GUID.exec(text) ?? [];
  if (a === '') return undefined;
  const reversed = (hex: string): string => (hex.match(/../g) ?? []).reverse().join('');
  return hexBytes(reversed(a) + reversed(b) + reversed(c) + d + e);
}

/** The bytes of a GUID in the sources. */
export function guid(text: string): Uint8Array<ArrayBuffer> {
  const bytes = parseGuid(text);
  if (bytes === undefined) throw new TypeError(`'${text}' is no GUID`);
  return bytes;
}

/** The text of 16 bytes, in lower case. */
export function formatGuid(bytes: Uint8Array): string {
  const hex = (from: number, to: number, backwards: boolean): string => {
    const part = [...bytes.subarray(from, to)].map((byte) => byte.toString(16).padStart(2, '0'));
    return (backwards ? part.reverse() : part).join('');
  };
  return [hex(0, 4, true), hex(4, 6, true), hex(6, 8, true), hex(8, 10, false), hex(10, 16, false)].join('-');
}

/** The 16 bytes of a UUID in the order of its text, which is how Linux has those of namespaces. Undefined if `text` is none. */
export function parseUuid(text: string): Uint8Array<ArrayBuffer> | undefined {
  return GUID.test(text) ? hexBytes(text.replaceAll('-', '')) : undefined;
}

/** The bytes of a UUID that is one. */
export function uuid(text: string): Uint8Array<ArrayBuffer> {
  const bytes = parseUuid(text);
  if (bytes === undefined) throw new TypeError(`'${text}' is no UUID`);
  return bytes;
}

/** The text of a UUID, in lower case. */
export function formatUuid(bytes: Uint8Array): string {
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-');
}

const hexBytes = (hex: string): Uint8Array<ArrayBuffer> => Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
