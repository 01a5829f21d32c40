import { defineProperties, parseOption, property, readProperties } from '@vpmem/options';
import { changeRecording } from '../recording-change.ts';
import { text, word } from './argument.ts';
import { defineCommand } from './hmp-command.ts';
import { completeDevice, completeProperties } from './option-completion.ts';
import { showRecording } from './show-recording.ts';

const recordProperties = defineProperties({
  action: property.oneOf(['begin', 'end'], { required: true }),
  file: property.string(),
  interval: property.int(),
});

const pmemRecord = defineCommand({
  names: ['pmem_record'],
  params: 'device [action=]begin,file=FILE[,interval=MS]|end',
  help: 'begin or end to record what the guest of a pmem device makes durable',
  manual:
    'With `begin`, writes into `file`, which must not exist yet, what is durable now, and from then on what each flush makes durable. The backend of the device has to have `power-failure=on`. ' +
    'Flushes go on if the file cannot be written any more; `info pmem` then says why the recording is incomplete.\n\n' +
    'What is not durable is recorded too: at each mark, and with `interval=MS` every `MS` milliseconds. ' +
    '`end` closes the file, and prints what is in it: flushes that were answered with success, marks, bytes.',
  example: ['pmem_record nv1 begin,file=nv1.rec', 'pmem_record nv1 begin,file=nv1.rec,interval=50', 'pmem_record nv1 end'],
  ours: true,
  arguments: { device: word(completeDevice), options: word(completeProperties(recordProperties)) },
  run: async ({ machine, print }, { device, options }) => {
    const change = readProperties(recordProperties, parseOption(options, { grammar: 'keyval', impliedKey: 'action' }));
    const recording = await changeRecording(machine.recordings, device, change);
    if (recording !== undefined) print(`${device}: ${showRecording(recording)}`);
  },
});

const mark = defineCommand({
  names: ['mark'],
  params: 'text',
  help: 'put a mark into all recordings',
  manual:
    'Writes `text`, the rest of the line, into all recordings that are going on: what was flushed before is before it. In double quotes it may begin and end with blanks. ' +
    'It is recorded when the command has ended. QMP can mark the recording of one device alone, with `pmem-mark`.',
  example: ['mark record 17 is acknowledged', 'mark "the client\\nhas seen it"'],
  ours: true,
  arguments: { text: text() },
  run: async ({ machine, print }, { text }) => {
    const recordings = await machine.recordings.mark(text);
    print(`marked in ${recordings} recording${recordings === 1 ? '' : 's'}`);
  },
});

/** Commands about recordings of what a guest makes durable. */
export const recordingCommands = [pmemRecord, mark];
