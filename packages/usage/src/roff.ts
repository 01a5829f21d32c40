/** Text as roff shows it: nothing in it is a request, a hyphen is the one of command lines. */
export function roffText(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...');
  return escaped.replaceAll(/^(?=[.'])/gm, '\\&').replaceAll(/[^\x20-\x7e\n]/gu, (sign) => `\\[u${(sign.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}]`);
}

/** The argument of a macro, in quotes. */
export const roffWord = (text: string): string => `"${roffText(text).replaceAll('"', '\\(dq')}"`;

/** A part of an entry's head: what is typed as it is, or what stands for something. */
export const bold = (text: string): string => `\\fB${roffText(text)}\\fR`;
export const italic = (text: string): string => `\\fI${roffText(text)}\\fR`;

/** Lines of a paragraph with a head of its own. */
export function entry(head: string, text: string): string[] {
  return ['.TP', head, text === '' ? '\\&' : roffText(text)];
}
