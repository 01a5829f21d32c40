import { CompareTracker } from './compare-tracker.ts';
import type { TrackedMemory } from './page-tracker.ts';

export class UffdTracker extends CompareTracker {
  constructor(tracked: TrackedMemory) {
    super(tracked, undefined);
  }

  static obstacle(_tracked: TrackedMemory): string | undefined {
    return 'asking the kernel which pages were written is not built yet';
  }
}
