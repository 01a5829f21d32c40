import type { BusDeviceInfo, BusInfo } from '@vpmem/machine';

/** `info qtree` in QEMU's layout, without properties if it is to be brief. */
export function showQtree(bus: BusInfo, brief: boolean): string[] {
  return showBus(bus, brief, '');
}

function showBus({ name, type, devices }: BusInfo, brief: boolean, indent: string): string[] {
  const below = `${indent}  `;
  return [`${indent}bus: ${name}`, `${below}type ${type}`, ...devices.flatMap((device) => showDevice(device, brief, below))];
}

function showDevice({ type, id, properties, buses }: BusDeviceInfo, brief: boolean, indent: string): string[] {
  const below = `${indent}  `;
  return [
    `${indent}dev: ${type}, id "${id ?? ''}"`,
    ...(brief ? [] : properties.map(([name, value]) => `${below}${name} = ${value}`)),
    ...buses.flatMap((bus) => showBus(bus, brief, below)),
  ];
}
