/**
 * What becomes of an option: `accepts`, `help` (it is a request for help, and gets it), `crashes`, or why it is refused. For
 * QEMU that is a few of its words, for us the error's code.
 */
export type Verdict = 'accepts' | 'help' | 'crashes' | { readonly refused: string };

/** An option string, and what QEMU and we make of it. */
export interface OptionCase {
  /** As a user types it after the option or command. */
  readonly text: string;
  /** Options of the same kind before it. */
  readonly after: readonly string[];
  readonly qemu: Verdict;
  readonly vpmem: Verdict;
  /** Why the two differ; if they do not, what is worth knowing, if anything. */
  readonly why: string | undefined;
}

/** Both take it. */
export function both(text: string, why?: string): OptionCase {
  return { text, after: [], qemu: 'accepts', vpmem: 'accepts', why };
}

/** Both answer a request for help. */
export function help(text: string): OptionCase {
  return { text, after: [], qemu: 'help', vpmem: 'help', why: undefined };
}

/** Neither takes it: some of QEMU's words, our error's code. */
export function neither(text: string, qemu: string, vpmem: string, why?: string): OptionCase {
  return { text, after: [], qemu: { refused: qemu }, vpmem: { refused: vpmem }, why };
}

/** QEMU takes it, we do not: our error's code and the reason. */
export function onlyQemu(text: string, vpmem: string, why: string): OptionCase {
  return { text, after: [], qemu: 'accepts', vpmem: { refused: vpmem }, why };
}

/** We take it, QEMU does not: some of its words and our reason. */
export function onlyVpmem(text: string, qemu: string, why: string): OptionCase {
  return { text, after: [], qemu: { refused: qemu }, vpmem: 'accepts', why };
}

/** The same case after other options. */
export function after(options: readonly string[], option: OptionCase): OptionCase {
  return { ...option, after: options };
}
