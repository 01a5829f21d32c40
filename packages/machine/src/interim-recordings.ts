// Interim, until the machines can record.
import { MachineError } from './machine-error.ts';
import type { RecordingControl } from './recording-control.ts';

const refuse = (): Promise<never> => Promise.reject(new MachineError('recording', undefined, 'nothing is being recorded'));
export const interimRecordings: RecordingControl = { begin: refuse, end: refuse, mark: refuse };
