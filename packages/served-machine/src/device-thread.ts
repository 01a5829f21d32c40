// The body of the device thread: every device and every conversation with a VM, on one blocking loop. It never syncs what could wait,
// never reads a file and never waits for anybody: while it does not answer, a VM stands still.
import { subscribe } from 'node:diagnostics_channel';
import { closeSync } from 'node:fs';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { PowerCutOrder } from '@vpmem/machine';
import { DescriptorStore, KeptDescriptors } from '@vpmem/descriptor-store';
import { putMark } from '@vpmem/machine/pmem-backing';
import { SYNC_FAILED_CHANNEL, SyncPool, type SyncFailedMessage } from '@vpmem/memory-backend';
import { DescriptorNumbers, EPOLLIN, EventFd, EventLoop } from '@vpmem/native';
import { nameThread } from '@vpmem/native/thread-name';
import type { PowerCutReport } from '@vpmem/simulated-medium';
import { CLIENT_CHANNEL, type ClientMessage, type VfioUserServer } from '@vpmem/vfio-user';
import { DRIVER_ERROR_CHANNEL, type DriverErrorMessage } from '@vpmem/virtio-pci';
import type { DeviceEvent, DeviceReply, DeviceRequest, DeviceStatus, DeviceThreadData, SavedThread, SharedStore } from './device-messages.ts';
import { THREAD_PREFIX } from './machine-state.ts';
import { DeviceBusy, ServedDevice, type PowerListener } from './served-device.ts';
import { VmPower } from './vm-power.ts';

nameThread('vpmem device');
const { port, wakeFd, store } = workerData as DeviceThreadData;
let descriptors = store && keptIn(store);
const loop = new EventLoop();
const pool = new SyncPool(loop);
const devices: ServedDevice[] = [];
const vm = new VmPower<ServedDevice>({ devices: () => devices, kill, lost: tellOfCut });
const power: PowerListener = {
  powerLost: (device) => vm.powerLost(device),
  powerBack: () => vm.powerBack(),
  planned: tellOfCut,
  recordingFailed: ({ id }, { path, incomplete = '' }) => reply({ type: 'event', event: { device: id, event: 'recording-failed', file: path, reason: incomplete } }),
  mark: (text, done) => putMark(devices, text, done),
};

const wake = new EventFd(wakeFd);
loop.watch(wake.fd, EPOLLIN, () => {
  wake.drain();
  for (let received = receiveMessageOnPort(port); received !== undefined; received = receiveMessageOnPort(port)) {
    const { request, body } = received.message as { request: number; body: DeviceRequest };
    try {
      handle(body, request);
    } catch (error) {
      const code = error instanceof DeviceBusy ? 'device-busy' : 'device-thread';
      reply({ type: 'failed', request, code, message: (error as Error).message });
    }
  }
});

function handle(body: DeviceRequest, request: number): void {
  const done = (statuses: readonly DeviceStatus[] = []): void => reply({ type: 'done', request, devices: statuses });
  switch (body.type) {
    case 'keep':
      descriptors = keptIn(body.store);
      return done();
    case 'add':
      add(body);
      return done();
    case 'remove':
      return remove(body.id, done);
    case 'retire':
      device(body.id).server.retire();
      return done();
    case 'status':
      return body.exposure === true ? gatherExposed(done) : done(devices.map((each) => each.status()));
    case 'power-cut':
      return cutPower(device(body.id), body.order, request);
    case 'flush-fault':
      device(body.id).backing.faults.plan(body.fault);
      return done();
    case 'begin-recording':
      return device(body.id).backing.beginRecording(body.order, (error) => (error === undefined ? done() : recordingFailed(request, body.id, error)));
    case 'end-recording':
      return device(body.id).backing.endRecording((outcome) => {
        if (outcome instanceof Error) recordingFailed(request, body.id, outcome);
        else reply({ type: 'done', request, devices: [], recording: outcome });
      });
    case 'mark':
      return putMark(body.id === undefined ? devices : [device(body.id)], body.text, (marked) => reply({ type: 'done', request, devices: [], marked }));
    case 'bind-vm':
      vm.bind(body.pid);
      return done();
    case 'release-vm':
      return vm.release((powerOff) => reply({ type: 'done', request, devices: [], powerOff }));
    case 'flush-limit':
      device(body.id).limitTo(body.limit);
      return done();
    case 'suspend':
      return suspend(request, done);
    case 'save':
      return reply({ type: 'done', request, devices: [], saved: save() });
    case 'proceed':
      for (const each of devices) each.proceed();
      for (const each of devices) each.keep();
      descriptors?.settled();
      return done();
    case 'stop':
      return stopAll(done);
    case 'quit':
      return loop.stop();
  }
}

function keptIn(shared: SharedStore): KeptDescriptors {
  return new KeptDescriptors(new DescriptorStore(shared.description, shared), THREAD_PREFIX);
}

/** @throws what keeps a device from being made, with nothing of it left open */
function add({ device: description, continues }: Extract<DeviceRequest, { type: 'add' }>): void {
  try {
    devices.push(new ServedDevice(description, { loop, pool, power, descriptors, continues }));
  } finally {
    if (typeof continues === 'object') for (const fd of continues.descriptors) closeSync(fd);
  }
}

function suspend(request: number, done: () => void): void {
  const obstacles: string[] = [];
  const hold = (each: ServedDevice, held: () => void): void =>
    each.suspend((obstacle) => {
      if (obstacle !== undefined) obstacles.push(`device '${each.id}': ${obstacle}`);
      held();
    });
  // What a guest marks is still put into recordings, so those come last.
  const [marking, others] = [devices.filter(({ marks }) => marks), devices.filter(({ marks }) => !marks)];
  forEach(marking, hold, () =>
    forEach(others, hold, () => {
      const [obstacle] = obstacles;
      if (obstacle === undefined) return done();
      for (const each of devices) each.proceed();
      reply({ type: 'failed', request, code: 'device-thread', message: obstacle });
    }),
  );
}

function save(): SavedThread {
  return {
    devices: devices.map((each) => {
      const numbers = new DescriptorNumbers();
      return { saved: each.save(numbers.put), descriptors: numbers.all };
    }),
    held: descriptors?.held ?? new Map(),
  };
}

function device(id: string): ServedDevice {
  const found = devices.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`there is no device '${id}'`);
  return found;
}

/** @throws DeviceBusy while a client has the device */
function remove(id: string, done: () => void): void {
  const leaving = device(id);
  if (leaving.server.busy) throw new DeviceBusy(`device '${id}' is in use`);
  // From here on nobody can come in, however long the last sync takes.
  leaving.server.retire();
  leaving.stop(() => {
    devices.splice(devices.indexOf(leaving), 1);
    done();
  });
}

function stopAll(done: () => void): void {
  forEach(devices, (each, stopped) => each.stop(stopped), () => {
    done();
    loop.stop();
  });
}

/** Does something with all at once; `done` is called, possibly at once, when it is done with each. */
function forEach(all: readonly ServedDevice[], act: (device: ServedDevice, done: () => void) => void, done: () => void): void {
  let running = all.length;
  const oneDone = (): void => {
    if (running-- === 0) done();
  };
  for (const each of [...all]) act(each, oneDone);
  oneDone();
}

/** The status of all, with what a power cut would cost each, when all know. */
function gatherExposed(done: (statuses: readonly DeviceStatus[]) => void): void {
  const asked = [...devices];
  const statuses: DeviceStatus[] = [];
  let waiting = asked.length;
  if (waiting === 0) return done([]);
  asked.forEach((each, i) =>
    each.backing.expose((exposure) => {
      statuses[i] = each.status(exposure);
      if (--waiting === 0) done(statuses);
    }),
  );
}

function cutPower(cut: ServedDevice, order: PowerCutOrder, request: number): void {
  cut.backing.cut(order, (outcome) => {
    if (outcome instanceof Error) return reply({ type: 'failed', request, code: 'power-cut', message: outcome.message });
    if (outcome !== undefined) tellOfCut(cut, outcome);
    reply({ type: 'done', request, devices: [], cut: outcome });
  });
}

function recordingFailed(request: number, id: string, error: Error): void {
  reply({ type: 'failed', request, code: 'recording', message: `device '${id}': ${error.message}` });
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function tellOfCut({ id }: ServedDevice, outcome: PowerCutReport | Error): void {
  reply({ type: 'event', event: { device: id, event: 'power-cut', outcome: outcome instanceof Error ? outcome.message : outcome } });
}

function reply(message: DeviceReply): void {
  port.postMessage(message);
}

/** What a client or a guest can bring about as often as it likes, at little cost. */
const WITHOUT_END: readonly DeviceEvent['event'][] = ['client-remark', 'client-refused', 'driver-error'];

/** Where each of them is counted, told of or not. Who connects is counted on arrival. */
const COUNTERS: Partial<Record<DeviceEvent['event'], keyof ServedDevice['counts']>> = { 'client-remark': 'remarks', 'client-refused': 'refused', 'driver-error': 'driverErrors' };

/** Tells the main thread what happened to the device that `is` it, if it is one of ours. */
function report(is: (device: ServedDevice) => boolean, event: Exclude<DeviceEvent['event'], 'power-cut' | 'recording-failed'>, detail: string): void {
  const device = devices.find(is);
  if (device === undefined) return;
  const counter = COUNTERS[event];
  if (counter !== undefined) device.counts[counter]++;
  const passed = WITHOUT_END.includes(event) ? device.remarks.pass(detail) : detail;
  if (passed !== undefined) reply({ type: 'event', event: { device: device.id, event, detail: passed } });
}

function reportTurnover(server: VfioUserServer, event: 'connected' | 'left', detail: string): void {
  const device = devices.find((each) => each.server === server);
  device?.turnover.tell(() => {
    const leftOut = event === 'left' ? device.turnover.takeLeftOut() : 0;
    const before = leftOut === 0 ? [] : [`${leftOut} comings and goings before it were left out`];
    report((each) => each === device, `client-${event}`, [...(detail === '' ? [] : [detail]), ...before].join('; '));
  });
}

subscribe(CLIENT_CHANNEL, (message) => {
  const { server, event, detail, pid } = message as ClientMessage;
  if (event === 'connected' || event === 'left') {
    const change = event === 'connected' ? 'came' : 'left';
    const device = devices.find((each) => each.server === server);
    device?.backing.client(change, pid);
    if (device !== undefined && change === 'came') device.counts.connects++;
    return reportTurnover(server, event, detail);
  }
  report((device) => device.server === server, `client-${event}`, detail);
});
subscribe(DRIVER_ERROR_CHANNEL, (message) => {
  const { device: failed, error, needsReset } = message as DriverErrorMessage;
  // RAM that is not shared is not the guest's doing.
  if (error.code !== 'unshared-ram') return report(({ device }) => device === failed, 'driver-error', error.detail);
  report(({ device }) => device === failed, 'client-remark', needsReset ? `${error.detail}; the guest has to reset the device` : error.detail);
});
subscribe(SYNC_FAILED_CHANNEL, (message) => {
  const { id, error } = message as SyncFailedMessage;
  report(({ backend }) => backend.id === id, 'sync-failed', error.message);
});

loop.run();
process.exit(0);
