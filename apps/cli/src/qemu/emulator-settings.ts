import { readFileSync } from 'node:fs';

/** What the configuration file of the emulator says. */
export interface EmulatorSettings {
  /** As of `--root-ports`. */
  readonly rootPorts: string | undefined;
  /** As of `--unplug`. */
  readonly unplug: string | undefined;
}

/** The file has a line that means nothing here. */
export class EmulatorSettingsError extends Error {
  override readonly name = 'EmulatorSettingsError';
}

/** What a line may set; `qemu` is for the launcher, which has read it. */
const KEYS = ['qemu', 'root-ports', 'unplug'];

/** Reads `KEY = VALUE` lines; a file that is not there says nothing. @throws EmulatorSettingsError naming file and line */
export function readEmulatorSettings(file: string): EmulatorSettings {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { rootPorts: undefined, unplug: undefined };
    throw new EmulatorSettingsError(`${file}: cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const values = new Map<string, string>();
  for (const [i, line] of text.split('\n').entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [, key = '', value = ''] = /^\s*([\w-]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (!KEYS.includes(key)) throw new EmulatorSettingsError(`${file}:${i + 1}: '${line.trim()}' means nothing here; write KEY = VALUE, the keys are ${KEYS.join(', ')}`);
    values.set(key, value);
  }
  return { rootPorts: values.get('root-ports'), unplug: values.get('unplug') };
}
