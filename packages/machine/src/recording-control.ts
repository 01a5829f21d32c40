/** What a recording of a device holds so far. */
export interface RecordingInfo {
  /** The file. */
  readonly file: string;
  /** Flushes in it that were answered with success. */
  readonly flushes: number;
  readonly marks: number;
  /** Bytes of the file. */
  readonly bytes: number;
  /** Why nothing more gets into it; undefined if it goes on. */
  readonly incomplete: string | undefined;
  /** Bytes of pages that wait to get into it, as they were and as they are, when that was looked at last; absent where nothing more gets into it. */
  readonly waiting?: number;
}

/** A recording as a monitor asks for it. */
export interface RecordRequest {
  /** A file that does not exist yet. */
  readonly file: string;
  /** How often what is not durable is recorded between flushes, in milliseconds. Default: only at marks. */
  readonly interval?: number | undefined;
}

/** The recordings of a machine: what its guest makes durable, flush by flush. A device is named by its id or QOM path. */
export interface RecordingControl {
  /** Begins to record a device whose backend has power-failure=on. @throws MachineError, with nothing left behind */
  begin(device: string, request: RecordRequest): Promise<void>;
  /** Ends its recording, and tells what is in it. @throws MachineError where there is none */
  end(device: string): Promise<RecordingInfo>;
  /**
   * Puts a mark into the recording of one device, or of all: what was flushed before is before it. Settles when it is recorded,
   * with how many recordings have it. @throws MachineError where nothing is being recorded, or the text is too long
   */
  mark(text: string, device?: string): Promise<number>;
}
