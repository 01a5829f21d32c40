import { isAscii } from 'node:buffer';

const CONTINUATION_BITS = 6;
/** Smallest code point that needs so many bytes; fewer bits in as many is an overlong form. */
const SMALLEST = [0, 0, 0x80, 0x800, 0x1_0000];
const NOT_A_CHARACTER = -1;

/** Text from UTF-8. */
export interface Decoded {
  /** With U+FFFD for each bad sequence. */
  readonly text: string;
  /** Where the first bad sequence begins; undefined if all is well. */
  readonly badAt: number | undefined;
}

/**
 * Decodes UTF-8 as QEMU does: noncharacters and surrogates are errors as well, and C0 80 is U+0000 ("modified UTF-8").
 */
export function decodeUtf8(bytes: Uint8Array): Decoded {
  if (isAscii(bytes)) return { text: Buffer.from(bytes).toString('latin1'), badAt: undefined };
  let text = '';
  let badAt: number | undefined;
  for (let at = 0; at < bytes.length;) {
    const [codePoint, length] = sequence(bytes, at);
    if (codePoint === NOT_A_CHARACTER) badAt ??= at;
    text += codePoint === NOT_A_CHARACTER ? '\ufffd' : String.fromCodePoint(codePoint);
    at += length;
  }
  return { text, badAt };
}

function sequence(bytes: Uint8Array, at: number): [codePoint: number, length: number] {
  const lead = bytes[at] ?? 0;
  if (lead < 0x80) return [lead, 1];
  // The number of leading ones is that of bytes; five and six are from before Unicode ended at U+10FFFF.
  const wanted = Math.clz32(~(lead << 24));
  if (wanted < 2 || wanted > 6) return [NOT_A_CHARACTER, 1];
  let codePoint = lead & (0x7f >> wanted);
  for (let i = 1; i < wanted; i++) {
    const byte = bytes[at + i] ?? 0;
    if ((byte & 0xc0) !== 0x80) return [NOT_A_CHARACTER, i];
    codePoint = codePoint * (1 << CONTINUATION_BITS) + (byte & 0x3f);
  }
  const overlong = codePoint < (SMALLEST[wanted] ?? Infinity) && !(wanted === 2 && codePoint === 0);
  return [overlong || !isCharacter(codePoint) ? NOT_A_CHARACTER : codePoint, wanted];
}

/** Whether a code point may be in text: not a surrogate, not a noncharacter, not beyond the end. */
export function isCharacter(codePoint: number): boolean {
  const noncharacter = (codePoint >= 0xfdd0 && codePoint <= 0xfdef) || (codePoint & 0xfffe) === 0xfffe;
  return codePoint <= 0x10_ffff && !(codePoint >= 0xd800 && codePoint <= 0xdfff) && !noncharacter;
}
