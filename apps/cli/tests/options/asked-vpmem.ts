import { embeddedDeviceProperties, EmbeddedMachine } from '@vpmem/embedded-machine';
import { BackendStore, deviceProperties, MachineError, objectProperties } from '@vpmem/machine';
import { BackendError } from '@vpmem/memory-backend';
import { OptionError, parseOption, type OptionSyntax, type ParsedOption, type PropertySchema } from '@vpmem/options';
import { Machine } from '@vpmem/served-machine';
import type { Verdict } from './option-case.ts';

/** How command lines read `-object`. */
export const OBJECT: OptionSyntax = { grammar: 'qemuopts', impliedKey: 'qom-type', help: true };
/** How monitors read `object_add`. */
export const OBJECT_ADD: OptionSyntax = { grammar: 'keyval', impliedKey: 'qom-type', help: true, bareFlags: true };
/** How both read a device. */
const DEVICE: OptionSyntax = { grammar: 'qemuopts', impliedKey: 'driver', help: true };

/** What becomes of the last of some objects; those before it have to be right. Files are in the current folder. */
export async function askForObject(texts: readonly string[], syntax: OptionSyntax): Promise<Verdict> {
  const store = new BackendStore(() => undefined);
  try {
    return await attemptLast(texts, async (text) => {
      const parsed = parseOption(text, syntax);
      if (parsed.help) return answerHelp(parsed, objectProperties);
      await store.add(parsed);
      return 'accepts';
    });
  } finally {
    store.close();
  }
}

/** A machine with some objects that is asked for devices. Files and sockets are in the folder that is current. */
export class ServedMachine {
  readonly #machine = new Machine(
    {
      warning: () => undefined,
      failed: (error) => {
        throw error;
      },
    },
    { socketFolder: process.cwd() },
  );

  static async start(objects: readonly string[]): Promise<ServedMachine> {
    const served = new ServedMachine();
    for (const text of objects) await served.#machine.addObject(parseOption(text, OBJECT));
    return served;
  }

  /** What becomes of the last of some devices; none of them is left. */
  async ask(texts: readonly string[]): Promise<Verdict> {
    try {
      return await attemptLast(texts, async (text) => {
        const parsed = parseOption(text, DEVICE);
        if (parsed.help) return answerHelp(parsed, deviceProperties);
        await this.#machine.addDevice(parsed);
        return 'accepts';
      });
    } finally {
      for (const { id } of this.#machine.devices) await this.#machine.deleteDevice(id);
    }
  }

  close(): Promise<void> {
    return this.#machine.close();
  }
}

/** The same for a machine with an embedded guest, as `vpmem run` makes it with such a `-machine` and `-m`. */
export async function askEmbedded(type: string, memory: string, objects: readonly string[], texts: readonly string[]): Promise<Verdict> {
  const machine = EmbeddedMachine.create({ machine: [type], memory, warn: () => undefined });
  try {
    for (const text of objects) await machine.addObject(parseOption(text, OBJECT));
    return await attemptLast(texts, async (text) => {
      const parsed = parseOption(text, DEVICE);
      if (parsed.help) return answerHelp(parsed, embeddedDeviceProperties);
      await machine.addDevice(parsed);
      return 'accepts';
    });
  } finally {
    await machine.abandon();
  }
}

/** What `vpmem run` makes of `-machine` and `-m`, all of them with their texts. */
export function askForMemory(options: readonly (readonly [option: string, text: string])[]): Promise<Verdict> {
  const texts = (name: string): string[] => options.flatMap(([option, text]) => (option === name ? [text] : []));
  return verdictOf(async () => {
    await EmbeddedMachine.create({ machine: texts('-machine'), memory: texts('-m'), warn: () => undefined }).abandon();
    return 'accepts';
  });
}

/** Attempts all, of which only the last may fail. */
async function attemptLast(texts: readonly string[], attempt: (text: string) => Promise<Verdict>): Promise<Verdict> {
  for (const text of texts.slice(0, -1)) await attempt(text);
  return await verdictOf(() => attempt(texts.at(-1) ?? ''));
}

/** As our programs answer `TYPE,help`: an error if there is no such type. */
function answerHelp({ properties }: ParsedOption, schemas: Readonly<Record<string, PropertySchema>>): Verdict {
  const type = properties['qom-type'] ?? properties.driver;
  return type === undefined || (typeof type === 'string' && Object.hasOwn(schemas, type)) ? 'help' : { refused: 'unknown-type' };
}

/** What an attempt gives, or the code of the error that is the user's. @throws any other */
async function verdictOf(attempt: () => Promise<Verdict>): Promise<Verdict> {
  try {
    return await attempt();
  } catch (error) {
    if (error instanceof OptionError || error instanceof MachineError || error instanceof BackendError) return { refused: error.code };
    throw error;
  }
}
