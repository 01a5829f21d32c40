import type { SavedMembers } from '@vpmem/memory-backend';
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

/** @throws TypeError where it is not what it has to be */
export function readMediumState(saved: SavedMembers): MediumState {
  const plan = saved.optional('plan', (name) => readPlan(saved.members(name)));
  const recording = saved.optional('recording', (name) => readRecording(saved.members(name)));
  const clients = saved.list('clients').map((client): MediumClient => {
    const descriptor = client.optional('descriptor', (name) => client.count(name));
    return { pid: client.count('pid'), connections: client.count('connections'), ...(descriptor !== undefined && { descriptor }) };
  });
  return { flushes: saved.count('flushes'), exposed: saved.number('exposed', 0), clients, ...(plan !== undefined && { plan }), ...(recording !== undefined && { recording }) };
}

function readRecording(saved: SavedMembers): SavedRecording {
  const interval = saved.optional('interval', (name) => saved.number(name, 1));
  const writer = saved.optional('writer', (name) => readWriter(saved.members(name)));
  const incomplete = saved.optional('incomplete', (name) => saved.text(name));
  return {
    path: saved.text('path'),
    given: saved.flag('given'),
    flushes: saved.count('flushes'),
    marks: saved.count('marks'),
    bytes: saved.count('bytes'),
    ...(interval !== undefined && { interval }),
    ...(writer !== undefined && { writer }),
    ...(incomplete !== undefined && { incomplete }),
  };
}

function readWriter(saved: SavedMembers): WriterState {
  const position = (of: SavedMembers): { offset: number; seq: number } => ({ offset: of.count('offset'), seq: of.count('seq') });
  const volatile = saved.optional('volatile', (name) => position(saved.members(name)));
  return {
    id: saved.text('id'),
    ...position(saved),
    index: saved.count('index'),
    section: position(saved.members('section')),
    time: saved.count('time'),
    begun: saved.count('begun'),
    lastFlush: saved.count('lastFlush'),
    ...(volatile !== undefined && { volatile }),
  };
}
