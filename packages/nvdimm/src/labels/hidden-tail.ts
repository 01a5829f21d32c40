import { readSync } from 'node:fs';
import { currentIndex } from './label-index.ts';
import { BackendLabelArea, type LabelStorage } from './label-area.ts';
import { NvdimmError } from '../nvdimm-error.ts';
import type { NvdimmLayout } from '../nvdimm-layout.ts';

/** What lies in the part of a backend that a label area hides from the guest. */
export type HiddenTail =
  /** Nothing: all zeroes. */
  | { readonly kind: 'blank' }
  /** Labels that are in use already. */
  | { readonly kind: 'labels' }
  /** Bytes of something else, the first of them at `offset` in the backend: perhaps the end of a file system. */
  | { readonly kind: 'data'; readonly offset: number };

const CHUNK = 2 ** 20;

/**
 * Looks at what a guest that has used the whole backend would no longer see. Reads holes as zeroes, changes nothing.
 *
 * @param size of the backend, in bytes
 */
export function inspectHiddenTail(storage: LabelStorage, size: number, { pmemSize, labelOffset, labelSize }: NvdimmLayout): HiddenTail {
  if (labelSize === 0) return { kind: 'blank' };
  const area = new BackendLabelArea(storage, { start: labelOffset, size: labelSize, writable: false });
  if (currentIndex(area) !== undefined) return { kind: 'labels' };
  const buffer = new Uint8Array(CHUNK);
  for (let at = pmemSize; at < size; at += CHUNK) {
    const got = readSync(storage.fd, buffer, 0, Math.min(CHUNK, size - at), storage.offset + at);
    const found = buffer.subarray(0, got).findIndex((byte) => byte !== 0);
    if (found !== -1) return { kind: 'data', offset: at + found };
  }
  return { kind: 'blank' };
}

/** The refusal of a tail with data, for whoever has not been told to go on. */
export function hiddenDataError(id: string, size: number, { pmemSize, labelSize }: NvdimmLayout, offset: number): NvdimmError {
  const what = `label-size ${labelSize} would hide the last ${size - pmemSize} bytes of memdev '${id}', which look like data (from byte ${offset} on)`;
  return new NvdimmError('hidden-data', 'label-size', `${what}; make the backend ${labelSize} bytes larger, leave label-size out, or allow it if they are of no use`);
}
