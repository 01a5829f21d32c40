/**
 * What becomes of an option: `accepts`, `help` (it is a request for help, and gets it), `crashes`, `host` (accepted or not as
 * the host allows), or why it is refused. For QEMU that is a few of its words, for us the error's code.
 */
export type Verdict = 'accepts' | 'help' | 'crashes' | 'host' | { readonly refused: string };

/** An option string, and what QEMU and we make of it. */
export interface OptionCase {
  /** As a user types it after the option or command; for -m and -machine with these. */
  readonly text: string;
  /** Options of the same kind before it. */
  readonly after: readonly string[];
  readonly qemu: Verdict;
  /** For devices, vpmemd. */
  readonly vpmem: Verdict;
  /** For devices, `vpmem run`, if that is not the same. */
  readonly run: Verdict | undefined;
  /** Why they differ; if they do not, what is worth knowing, if anything. */
  readonly why: string | undefined;
}

/** Cases that are about one thing. */
export interface OptionGroup {
  readonly title: string;
  readonly cases: readonly OptionCase[];
}

/** Whether not all take it or all do not. */
export function differs({ qemu, vpmem, run = vpmem }: OptionCase): boolean {
  const [first, ...others] = [qemu, vpmem, run].map((verdict) => (typeof verdict === 'object' ? 'refuses' : verdict));
  return others.some((other) => other !== first);
}

/** Any verdicts, and the reason why they differ. */
export function unlike(text: string, qemu: Verdict, vpmem: Verdict, why?: string): OptionCase {
  return { text, after: [], qemu, vpmem, run: undefined, why };
}

/** Both take it. */
export function both(text: string, why?: string): OptionCase {
  return unlike(text, 'accepts', 'accepts', why);
}

/** Both answer a request for help. */
export function help(text: string): OptionCase {
  return unlike(text, 'help', 'help');
}

/** Neither takes it: some of QEMU's words, our error's code. */
export function neither(text: string, qemu: string, vpmem: string, why?: string): OptionCase {
  return unlike(text, { refused: qemu }, { refused: vpmem }, why);
}

/** QEMU takes it, we do not: our error's code and the reason. */
export function onlyQemu(text: string, vpmem: string, why: string): OptionCase {
  return unlike(text, 'accepts', { refused: vpmem }, why);
}

/** Both take it where the host allows it: what is worth knowing. */
export function hostDecides(text: string, why: string): OptionCase {
  return unlike(text, 'host', 'host', why);
}

/** We take it, QEMU does not: some of its words and our reason. */
export function onlyVpmem(text: string, qemu: string, why: string): OptionCase {
  return unlike(text, { refused: qemu }, 'accepts', why);
}

/** The same case after other options. */
export function after(options: readonly string[], option: OptionCase): OptionCase {
  return { ...option, after: options };
}

/** The same device, which `vpmem run` takes. */
export function acceptedInRun(option: OptionCase): OptionCase {
  return { ...option, run: 'accepts' };
}

/** The same device, which `vpmem run` refuses with this error's code. */
export function refusedInRun(option: OptionCase, code: string): OptionCase {
  return { ...option, run: { refused: code } };
}
