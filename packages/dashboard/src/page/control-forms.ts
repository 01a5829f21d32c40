import { element, foreign, part } from '@vpmem/page-kit/element';
import type { ControlRequest } from '../snapshot.ts';
import { confirm } from './confirmation.ts';
import type { Connection } from './connection.ts';
import type { Listed } from './device-table.ts';

type Values = ControlRequest['arguments'];

interface Form {
  readonly command: ControlRequest['command'];
  readonly act: string;
  readonly fields: readonly HTMLElement[];
  readonly values: () => Values;
  /** What will happen to `title`. */
  readonly tell: (title: string, values: Values) => string;
}

/** Cuts the power, plans faults, and sets limits, of the device that is chosen. */
export class ControlForms {
  readonly #connection: Connection;
  readonly #result = part('control-result', HTMLElement);
  readonly #cut: HTMLFieldSetElement;
  #listed: Listed | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    const made = [cutForm(), faultForm(), limitForm()].map((form) => this.#make(form));
    this.#cut = made[0] ?? element('fieldset');
    part('control-forms', HTMLElement).replaceChildren(...made);
  }

  /** `allowed`: whether the server does such things at all. */
  show(listed: Listed, allowed: boolean): void {
    part('control', HTMLElement).hidden = !allowed;
    if (listed.device.key !== this.#listed?.device.key) this.#result.textContent = '';
    this.#listed = listed;
    const cannot = listed.device.info['power-failure'] === undefined;
    this.#cut.disabled = cannot;
    this.#cut.title = cannot ? 'Its backend has no power-failure=on.' : '';
  }

  #make({ command, act, fields, values, tell }: Form): HTMLFieldSetElement {
    const form = element('form', {}, ...fields, element('button', { type: 'submit', class: 'danger' }, `${act} …`));
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#ask(command, act, values(), tell);
    });
    return element('fieldset', {}, element('legend', {}, act), form);
  }

  async #ask(command: ControlRequest['command'], act: string, values: Values, tell: Form['tell']): Promise<void> {
    if (this.#listed === undefined) return;
    // What was shown when it was asked: another device may be chosen meanwhile.
    const { machine, device } = this.#listed;
    const title = `${device.info.id} of ${machine.title}`;
    if (!(await confirm({ title: `${act}: ${title}`, text: tell(title, values), act }))) return;
    const { done, text } = await this.#connection.control({ machine: machine.key, device: device.key, confirmed: title, command, arguments: values });
    this.#result.className = done ? '' : 'bad-text';
    this.#result.replaceChildren(foreign(text));
  }
}

function cutForm(): Form {
  const survivors = choice('What survives', { none: 'nothing', random: 'some of it, by chance', all: 'all of it' });
  const unit = choice('in units of', { page: '4096 bytes', sector: '512 bytes', line: '64 bytes', word: '8 bytes' });
  return {
    command: 'power-cut',
    act: 'Cut the power',
    fields: [survivors.label, unit.label],
    values: () => ({ survivors: survivors.value(), ...(survivors.value() === 'random' && { granularity: unit.value() }) }),
    tell: (title, { survivors: which }) => `${title} loses its power now. ${which === 'all' ? 'What was not flushed survives.' : which === 'none' ? 'What was not flushed is lost.' : 'Of what was not flushed a part is lost.'} Its VM is hung up on.`,
  };
}

function faultForm(): Form {
  const fault = choice('Fault', { error: 'fails', delay: 'is late', hang: 'is not answered', none: 'none: take it back' });
  const at = number('at flush, from now', 1, 1);
  const late = number('late by, ms', 1000, 0);
  const lasting = element('input', { type: 'checkbox' });
  return {
    command: 'flush-fault',
    act: 'Plan a fault',
    fields: [fault.label, at.label, late.label, element('label', { class: 'check' }, lasting, ' and all after it')],
    values: () => (fault.value() === 'none' ? { fault: 'none' } : { fault: fault.value(), 'at-flush': at.value(), lasting: lasting.checked, ...(fault.value() === 'delay' && { ms: late.value() }) }),
    tell: (title, values) => (values.fault === 'none' ? `What was planned for ${title} is taken back.` : `Flush ${String(values['at-flush'])} of ${title}, counted from now, ${fault.words()}${values.lasting === true ? ', and so do all after it' : ''}.`),
  };
}

function limitForm(): Form {
  const ops = number('Syncs a second, 0 for any number', 100, 0);
  return {
    command: 'flush-limit',
    act: 'Set a limit',
    fields: [ops.label],
    values: () => ({ ops: ops.value() }),
    tell: (title, values) => (values.ops === 0 ? `The limit of ${title} is taken away.` : `The guest of ${title} can make this host sync ${String(values.ops)} times a second. What is more has to wait.`),
  };
}

function choice(name: string, options: Readonly<Record<string, string>>): { readonly label: HTMLElement; readonly value: () => string; readonly words: () => string } {
  const select = element('select', {}, ...Object.entries(options).map(([value, text]) => element('option', { value }, text)));
  return { label: element('label', {}, `${name} `, select), value: () => select.value, words: () => options[select.value] ?? '' };
}

function number(name: string, value: number, least: number): { readonly label: HTMLElement; readonly value: () => number } {
  const input = element('input', { type: 'number', value: String(value), min: String(least), step: '1', required: '' });
  return { label: element('label', {}, `${name} `, input), value: () => input.valueAsNumber };
}
