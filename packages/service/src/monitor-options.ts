import { explainError } from '@vpmem/machine';
import { MonitorError, NO_MONITORS, planMonitors, type MonitorPlan } from '@vpmem/monitor';
import { SetupError } from './setup-error.ts';
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
    });
  } catch (error) {
    throw monitorMistake(error, options);
  }
}

/** A QMP monitor at `path` that was not asked for. */
export function planPrivateMonitor(path: string): MonitorPlan {
  return planMonitors({ ...NO_MONITORS, chardev: [`socket,id=private,path=${path.replaceAll(',', ',,')},server=on,wait=off`], mon: ['private,mode=control'] });
}

/** A mistake of the user's, told with the place where; anything else as it is. */
export function monitorMistake(error: unknown, options: readonly SetupOption[]): unknown {
  const explanation = error instanceof MonitorError ? error.message : explainError(error);
  if (explanation === undefined) return error;
  // It begins as if the option had been typed, which may have come from a file.
  const option = options.find(({ name, text }) => explanation.startsWith(`-${name} ${text}: `));
  const message = option === undefined ? explanation : `${option.location()}${explanation.slice(`-${option.name} ${option.text}`.length)}`;
  return new SetupError(message, { cause: error });
}
