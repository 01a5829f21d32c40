import { DeviceEvent } from './machine-types.ts';
import { enumeration, int, str, struct, uint64 } from './qapi-type.ts';

/** What `pmem-mark` is given. */
export const MarkArguments = struct('PmemMarkArguments', 'What is to be found again, and in which recordings.', {
  text: str.describe('what a reader of the recording finds'),
  id: str.exactOptional().describe('id or QOM path of the device in whose recording alone it is to be; default: in all there are'),
});

export const MarkAnswer = struct('PmemMarkAnswer', 'What came of `pmem-mark`.', {
  recordings: int.describe('how many recordings have the mark'),
});

/** What `pmem-record` is given. */
export const RecordArguments = struct('PmemRecordArguments', 'Which device, and whether its recording begins or ends.', {
  id: str.describe('its id or QOM path; its backend has to have `power-failure=on`'),
  action: enumeration('PmemRecordAction', 'What becomes of a recording.', ['begin', 'end']),
  file: str.exactOptional().describe('of `begin`, which needs it: the file to record into; there must be none of that name'),
  interval: int.exactOptional().describe('of `begin`: how often what is not durable is recorded between flushes, in milliseconds: 1 to 86400000; default: only at marks'),
});

export const PmemRecording = struct('PmemRecording', 'What a recording holds so far.', {
  file: str,
  flushes: int.describe('that were answered with success'),
  marks: int,
  bytes: uint64.describe('of the file'),
  incomplete: str.exactOptional().describe('why nothing more gets into it; absent if it goes on'),
});

export const RecordAnswer = struct('PmemRecordAnswer', 'What came of `pmem-record`.', {
  recording: PmemRecording.exactOptional().describe('of `end`: what is in the file'),
});

export const RecordingTrouble = struct('PmemRecordingTrouble', 'Which recording, and why.', {
  ...DeviceEvent.shape,
  file: str,
  reason: str.describe('one sentence'),
});
