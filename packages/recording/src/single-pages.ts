import { PAGE_SIZE } from './file/file-header.ts';
import type { ChangedPages } from './page-changes.ts';
import { RecordingError } from './recording-error.ts';

/** Parts what changed in a memory of `size` bytes into pages. @throws RecordingError bad-input where they are no pages of it, or do not ascend */
export function* singlePages(changed: Iterable<ChangedPages>, size: number): Generator<ChangedPages> {
  let next = 0;
  for (const { page, before, after } of changed) {
    if (!Number.isSafeInteger(page) || page < next || before.length !== after.length || after.length % PAGE_SIZE !== 0 || page * PAGE_SIZE + after.length > size) {
      throw new RecordingError('bad-input', `${before.length} and ${after.length} bytes of page ${page}: whole pages, as many, from ${next} to ${size / PAGE_SIZE - 1}, can come now`);
    }
    next = page + after.length / PAGE_SIZE;
    for (let i = 0; i < after.length; i += PAGE_SIZE) yield { page: page + i / PAGE_SIZE, before: before.subarray(i, i + PAGE_SIZE), after: after.subarray(i, i + PAGE_SIZE) };
  }
}
