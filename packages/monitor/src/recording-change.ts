import { MachineError, MAX_RECORD_INTERVAL, type RecordingControl, type RecordingInfo } from '@vpmem/machine';

/** The beginning or the end of a recording, as `pmem_record` and `pmem-record` are given it. */
export interface RecordingChange {
  readonly action: 'begin' | 'end';
  /** Of `begin`, which needs it. */
  readonly file?: string | undefined;
  /** Of `begin`, in milliseconds: 1 to 86,400,000. */
  readonly interval?: number | undefined;
}

/** Begins to record a device, or ends that; then it tells what is in the file. @throws MachineError */
export async function changeRecording(recordings: RecordingControl, device: string, { action, file, interval }: RecordingChange): Promise<RecordingInfo | undefined> {
  if (action === 'end') {
    if (file !== undefined) throw refused('file', 'file is for action=begin; action=end takes none, and ends the recording that the device has');
    if (interval !== undefined) throw refused('interval', 'interval is for action=begin, not for action=end');
    return await recordings.end(device);
  }
  if (file === undefined || file === '') throw refused('file', 'action=begin takes file: the name of a new file to record into');
  if (interval !== undefined && (interval < 1 || interval > MAX_RECORD_INTERVAL)) throw refused('interval', `interval=${interval} is not an integer from 1 to ${MAX_RECORD_INTERVAL}`);
  await recordings.begin(device, { file, interval });
  return undefined;
}

function refused(property: string, message: string): MachineError {
  return new MachineError('bad-value', property, message);
}
