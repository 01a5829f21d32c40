import { defineProperties, parseOption, property, readProperties, type PropertySchema } from '@vpmem/options';
import { optionalWord, word } from './argument.ts';
import { defineCommand } from './hmp-command.ts';
import { completeDevice, completeProperties } from './option-completion.ts';

const powerCutProperties = defineProperties({
  survivors: property.oneOf(['none', 'all', 'random']),
  granularity: property.oneOf(['page', 'sector', 'line', 'word']),
  seed: property.int({ min: 0, max: 2 ** 32 - 1 }),
  image: property.string(),
  'at-flush': property.int({ min: 1 }),
  phase: property.oneOf(['before', 'during', 'after-durable']),
});

const flushFaultProperties = defineProperties({
  fault: property.oneOf(['error', 'delay', 'hang', 'none'], { required: true }),
  'at-flush': property.int({ min: 1 }),
  lasting: property.bool(),
  ms: property.int({ min: 0 }),
});

const flushLimitProperties = defineProperties({
  ops: property.int({ min: 0, max: 1_000_000, required: true }),
  burst: property.int({ min: 1, max: 1_000_000 }),
});

function parse<S extends PropertySchema>(schema: S, text: string, impliedKey?: string): ReturnType<typeof readProperties<S>> {
  return readProperties(schema, parseOption(text, { grammar: 'keyval', ...(impliedKey !== undefined && { impliedKey }) }));
}

const powerCut = defineCommand({
  names: ['power_cut'],
  params: 'device [prop=value][,...]',
  help: "cut a pmem device's power: what was not flushed is gone",
  manual:
    'Takes the power from a virtio-pmem device whose backend has `power-failure=on`. What was not flushed is gone; with `survivors=all` nothing is, with ' +
    '`survivors=random` each `granularity=page|sector|line|word` has a chance of one half, and the same `seed` decides the same. ' +
    'A VM that has the device is disconnected, and the next one that connects finds what is left; the guest of `vpmem run` is switched off until `cont`.\n\n' +
    'With `at-flush=N` it happens at the Nth flush from now, `phase=before|during|after-durable`: when nothing, a part, or all of it is durable; that flush is never answered. ' +
    '`image=PATH` leaves the guest its power, and makes a file of what would be left.',
  example: ['power_cut nv1', 'power_cut nv1 survivors=random,granularity=line,seed=7', 'power_cut nv1 at-flush=3,phase=after-durable', 'power_cut nv1 image=left.img'],
  ours: true,
  arguments: { device: word(completeDevice), options: optionalWord(completeProperties(powerCutProperties)) },
  run: async ({ machine, print }, { device, options = '' }) => {
    const { 'at-flush': atFlush, ...request } = parse(powerCutProperties, options);
    const report = await machine.failures.powerCut(device, { ...request, atFlush });
    if (report === undefined) print(`${device}: the power will be cut at flush ${atFlush} from now, ${request.phase ?? 'before'}`);
    else print(`${device}: ${report.lostBytes} bytes lost, ${report.survivedBytes} survived of those that were not durable (seed ${report.seed})`);
  },
});

const flushFault = defineCommand({
  names: ['flush_fault'],
  params: 'device [fault=]error|delay|hang|none[,at-flush=N][,lasting=on][,ms=N]',
  help: 'let flushes of a pmem device fail, be late or never be answered',
  manual:
    'The next flush of a virtio-pmem device, or the Nth from now with `at-flush=N`, fails with EIO (`error`), begins `ms` milliseconds late (`delay`), or is not answered (`hang`); ' +
    'with `lasting=on` all after it too. `none` takes back what was to come, and lets a flush go on that is held back.\n\n' +
    'After an error once, later flushes succeed. After a lasting one every flush fails until the device is plugged in anew, as after a real one.',
  example: ['flush_fault nv1 error,at-flush=3', 'flush_fault nv1 delay,ms=200,lasting=on', 'flush_fault nv1 none'],
  ours: true,
  arguments: { device: word(completeDevice), options: word(completeProperties(flushFaultProperties)) },
  run: async ({ machine }, { device, options }) => {
    const { 'at-flush': atFlush, ms: milliseconds, ...request } = parse(flushFaultProperties, options, 'fault');
    await machine.failures.flushFault(device, { ...request, atFlush, milliseconds });
  },
});

const flushLimit = defineCommand({
  names: ['flush_limit'],
  params: 'device [ops=]N[,burst=N]',
  help: 'limit how often a guest can make the host sync',
  manual:
    'At most `ops` syncs a second for a virtio-pmem device, and `burst` at once after a pause (as many as in a second, if not given). Flushes that have to wait share the ' +
    'next sync, so the guest is slowed down and none of them fails. As many notifications as that may bring no flush at all; after one more its VM has to wait. ' +
    '`ops=0`, as at the start, is no limit; `info pmem` tells how many had to wait.',
  example: ['flush_limit nv1 100', 'flush_limit nv1 100,burst=10', 'flush_limit nv1 0'],
  ours: true,
  arguments: { device: word(completeDevice), options: word(completeProperties(flushLimitProperties)) },
  run: async ({ machine }, { device, options }) => {
    await machine.failures.flushLimit(device, parse(flushLimitProperties, options, 'ops'));
  },
});

/** Commands that let things go wrong, or slowly. */
export const failureCommands = [powerCut, flushFault, flushLimit];
