import { resolve } from 'node:path';
import { PATH_PROPERTIES } from '@vpmem/machine';
import { anchorMetricsAddress } from '@vpmem/metrics/address';
import type { MonitorPlan, PlannedMonitor } from '@vpmem/monitor';
import type { ParsedOption } from '@vpmem/options';
import type { MetricsSetting } from '../metrics-setting.ts';
import type { Setup } from './setup.ts';

/** The same with its relative paths made absolute: they mean what they meant, although the program goes elsewhere. */
export function anchorSetup(setup: Setup): Setup {
  const { objects, devices, recordFolder, metrics } = setup;
  return {
    ...setup,
    objects: objects.map(anchorOption),
    devices: devices.map(anchorOption),
    recordFolder: recordFolder === undefined ? undefined : resolve(recordFolder),
    metrics: metrics && anchorMetrics(metrics),
  };
}

/** The same for the socket of metrics. */
export function anchorMetrics(setting: MetricsSetting): MetricsSetting {
  return { ...setting, address: anchorMetricsAddress(setting.address) };
}

/** The same for the sockets of monitors. */
export function anchorPlan(plan: MonitorPlan): MonitorPlan {
  return { ...plan, monitors: plan.monitors.map(anchorMonitor) };
}

/** The same for one option. */
export function anchorOption<T extends { readonly parsed: ParsedOption }>(option: T): T {
  const anchored = Object.entries(option.parsed.properties).map(([name, value]) => [name, PATH_PROPERTIES.has(name) && typeof value === 'string' ? resolve(value) : value]);
  return { ...option, parsed: { ...option.parsed, properties: Object.fromEntries(anchored) as ParsedOption['properties'] } };
}

function anchorMonitor(monitor: PlannedMonitor): PlannedMonitor {
  const { chardev } = monitor;
  if (chardev.backend !== 'socket' || !('path' in chardev.address)) return monitor;
  return { ...monitor, chardev: { ...chardev, address: { path: resolve(chardev.address.path) } } };
}
