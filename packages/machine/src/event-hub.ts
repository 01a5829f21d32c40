/** Listeners that come and go; each hears what happens while it is there. */
export class EventHub<E> {
  readonly #listeners = new Set<(event: E) => void>();

  /** Returns how to stop listening. */
  add(listener: (event: E) => void): () => void {
    // The same function twice is two listeners.
    const own = (event: E): void => listener(event);
    this.#listeners.add(own);
    return () => this.#listeners.delete(own);
  }

  emit(event: E): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
