import { button, element, foreign, part } from '@vpmem/page-kit/element';
import { showTheme } from '@vpmem/page-kit/theme';
import type { Snapshot } from '../snapshot.ts';
import { CellStore, SPANS } from './cell-store.ts';
import { Connection, type ConnectionState } from './connection.ts';
import { ControlForms } from './control-forms.ts';
import { DeviceTable, toneOf, type Listed } from './device-table.ts';
import { EventList } from './event-list.ts';
import { showFacts } from './facts.ts';
import { HistoryTable } from './history-table.ts';
import { Plots } from './plots.ts';
import { RangeMap } from './range-map.ts';
import { ReportList } from './report-list.ts';
import { showSummary } from './summary.ts';
import { clock } from './wording.ts';

const connection = new Connection();
const plots = new Plots();
const table = new HistoryTable();
const devices = new DeviceTable((key) => choose(key, true));
const events = new EventList();
const reports = new ReportList();
const range = new RangeMap();
const control = new ControlForms(connection);
let snapshot: Snapshot | undefined;
let chosen: string | undefined;
let span = 0;
let store: CellStore | undefined;

showTheme(() => {
  plots.repaint();
  range.draw();
});
showSpans();
void connection.follow(take, tell);

function take(now: Snapshot): void {
  snapshot = now;
  showSummary(now);
  events.take(now);
  reports.show(now);
  const all = now.machines.flatMap((machine) => machine.devices.map((device): Listed => ({ machine, device })));
  // At first the one that wants a look.
  if (chosen === undefined || !all.some(({ device }) => device.key === chosen)) chosen = (all.find((each) => toneOf(each) !== '') ?? all[0])?.device.key;
  devices.show(now, chosen);
  showDevice();
}

function choose(key: string, move: boolean): void {
  chosen = key;
  if (snapshot !== undefined) devices.show(snapshot, chosen);
  showDevice();
  if (move) part('device', HTMLElement).scrollIntoView({ block: 'start', behavior: matchMedia('(prefers-reduced-motion: reduce)').matches ? 'auto' : 'smooth' });
}

function showDevice(): void {
  const listed = find();
  part('device', HTMLElement).hidden = listed === undefined;
  if (listed === undefined || snapshot === undefined) return;
  const { machine, device } = listed;
  const title = part('device-title', HTMLElement);
  const name = `${device.info.id} of ${machine.title}`;
  if (title.textContent !== name) title.replaceChildren(foreign(device.info.id), ' of ', foreign(machine.title));
  showFacts(listed, snapshot);
  range.show(device);
  control.show(listed, snapshot.control);
  events.device = { machine: machine.title, id: device.info.id };
  plots.offset = table.offset = snapshot.time - snapshot.at;
  if (store?.device !== device.key || store.span !== span) {
    store = new CellStore(connection, device.key, span);
    plots.show(store);
    table.show(store);
  }
  const asked = store;
  const isNew = asked.cells.length === 0;
  void asked.renew().then((renewed) => {
    if (!renewed || asked !== store) return;
    plots.draw();
    if (isNew) table.draw();
  });
}

function find(): Listed | undefined {
  for (const machine of snapshot?.machines ?? []) {
    const device = machine.devices.find(({ key }) => key === chosen);
    if (device !== undefined) return { machine, device };
  }
  return undefined;
}

function showSpans(): void {
  const buttons = SPANS.map(({ name }, i) =>
    button(name, () => {
      span = i;
      for (const [place, each] of buttons.entries()) each.setAttribute('aria-pressed', String(place === i));
      showDevice();
    }, { 'aria-pressed': String(i === span) }),
  );
  part('spans', HTMLElement).replaceChildren(...buttons);
}

function tell(state: ConnectionState): void {
  const where = part('connection', HTMLElement);
  const text = state.kind === 'live' ? 'live' : state.kind === 'lost' ? `no answer since ${clock(state.since)}, trying again` : state.reason;
  if (where.textContent === text) return;
  document.body.classList.toggle('stale', state.kind !== 'live');
  where.replaceChildren(element('i', { class: `dot small ${state.kind === 'live' ? 'good' : 'bad'}`, 'aria-hidden': 'true' }), text);
}
