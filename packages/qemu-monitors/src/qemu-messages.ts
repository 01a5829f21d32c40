/** Where in what a QEMU's QMP monitor sends one message ends and the next begins. It ends each with a line break, indented or not. */
export class QemuMessages {
  #rest = '';
  #open = '';

  /** Takes bytes as text of one character each; returns the messages that are whole now, line ends included. */
  take(text: string): string[] {
    const messages: string[] = [];
    let from = 0;
    const all = this.#rest + text;
    for (let end = all.indexOf('\n', from); end !== -1; end = all.indexOf('\n', from)) {
      const line = all.slice(from, end + 1);
      from = end + 1;
      this.#open += line;
      if (!closes(line)) continue;
      messages.push(this.#open);
      this.#open = '';
    }
    this.#rest = all.slice(from);
    return messages;
  }
}

/** An indented message begins and ends with a line of one brace; inside it lines are indented. */
function closes(line: string): boolean {
  return line.startsWith('}') || (line.startsWith('{') && line.trimEnd().endsWith('}'));
}
