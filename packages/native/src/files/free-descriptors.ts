import { EventFd } from '../events/event-fd.ts';

/**
 * Tries whether `count` descriptors could be opened now, for whoever opens several in a row and cannot do with some of them.
 *
 * @throws SystemError with `code` EMFILE or ENFILE if there are not as many; none stays open
 */
export function checkFreeDescriptors(count: number): void {
  const taken: EventFd[] = [];
  try {
    while (taken.length < count) taken.push(new EventFd());
  } finally {
    for (const each of taken) each.close();
  }
}
