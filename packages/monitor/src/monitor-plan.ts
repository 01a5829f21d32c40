import { defineProperties, OptionError, parseOption, property, readProperties, type ParsedOption } from '@vpmem/options';
import { ChardevError, exposureOf, parseDevice, readChardev, type ChardevOptions } from '@vpmem/chardev';
import { MonitorError } from './monitor-error.ts';

/** The texts of the options that make monitors, each as often and in the order it was given. */
export interface MonitorOptions {
  /** `-monitor` */
  readonly monitor: readonly string[];
  /** `-qmp` */
  readonly qmp: readonly string[];
  /** `-qmp-pretty` */
  readonly qmpPretty: readonly string[];
  /** `-mon` */
  readonly mon: readonly string[];
  /** `-chardev` */
  readonly chardev: readonly string[];
  /** `-object`, of the types that {@link monitorObjectProperties} has */
  readonly object: readonly string[];
}

/** What is spoken: HMP, or QMP in lines or indented. */
export type MonitorMode = 'readline' | 'control' | 'control-pretty';

/** A monitor that the command line asks for. */
export interface PlannedMonitor {
  /** The option it came from, as given: `-qmp stdio`. */
  readonly option: string;
  /** The name of its character device. */
  readonly label: string;
  readonly mode: MonitorMode;
  readonly chardev: ChardevOptions;
}

/** Monitors that were asked for, checked; nothing is open yet. */
export interface MonitorPlan {
  readonly monitors: readonly PlannedMonitor[];
  /** What to tell people before anything is opened, one line each. */
  readonly warnings: readonly string[];
}

/** What no monitor option at all comes to. */
export const NO_MONITORS: MonitorOptions = { monitor: [], qmp: [], qmpPretty: [], mon: [], chardev: [], object: [] };

/** The one of them that is on this program's own terminal or pipes. */
export function terminalMonitor({ monitors }: MonitorPlan): PlannedMonitor | undefined {
  return monitors.find(onTerminal);
}

/** Whether a monitor is on this program's own terminal or pipes; of a plan at most one is. */
export function onTerminal({ chardev }: PlannedMonitor): boolean {
  return chardev.backend === 'stdio';
}

const monProperties = defineProperties({
  id: property.identifier({ description: 'name of the monitor' }),
  chardev: property.string({ required: true, description: 'id of its character device' }),
  mode: property.oneOf(['readline', 'control'], { default: 'readline', description: 'HMP or QMP' }),
  pretty: property.bool({ default: false, description: 'QMP: indent what is sent' }),
});

const objectOf = {
  'qom-type': property.string({ required: true }),
  id: property.identifier({ required: true, description: 'name of the monitor' }),
  chardev: monProperties.chardev,
};

/** Monitors as objects, which QEMU 11.1 wants instead of `-mon`, and their properties. */
export const monitorObjectProperties = {
  'monitor-hmp': defineProperties({
    ...objectOf,
    readline: property.only(property.bool({ description: 'on only' }), (on) => on, 'lines are edited at every monitor'),
  }),
  'monitor-qmp': defineProperties({ ...objectOf, pretty: monProperties.pretty }),
} as const;

/**
 * Reads and checks all options that make monitors; opens nothing.
 *
 * @throws OptionError, MonitorError; the message begins with the option at fault
 */
export function planMonitors(options: MonitorOptions): MonitorPlan {
  return new Planner().plan(options);
}

class Planner {
  readonly #chardevs = new Map<string, { readonly option: string; readonly chardev: ChardevOptions; used: boolean }>();
  readonly #monitors: PlannedMonitor[] = [];
  readonly #ids = new Set<string>();
  readonly #warnings: string[] = [];
  #unnamed = 0;

  plan(options: MonitorOptions): MonitorPlan {
    for (const text of options.chardev) this.#attempt(`-chardev ${text}`, (option) => this.#addChardev(option, text));
    const devices = [
      ['-monitor', 'readline', options.monitor],
      ['-qmp', 'control', options.qmp],
      ['-qmp-pretty', 'control-pretty', options.qmpPretty],
    ] as const;
    for (const [name, mode, texts] of devices) {
      for (const text of texts) this.#attempt(`${name} ${text}`, (option) => this.#addDevice(option, text, mode));
    }
    for (const text of options.mon) this.#attempt(`-mon ${text}`, (option) => this.#addMon(option, text));
    for (const text of options.object) this.#attempt(`-object ${text}`, (option) => this.#addObject(option, text));
    for (const [id, { option, used }] of this.#chardevs) {
      if (!used) this.#warnings.push(`${option}: no monitor uses it, so it is not opened; add -mon chardev=${id}`);
    }
    return { monitors: this.#monitors, warnings: this.#warnings };
  }

  /** Errors tell which option they are about. */
  #attempt(option: string, read: (option: string) => void): void {
    try {
      read(option);
    } catch (error) {
      if (error instanceof MonitorError || error instanceof ChardevError) throw new MonitorError(error.code, `${option}: ${error.message}`, { cause: error });
      if (!(error instanceof OptionError)) throw error;
      const { code, parameter, hint } = error;
      throw new OptionError(code, `${option}: ${error.message}`, { ...(parameter !== undefined && { parameter }), ...(hint !== undefined && { hint }) });
    }
  }

  #parse(option: string, text: string, impliedKey: string): ParsedOption {
    const parsed = parseOption(text, { grammar: 'qemuopts', impliedKey });
    this.#warnings.push(...parsed.warnings.map(({ message }) => `${option}: ${message}`));
    return parsed;
  }

  #addChardev(option: string, text: string): void {
    const { id, options } = readChardev(this.#parse(option, text, 'backend'));
    if (this.#chardevs.has(id)) throw new MonitorError('duplicate-id', `there is a chardev '${id}' already; give this one another id`);
    this.#chardevs.set(id, { option, chardev: options, used: false });
  }

  #addDevice(option: string, text: string, mode: MonitorMode): void {
    const device = parseDevice(text);
    if (device.kind === 'none') return;
    if (device.kind === 'chardev') this.#useChardev(option, device.id, mode);
    else this.#add({ option, label: `compat_monitor${this.#unnamed++}`, mode, chardev: device.options });
  }

  #addMon(option: string, text: string): void {
    const { id, chardev, mode, pretty } = readProperties(monProperties, this.#parse(option, text, 'chardev'));
    if (id !== undefined) this.#take(id);
    if (pretty && mode === 'readline') {
      throw new MonitorError('conflict', "'pretty' is not compatible with HMP monitors; add mode=control, or leave out 'pretty'");
    }
    this.#useChardev(option, chardev, pretty ? 'control-pretty' : mode);
  }

  #addObject(option: string, text: string): void {
    const parsed = this.#parse(option, text, 'qom-type');
    const { 'qom-type': type } = parsed.properties;
    if (type === 'monitor-hmp') {
      const { id, chardev } = readProperties(monitorObjectProperties[type], parsed);
      this.#take(id);
      this.#useChardev(option, chardev, 'readline');
    } else {
      const { id, chardev, pretty } = readProperties(monitorObjectProperties['monitor-qmp'], parsed);
      this.#take(id);
      this.#useChardev(option, chardev, pretty ? 'control-pretty' : 'control');
    }
  }

  #take(id: string): void {
    if (this.#ids.has(id)) throw new MonitorError('duplicate-id', `there is a monitor '${id}' already; give this one another id`);
    this.#ids.add(id);
  }

  #useChardev(option: string, id: string, mode: MonitorMode): void {
    const found = this.#chardevs.get(id);
    if (found === undefined) {
      const known = [...this.#chardevs.keys()];
      const right = known.length === 0 ? `add -chardev socket,id=${id === '' ? 'ID' : id},path=PATH,server=on,wait=off` : `there is ${known.join(', ')}`;
      throw new MonitorError('chardev-missing', `chardev "${id}" not found; ${right}`);
    }
    if (found.used) throw new MonitorError('chardev-busy', `chardev '${id}' is already in use by another monitor; give this one a chardev of its own`);
    found.used = true;
    this.#add({ option, label: id, mode, chardev: found.chardev });
  }

  #add(monitor: PlannedMonitor): void {
    const { chardev, option } = monitor;
    const stdio = this.#monitors.find(onTerminal);
    if (onTerminal(monitor) && stdio !== undefined) {
      throw new MonitorError('stdio-twice', `cannot use stdio by multiple character devices: ${stdio.option} has it; use unix:PATH,server=on,wait=off`);
    }
    const exposure = exposureOf(chardev);
    if (exposure !== undefined) this.#warnings.push(`${option}: ${exposure}`);
    this.#monitors.push(monitor);
  }
}
