import { button, element, foreign, part } from '@vpmem/page-kit/element';

/** What is to be confirmed. */
export interface Question {
  readonly title: string;
  /** What will happen, to which device of which machine. */
  readonly text: string;
  /** What the button that does it says. */
  readonly act: string;
}

/** Asks before something is done that cannot be undone; the button that does nothing has the focus. */
export async function confirm({ title, text, act }: Question): Promise<boolean> {
  const dialog = part('confirmation', HTMLDialogElement);
  const leave = button('Leave it', () => dialog.close(), { autofocus: '' });
  const go = button(act, () => dialog.close('yes'), { class: 'danger' });
  dialog.returnValue = '';
  dialog.replaceChildren(
    element('h2', { id: 'confirmation-title' }, foreign(title)),
    element('p', { id: 'confirmation-text' }, foreign(text)),
    element('div', { class: 'buttons' }, leave, go),
  );
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener('close', resolve, { once: true }));
  return dialog.returnValue === 'yes';
}
