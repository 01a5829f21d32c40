import { ByteSink } from './byte-sink.ts';
import { ByteSource, MalformedError } from './byte-source.ts';

/** Bytes of a text in a frame; a longer one is refused. */
export const MAX_TEXT = 2 ** 16 - 1;

/** What a power cut did; members beside these are kept. */
export interface CutDescription {
  readonly lostBytes: number;
  readonly survivedBytes: number;
  readonly survivors?: string;
  readonly granularity?: string;
  readonly seed?: number;
  readonly [member: string]: unknown;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Of a text that nobody chose the length of. */
export function shortened(text: string): string {
  return text.length <= MAX_TEXT / 4 ? text : text.slice(0, MAX_TEXT / 4);
}

/** @throws MalformedError */
export function decodeText(bytes: Uint8Array): string {
  if (bytes.length > MAX_TEXT) throw new MalformedError(`its text has ${bytes.length} bytes; ${MAX_TEXT} is the most`);
  try {
    return decoder.decode(bytes);
  } catch (error) {
    throw new MalformedError('its text is not UTF-8', { cause: error });
  }
}

/** A flush's number, and what is said of it. */
export function encodeNumbered(number: number, text = ''): Uint8Array {
  const sink = new ByteSink(16 + text.length);
  sink.varint(number);
  sink.bytes(encodeText(text));
  return sink.view();
}

/** @throws MalformedError */
export function decodeNumbered(payload: Uint8Array): { readonly number: number; readonly text: string } {
  const source = new ByteSource(payload);
  const number = source.varint();
  if (number === 0) throw new MalformedError('flushes are counted from 1, not 0');
  return { number, text: decodeText(source.rest()) };
}

export function encodeCut(cut: CutDescription): Uint8Array {
  return encodeText(JSON.stringify(cut));
}

/** @throws MalformedError */
export function decodeCut(payload: Uint8Array): CutDescription {
  let value: unknown;
  try {
    value = JSON.parse(decodeText(payload));
  } catch (error) {
    if (error instanceof MalformedError) throw error;
    throw new MalformedError('it does not say in JSON what a cut did', { cause: error });
  }
  const cut = value as CutDescription | null;
  if (typeof cut !== 'object' || cut === null || typeof cut.lostBytes !== 'number' || typeof cut.survivedBytes !== 'number') throw new MalformedError('it does not say how much a cut took');
  return cut;
}
