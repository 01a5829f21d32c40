import { element, foreign, part } from '@vpmem/page-kit/element';
import type { MachineRow, Snapshot } from '../snapshot.ts';
import { stateOf, toneOf, type Listed } from './device-table.ts';
import { bytes, count, microseconds, moment, perSecond, plural } from './wording.ts';

/** Characters of a name; it is whole in the table. */
const LONGEST = 60;

/** What is to be said first: whether all is well, sums, and the machines. */
export function showSummary(snapshot: Snapshot): void {
  const listed = snapshot.machines.flatMap((machine) => machine.devices.map((device): Listed => ({ machine, device })));
  const bad = listed.filter((each) => toneOf(each) === 'bad-text');
  const silent = snapshot.machines.filter(({ state }) => state === 'not answering');
  const tone = bad.length > 0 ? 'bad' : silent.length > 0 || listed.length === 0 ? '' : 'good';
  set(part('state', HTMLElement), element('i', { class: `dot ${tone}`, 'aria-hidden': 'true' }), foreign(headline(listed, bad, silent), 200));
  set(part('reservations', HTMLElement), ...silent.map(({ title, reason, since }) => element('li', {}, foreign(title, LONGEST), ` has not answered since ${moment(since, snapshot.time)}: `, foreign(reason ?? 'no reason is known', 200), '. Its figures are from then.')));
  part('totals', HTMLElement).replaceChildren(...totals(snapshot, listed));
  set(part('machines', HTMLElement), ...snapshot.machines.map(machineItem));
  part('device-count', HTMLElement).textContent = count(listed.length);
  document.title = `${bad.length > 0 ? `${bad.length} failed, ` : ''}${plural(listed.length, 'device')}: vpmem`;
}

/** So that a screen reader does not hear of what is as it was. */
function set(where: HTMLElement, ...children: (Node | string)[]): void {
  const made = element('div', {}, ...children);
  if (where.innerHTML !== made.innerHTML) where.replaceChildren(...made.childNodes);
}

function headline(listed: readonly Listed[], bad: readonly Listed[], silent: readonly MachineRow[]): string {
  const [first] = bad;
  if (bad.length > 1) return `${count(bad.length)} of ${plural(listed.length, 'device')} have failed`;
  if (first !== undefined) return `${first.device.info.id} of ${first.machine.title}: ${stateOf(first)}`;
  if (silent.length > 0) return `${plural(silent.length, 'machine')} ${silent.length === 1 ? 'does' : 'do'} not answer`;
  return listed.length === 0 ? 'No device yet' : `All is well with ${plural(listed.length, 'device')}`;
}

function totals({ machines }: Snapshot, listed: readonly Listed[]): HTMLElement[] {
  const answering = listed.filter(({ machine }) => machine.state === 'running');
  const used = answering.filter(({ device }) => device.info.connected).length;
  const rates = answering.flatMap(({ device }) => device.rate ?? []);
  const worst = Math.max(-1, ...rates.map(({ p99 }) => p99 ?? -1));
  const risks = answering.flatMap(({ device }) => device.info['power-failure']?.['volatile-bytes'] ?? []);
  const failed = listed.reduce((sum, { device }) => sum + device.info.flushes.failed, 0);
  const flights = answering.reduce((sum, { device }) => sum + device.info.flushes['in-flight'], 0);
  const running = machines.filter(({ state }) => state === 'running').length;
  return [
    total('Devices', count(listed.length), `${count(used)} in use, ${plural(running, 'machine')}`),
    total('Flushes a second', perSecond(rates.reduce((sum, { asked }) => sum + asked, 0)), `${count(flights)} in flight`),
    total('Slowest p99', worst < 0 ? '–' : microseconds(worst), 'of the last second'),
    total('Bytes at risk', risks.length === 0 ? '–' : bytes(risks.reduce((sum: number, each) => sum + Number(each), 0)), risks.length === 0 ? 'not known of any' : `of ${plural(risks.length, 'device')}`),
    total('Failed flushes', count(failed), 'since they were plugged in'),
  ];
}

function total(name: string, value: string, detail: string): HTMLElement {
  return element('div', {}, element('dt', {}, name), element('dd', {}, value, element('small', {}, detail)));
}

function machineItem({ title, program, pid, version, state, devices }: MachineRow): HTMLElement {
  const tone = state === 'running' ? 'good' : '';
  return element(
    'li',
    {},
    element('i', { class: `dot small ${tone}`, 'aria-hidden': 'true' }),
    element('strong', {}, foreign(title, LONGEST)),
    element('span', {}, foreign(version ?? program, LONGEST), `, process ${pid}, ${plural(devices.length, 'device')}`),
    state === 'running' ? undefined : element('span', { class: 'warn-text' }, state),
  );
}
