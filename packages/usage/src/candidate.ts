/** What a word can become. */
export interface Candidate {
  /** The whole word. */
  readonly word: string;
  /** A few words for who chooses; empty if there is nothing to say. */
  readonly description: string;
  /** Whether the word is not complete with it, so that no blank follows. */
  readonly open?: boolean;
}

/** What completion finds outside the tables. */
export interface Surroundings {
  /** Programs that run, by what they can be named. */
  programs(): readonly { readonly name: string; readonly description: string }[];
  /** Where relative paths begin, and `~`. */
  readonly folder: string;
  readonly home: string;
}
