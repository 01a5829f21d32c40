import { button, element } from '@vpmem/page-kit/element';

/** Milliseconds for which it says that it has copied. */
const SAID = 2000;

/** A line with a button that copies it. */
export function copyable(line: string): HTMLElement {
  const code = element('code', { tabindex: '0' }, line);
  const copy = button('Copy', () => {
    write(line, code).then(
      (done) => say(done ? 'Copied' : 'Selected'),
      () => say('Not copied'),
    );
  }, { class: 'copy', 'aria-live': 'polite' });
  const say = (word: string): void => {
    copy.textContent = word;
    setTimeout(() => (copy.textContent = 'Copy'), SAID);
  };
  return element('div', { class: 'command' }, code, copy);
}

/** False if it could only be selected: a page from a file may not be allowed to write to the clipboard. */
async function write(line: string, code: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(line);
    return true;
  } catch {
    getSelection()?.selectAllChildren(code);
    return false;
  }
}
