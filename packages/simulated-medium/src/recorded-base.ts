import { PAGE_SIZE } from '@vpmem/page-tracker';
import type { BaseExtent } from '@vpmem/recording';
import type { RecorderInbox } from './recorder-inbox.ts';

/**
 * What a file held when its recording began, though flushes write to it while `extents` are read. Whoever writes posts first what pages
 * held: so whatever a read has seen of a write, what was there before it has arrived once the read is over.
 */
export function* asItWas(extents: Iterable<BaseExtent>, inbox: RecorderInbox): Generator<BaseExtent> {
  /** By their first byte. The oldest counts: it is what the recording begins with. */
  const overwritten = new Map<number, Uint8Array>();
  for (const extent of extents) {
    for (const message of inbox.lookAhead()) {
      if (message.type !== 'runs') continue;
      let from = 0;
      for (const [start, length] of message.places) {
        for (let at = start; at < start + length; at += PAGE_SIZE, from += PAGE_SIZE) {
          if (!overwritten.has(at)) overwritten.set(at, message.before.subarray(from, from + PAGE_SIZE));
        }
      }
    }
    yield overwritten.size === 0 ? extent : putBack(extent, overwritten);
  }
}

function putBack({ at, bytes }: BaseExtent, overwritten: ReadonlyMap<number, Uint8Array>): BaseExtent {
  for (let i = 0; i < bytes.length; i += PAGE_SIZE) {
    const page = overwritten.get(at + i);
    if (page !== undefined) bytes.set(page, i);
  }
  return { at, bytes };
}
