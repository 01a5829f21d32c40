import { SavedObject } from '@vpmem/layout';
import type { WriterState } from '@vpmem/recording';
import type { RecordingState } from './medium-status.ts';
import type { PowerCutPlan } from './power-cut.ts';
import { readPlan } from './saved-plan.ts';

/** A process that maps the memory, or did. */
export interface MediumClient {
  /** 0: it is not known which. */
  readonly pid: number;
  /** That it has now. */
  readonly connections: number;
  /** By which its page tables are asked, one of its own; absent: there is none. */
  readonly descriptor?: number;
}

/** A recording that there is. It goes on, it goes no further, or, with neither `writer` nor `incomplete`, whoever wrote it has died. */
export interface SavedRecording extends Omit<RecordingState, 'incomplete'> {
  /** Whether its file is that of the backend's description. */
  readonly given: boolean;
  /** Milliseconds between looks at what is volatile; absent: only at marks. */
  readonly interval?: number;
  readonly writer?: WriterState;
  /** Why nothing more gets into it. */
  readonly incomplete?: string;
}

/** A simulated medium as plain JSON, without what is in its memory and in its files. */
export interface MediumState {
  /** Flushes that were asked for. */
  readonly flushes: number;
  /** Milliseconds since everything was durable. */
  readonly exposed: number;
  /** A power cut to come. */
  readonly plan?: PowerCutPlan;
  readonly clients: readonly MediumClient[];
  readonly recording?: SavedRecording;
}

/** `id`: of the backend, for errors. @throws RangeError where it is not what it has to be */
export function readMediumState(state: unknown, id: string): MediumState {
  const saved = new SavedObject(state, `the saved medium of memory backend '${id}'`);
  const plan = saved.optional('plan', (name) => readPlan(saved.object(name)));
  const recording = saved.optional('recording', (name) => readRecording(saved.object(name)));
  const clients = saved.objects('clients').map((client): MediumClient => {
    const descriptor = client.optional('descriptor', (name) => client.number(name));
    return { pid: client.number('pid'), connections: client.number('connections'), ...(descriptor !== undefined && { descriptor }) };
  });
  return { flushes: saved.number('flushes'), exposed: saved.real('exposed', 0), clients, ...(plan !== undefined && { plan }), ...(recording !== undefined && { recording }) };
}

function readRecording(saved: SavedObject): SavedRecording {
  const interval = saved.optional('interval', (name) => saved.real(name, 1));
  const writer = saved.optional('writer', (name) => readWriter(saved.object(name)));
  const incomplete = saved.optional('incomplete', (name) => saved.text(name));
  return {
    path: saved.text('path'),
    given: saved.boolean('given'),
    flushes: saved.number('flushes'),
    marks: saved.number('marks'),
    bytes: saved.number('bytes'),
    ...(interval !== undefined && { interval }),
    ...(writer !== undefined && { writer }),
    ...(incomplete !== undefined && { incomplete }),
  };
}

function readWriter(saved: SavedObject): WriterState {
  const position = (of: SavedObject): { offset: number; seq: number } => ({ offset: of.number('offset'), seq: of.number('seq') });
  const volatile = saved.optional('volatile', (name) => position(saved.object(name)));
  return {
    id: saved.text('id'),
    ...position(saved),
    index: saved.number('index'),
    section: position(saved.object('section')),
    time: saved.number('time'),
    begun: saved.number('begun'),
    lastFlush: saved.number('lastFlush'),
    ...(volatile !== undefined && { volatile }),
  };
}
