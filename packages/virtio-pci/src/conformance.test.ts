import type { ActiveDriver, ActiveQueue, ConfigSpace, DescriptorChain, RegionLocator, VirtioDevice } from '@vpmem/virtio';
import { describe, it } from 'vitest';
import { VirtioPciFunction } from './virtio-pci-function.ts';
import { functionCases, localFunction, namedCases, VirtioGuest, whyNot, type FunctionTraits } from './testing.ts';

const REGION = 5 * 2 ** 20;
const RESPONSE = Uint8Array.of(1, 2, 3, 4);

/** Answers every request, in {@link TestDevice.finish} the newest first; its configuration says where its region is. */
class TestDevice implements VirtioDevice {
  readonly deviceId = 27;
  readonly features = 1n;
  readonly queueSizes = [16, 8];
  readonly sharedMemory = [{ id: 0, size: REGION, fd: 99, offset: 0, read: () => 0, write: () => undefined }];
  #queue: ActiveQueue | undefined;
  #finish: (() => void)[] = [];
  #idle: (() => void)[] = [];

  config(accepted: bigint, locate: RegionLocator): ConfigSpace {
    const bytes = new DataView(new ArrayBuffer(16));
    return {
      size: 16,
      read: (offset, width) => {
        if (accepted === 0n || (accepted & 1n) === 0n) bytes.setBigUint64(0, locate(0) ?? 0n, true);
        return Array.from({ length: width }, (_, i) => (offset + i < 16 ? bytes.getUint8(offset + i) * 256 ** i : 0)).reduce((sum, byte) => sum + byte);
      },
      write: () => false,
    };
  }
  activate({ queues }: ActiveDriver): void {
    this.#queue = queues[0];
  }
  notified(): void {
    const queue = this.#queue;
    queue?.drain((chain: DescriptorChain) => {
      const { head } = chain;
      const space = chain.writablePrefix(RESPONSE.length);
      this.#finish.push(() => queue.complete(head, space !== undefined && queue.respond(space, RESPONSE) ? RESPONSE.length : 0));
    });
  }
  finish(): void {
    for (const finish of this.#finish.splice(0).reverse()) finish();
    this.#queue?.notify();
    for (const idle of this.#idle.splice(0)) idle();
  }
  resetQueue(_: number, done: () => void): void {
    this.#end(done);
  }
  deactivate(done: () => void): void {
    this.#queue = undefined;
    this.#end(done);
  }
  #end(done: () => void): void {
    if (this.#finish.length === 0) return done();
    this.#idle.push(done);
  }
}

describe.each([
  ['MSI-X', 2],
  ['INTx', 0],
] as const)('a virtio function with %s', (interrupts, vectors) => {
  const options = { vectors, packed: true, inOrder: true, accessPlatform: true, notificationData: true, notificationConfigData: true, suspend: true };
  const traits: FunctionTraits = {
    deviceId: 27,
    offered: 0x9cf_3000_0001n,
    interrupts,
    queueSizes: [16, 8],
    request: new Uint8Array(4),
    response: RESPONSE,
    region: REGION,
    addressInConfig: 0,
    held: true,
  };
  it.each(namedCases(traits))('%s', async (_, run) => {
    const device = new TestDevice();
    const pci = new VirtioPciFunction(device, options);
    await run(await VirtioGuest.on(localFunction(pci, { traits, settle: () => device.finish() })));
  });

  const others = functionCases().flatMap((each): (readonly [string, string])[] => {
    const reason = whyNot(each, traits);
    return reason === undefined ? [] : [[each.name, reason]];
  });
  it.skip.each(others)('%s (%s)', () => undefined);
});
