import { NO_MONITORS, planMonitors, type MonitorPlan } from '@vpmem/monitor';
import { namedMistake } from './named-mistake.ts';
import type { SetupOption } from './setup-option.ts';

/** Checks the options that make monitors, with a default for a command line that has none; opens nothing. @throws SetupError */
export function planOptions(options: readonly SetupOption[], defaultMonitor: string | undefined): MonitorPlan {
  const texts = (name: SetupOption['name']): string[] => options.filter((option) => option.name === name).map(({ text }) => text);
  const asked = options.some(({ name }) => name !== 'chardev');
  try {
    return planMonitors({
      monitor: asked || defaultMonitor === undefined ? texts('monitor') : [defaultMonitor],
      qmp: texts('qmp'),
      qmpPretty: texts('qmp-pretty'),
      mon: texts('mon'),
      chardev: texts('chardev'),
      object: texts('object'),
    });
  } catch (error) {
    throw namedMistake(error, options);
  }
}

/** A QMP monitor at `path` that was not asked for; one who looks is not to keep others from looking. */
export function planPrivateMonitor(path: string): MonitorPlan {
  return planMonitors({ ...NO_MONITORS, chardev: [`socket,id=private,path=${path.replaceAll(',', ',,')},server=on,wait=off,clients=16`], mon: ['private,mode=control'] });
}
