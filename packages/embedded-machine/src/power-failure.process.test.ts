import { describe, expect, it } from 'vitest';
import { powerFailureSuite } from '../../machine/tests/power-failure-suite.ts';
import { MachineBench } from '../tests/machine-bench.ts';
import { embeddedSetting } from '../tests/power-setting.ts';

powerFailureSuite('the embedded guest', embeddedSetting);

describe('a fault that comes with a device', () => {
  const plug = async (properties: string): Promise<MachineBench> => {
    const bench = new MachineBench();
    await bench.files(['mem1']);
    try {
      await bench.device(`virtio-pmem-pci,id=nv1,memdev=mem1,${properties}`);
    } catch (error) {
      expect(bench.machine.backends()[0]?.user).toBeUndefined();
      await bench.close();
      throw error;
    }
    return bench;
  };

  it('befalls the flush it is for', async () => {
    const bench = await plug('flush-fault=error,flush-fault-at=2');
    await bench.machine.start();
    await bench.machine.guest.fsync('nv1');
    await expect(bench.machine.guest.fsync('nv1')).rejects.toThrow();
    await bench.machine.guest.fsync('nv1');
    await bench.close();
  });

  it.each([
    ['flush-fault=delay', 'fault=delay takes ms'],
    ['flush-fault=error,flush-fault-ms=3', 'ms is for fault=delay'],
    ['flush-fault-at=3', 'flush-fault-at is about a flush-fault; say which with flush-fault=error, delay or hang'],
  ])('is refused as %s, with nothing plugged in', async (properties, message) => {
    await expect(plug(properties)).rejects.toThrow(message);
  });
});

it('a device whose file is what the guest sees has nothing to lose', async () => {
  const bench = new MachineBench();
  await bench.files(['mem1']);
  await bench.device('virtio-pmem-pci,id=nv1,memdev=mem1');
  await expect(bench.machine.failures.powerCut('nv1', {})).rejects.toMatchObject({
    code: 'not-supported',
    message: "device 'nv1': memory backend 'mem1' does not keep apart what is durable, so there is nothing to lose; make it with power-failure=on",
  });
  await bench.close();
});
