// The body of the device thread: every device and every conversation with a VM, on one blocking loop. It never syncs,
// never reads a file and never waits for anybody: while it does not answer, a VM stands still.
import { subscribe } from 'node:diagnostics_channel';
import { receiveMessageOnPort, workerData } from 'node:worker_threads';
import { SYNC_FAILED_CHANNEL, SyncPool, type SyncFailedMessage } from '@vpmem/memory-backend';
import { EPOLLIN, EventFd, EventLoop } from '@vpmem/native';
import { CLIENT_CHANNEL, type ClientMessage } from '@vpmem/vfio-user';
import { DRIVER_ERROR_CHANNEL, type DriverErrorMessage } from '@vpmem/virtio-pci';
import type { DeviceEvent, DeviceReply, DeviceRequest, DeviceThreadData } from './device-messages.ts';
import { DeviceBusy, ServedDevice } from './served-device.ts';

const { port, wakeFd } = workerData as DeviceThreadData;
const loop = new EventLoop();
const pool = new SyncPool(loop);
const devices: ServedDevice[] = [];

const wake = new EventFd(wakeFd);
loop.watch(wake.fd, EPOLLIN, () => {
  wake.drain();
  for (let received = receiveMessageOnPort(port); received !== undefined; received = receiveMessageOnPort(port)) {
    const { request, body } = received.message as { request: number; body: DeviceRequest };
    try {
      // Only who asks for it gets the status: gathering it for 256 devices at each request would cost.
      const asked = body.type === 'status' ? devices : [];
      handle(body, () => reply({ type: 'done', request, devices: asked.map(({ status }) => status) }));
    } catch (error) {
      const code = error instanceof DeviceBusy ? 'device-busy' : 'device-thread';
      reply({ type: 'failed', request, code, message: (error as Error).message });
    }
  }
});

function handle(request: DeviceRequest, done: () => void): void {
  switch (request.type) {
    case 'add':
      devices.push(new ServedDevice(request.device, loop, pool));
      return done();
    case 'remove':
      return remove(request.id, done);
    case 'retire':
      device(request.id).server.retire();
      return done();
    case 'status':
      return done();
    case 'stop':
      return stopAll(done);
    case 'quit':
      return loop.stop();
  }
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
  let running = devices.length;
  const oneStopped = (): void => {
    if (running-- > 0) return;
    done();
    loop.stop();
  };
  for (const device of devices) device.stop(oneStopped);
  oneStopped();
}

function reply(message: DeviceReply): void {
  port.postMessage(message);
}

/** Tells the main thread what happened to the device that `is` it, if it is one of ours. */
function report(is: (device: ServedDevice) => boolean, event: DeviceEvent['event'], detail: string): void {
  const device = devices.find(is);
  if (device !== undefined) reply({ type: 'event', event: { device: device.id, event, detail } });
}

subscribe(CLIENT_CHANNEL, (message) => {
  const { server, event, detail } = message as ClientMessage;
  report((device) => device.server === server, `client-${event}`, detail);
});
subscribe(DRIVER_ERROR_CHANNEL, (message) => {
  const { device: failed, error } = message as DriverErrorMessage;
  report(({ device }) => device === failed, 'driver-error', error.detail);
});
subscribe(SYNC_FAILED_CHANNEL, (message) => {
  const { id, error } = message as SyncFailedMessage;
  report(({ backend }) => backend.id === id, 'sync-failed', error.message);
});

loop.run();
process.exit(0);
