import type { PropertySource } from '@vpmem/options';
import { ask, type QemuMonitor } from '../running/qemu-monitor.ts';
import { isOutside } from './device-use.ts';
import { dmaManner, fullName, plainProperties } from './dma-manner.ts';
import { dmaProblem, hindrance, losesReads } from './dma-settings.ts';

/** A device that is to be plugged in, and why it will not reach the range of ours. */
export interface PluggedDma {
  readonly source: PropertySource;
  readonly warning?: string;
}

/**
 * Looks at a device of QEMU's own before it is plugged in. What gives it room is said for its whole type when QEMU is started;
 * a device that cannot have that is excepted, or QEMU would refuse it.
 */
export async function pluggedDma(qemu: QemuMonitor, source: PropertySource): Promise<PluggedDma> {
  const { driver, id, netdev } = source.properties;
  const type = typeof driver === 'string' ? fullName(driver) : '';
  const manner = dmaManner(type);
  if (manner === undefined) return { source };
  const warning = (problem: string): string => `device_add ${type}${typeof id === 'string' ? `, id '${id}'` : ''}: ${problem}`;
  if (manner !== 'bounced') return { source, warning: warning(dmaProblem(manner, { lossy: losesReads(source.properties) })) };
  if (type.startsWith('virtio-net-') && typeof netdev === 'string' && isOutside(await networkType(qemu, netdev))) {
    return { source: asQemuDoes(source, type), warning: warning(dmaProblem('outside')) };
  }
  const set = hindrance(source.properties);
  if (set === undefined) return { source };
  return { source: set.plain ? asQemuDoes(source, type) : source, warning: warning(dmaProblem(manner, set)) };
}

/** A device as QEMU would make it without us. */
function asQemuDoes(source: PropertySource, type: string): PropertySource {
  const added = Object.entries(plainProperties(type, source.properties)).map(([name, value]) => [name, value === 'off' && source.form === 'json' ? false : value] as const);
  return { ...source, properties: { ...source.properties, ...Object.fromEntries(added) } };
}

/** The type of a network back end, which QEMU tells only in HMP: a line of its name and `index=0,type=user,…`. */
async function networkType(qemu: QemuMonitor, id: string): Promise<string | undefined> {
  const text = await ask<string>(qemu, 'human-monitor-command', { 'command-line': 'info network' });
  const line = text.split('\n').find((each) => each.replace(/^[\s\\]*/, '').startsWith(`${id}: `));
  return line === undefined ? undefined : /\btype=([\w-]+)/.exec(line)?.[1];
}
