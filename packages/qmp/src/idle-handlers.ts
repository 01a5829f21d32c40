import { QmpError } from './qmp-error.ts';
import type { QmpHandlers } from './qmp-handlers.ts';

/** The handlers of a machine that has nothing: lists are empty, whatever is asked for is not there, and orders do nothing. */
export function idleHandlers(own: Partial<QmpHandlers> = {}): QmpHandlers {
  const missing = (id: string): never => {
    throw new QmpError('DeviceNotFound', `Device '${id}' not found`);
  };
  return {
    'query-status': () => ({ running: false, status: 'prelaunch' }),
    'query-name': () => ({}),
    quit: () => ({}),
    stop: () => ({}),
    cont: () => ({}),
    system_reset: () => ({}),
    'object-add': () => ({}),
    'object-del': ({ id }) => {
      throw new QmpError('GenericError', `object '${id}' not found`);
    },
    device_add: () => ({}),
    device_del: ({ id }) => missing(id),
    'query-memory-devices': () => [],
    'query-memdev': () => [],
    'query-memory-size-summary': () => ({ 'base-memory': 0 }),
    'query-pci': () => [],
    'qom-list': ({ path }) => missing(path),
    'qom-get': ({ path }) => missing(path),
    'qom-list-types': () => [],
    'device-list-properties': ({ typename }) => missing(typename),
    'human-monitor-command': () => '',
    'query-pmem': () => [],
    'power-cut': ({ id }) => missing(id),
    'flush-fault': ({ id }) => missing(id),
    'flush-limit': ({ id }) => missing(id),
    'pmem-record': ({ id }) => missing(id),
    'pmem-mark': ({ id }) => {
      if (id !== undefined) missing(id);
      throw new QmpError('GenericError', 'nothing is being recorded');
    },
    ...own,
  };
}
