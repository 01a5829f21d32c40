import { defineProperties, property, type ValuesOf } from '@vpmem/options';

/** How much a message matters, in rising order. */
export const LEVELS = ['debug', 'info', 'warning', 'error'] as const;
export type Level = (typeof LEVELS)[number];

/** Properties of `-msg`; `timestamp` and `guest-name` are QEMU's. */
export const messageProperties = defineProperties({
  timestamp: property.bool({ default: false, description: 'begin each line with the time' }),
  'guest-name': property.bool({ default: false, description: 'begin each line with the name of -name' }),
  level: property.oneOf(LEVELS, { default: 'info', description: 'leave out what matters less' }),
  format: property.oneOf(['text', 'json'], { default: 'text', description: 'lines for people, or a JSON object each' }),
});

/** What `-msg` says. */
export type MessageSettings = ValuesOf<typeof messageProperties>;
