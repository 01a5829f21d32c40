import { DeviceEvent } from './machine-types.ts';
import { bool, enumeration, int, str, struct, uint64 } from './qapi-type.ts';

/** What `power-cut` is given. */
export const PowerCutArguments = struct('PowerCutArguments', 'Which device loses its power, when, and what is left.', {
  id: str.describe('its id or QOM path; its backend has to have `power-failure=on`'),
  survivors: enumeration('PowerCutSurvivors', 'Which of the bytes that are not durable survive.', ['none', 'all', 'random']).exactOptional().describe('default: none'),
  granularity: enumeration('PowerCutGranularity', 'What survives or does not as one: 4096, 512, 64 or 8 bytes.', ['page', 'sector', 'line', 'word'])
    .exactOptional()
    .describe('of `random`; default: page'),
  seed: int.exactOptional().describe('decides for `random`, and for how far a flush had come: 0 to 4294967295; default: any'),
  image: str.exactOptional().describe('leave the guest its power, and make this file of what would be left; there must be none of that name'),
  'at-flush': int.exactOptional().describe('not now, but at this flush, counted from now: 1 is the next. Flushes that share a sync count as one'),
  phase: enumeration('PowerCutPhase', 'Where in a flush: when nothing, a part, or all of it is durable; it is never answered.', ['before', 'during', 'after-durable'])
    .exactOptional()
    .describe('with `at-flush`; default: before'),
});

const losses = {
  'lost-bytes': uint64.describe('that were not durable'),
  'survived-bytes': uint64.describe('that were not durable'),
};

const PowerCutReport = struct('PowerCutReport', 'What a power cut did.', {
  ...losses,
  seed: int.describe('to do the same again'),
  image: str.exactOptional().describe('the file that was made, if the guest kept its power'),
});

export const PowerCutAnswer = struct('PowerCutAnswer', 'What came of `power-cut`.', {
  cut: PowerCutReport.exactOptional().describe('absent if it is still to come; PMEM_POWER_CUT tells then'),
});

export const PowerCutEvent = struct('PmemPowerCut', 'Which device, and what was lost.', {
  ...DeviceEvent.shape,
  flush: int.exactOptional().describe('the flush it came at, counted from the first that the device had; absent if it came on its own'),
  ...losses,
  seed: int.exactOptional(),
  image: str.exactOptional().describe('the file that was made, if the guest kept its power'),
  error: str.exactOptional().describe('why a planned cut could not be carried out'),
});

/** What `flush-fault` is given. */
export const FlushFaultArguments = struct('FlushFaultArguments', 'Which device, and what its flushes suffer.', {
  id: str.describe('its id or QOM path'),
  fault: enumeration('FlushFault', 'EIO, late, never answered; or nothing, which also lets a flush go on that is held back.', ['error', 'delay', 'hang', 'none']),
  'at-flush': int.exactOptional().describe('counted from now: 1, the default, is the next. Flushes that share a sync count as one'),
  lasting: bool.exactOptional().describe('whether all after it suffer too; default: false'),
  ms: int.exactOptional().describe('of `delay`: milliseconds'),
});

export const PmemPowerFailure = struct('PmemPowerFailure', 'What a power cut would cost now, as far as is known.', {
  'volatile-bytes': uint64.exactOptional().describe('bytes that are not durable; absent while a flush is being carried out'),
  'volatile-parts': int.array().exactOptional().describe('in which of 256 equal parts of the range they are: numbers from 0 on, ascending; absent if in none'),
  'oldest-ms': int.exactOptional().describe('no byte has been in danger for longer, in milliseconds; absent if none is'),
  cuts: int.describe('power cuts there were'),
  'memory-path': str.describe('what another process opens to share the memory'),
  tracker: enumeration('PmemTracker', "How it is found out which pages a guest has written: by a userfaultfd in the client's process, or by comparing memory with the file.", ['uffd', 'compare']),
  'tracker-reason': str.exactOptional().describe('why it compares, where it could be expected not to'),
});

/** What `flush-limit` is given. */
export const FlushLimitArguments = struct('FlushLimitArguments', 'Which device, and how often its guest can make the host sync.', {
  id: str.describe('its id or QOM path'),
  ops: int.describe('syncs a second; 0: any number'),
  burst: int.exactOptional().describe('how many at once after a pause; default: as many as in a second'),
});

const FlushLimit = struct('FlushLimit', 'How often a guest can make the host sync.', {
  ops: int.describe('syncs a second'),
  burst: int.describe('how many at once after a pause'),
  'held-back': int.describe('syncs that had to wait, so far'),
  'notifications-held-back': int.exactOptional().describe('notifications for nothing that a VM had to wait after, so far; absent where the guest is our own'),
});

export const PmemFaults = struct('PmemFaults', 'Flushes that a fault was planned for, and what limits them.', {
  failed: int,
  delayed: int,
  hung: int.describe('not answered until that was taken back'),
  limit: FlushLimit.exactOptional().describe('absent if there is none'),
});
