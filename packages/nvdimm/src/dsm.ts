import { concatBytes, dwordBytes, viewOf } from './bytes.ts';
import {
  DEVICE_FUNCTION,
  DSM_PAGE_SIZE,
  DSM_REVISION,
  DsmAnswer,
  DsmCall,
  INTERNAL_FUNCTION,
  INTERNAL_HANDLE,
  LabelRange,
  LabelSize,
  MAX_LABEL_TRANSFER,
  ReadFit,
  ROOT_HANDLE,
  STATUS,
} from './dsm-layout.ts';
import type { LabelArea } from './labels/label-area.ts';

/** What _DSM has to know of an NVDIMM. */
export interface DsmDevice {
  /** Absent: it has no labels. */
  readonly labels: LabelArea | undefined;
}

/** What the functions are about. */
export interface DsmSubject {
  /** The device with this handle, if one is plugged. */
  device(handle: number): DsmDevice | undefined;
  /** What `_FIT` answers now. */
  fit(): Uint8Array;
  /** Told of storage that fails; the guest gets a status. */
  labelFailed(handle: number, error: unknown): void;
}

const status = (code: number, ...rest: readonly Uint8Array[]): Uint8Array => concatBytes(dwordBytes(code), ...rest);
const NOT_SUPPORTED = status(STATUS.notSupported);
const INVALID = status(STATUS.invalid);

/** The device's side of the page: answers whatever a guest writes there, and never more than was asked of. */
export class DsmResponder {
  readonly #subject: DsmSubject;
  #fitChanged = false;

  constructor(subject: DsmSubject) {
    this.#subject = subject;
  }

  /** The FIT is another one now: who has read a part of it has to begin again. */
  fitChanged(): void {
    this.#fitChanged = true;
  }

  /** Answers the call in a page, in its place; bytes beyond the answer stay. What the guest does to the page meanwhile has no effect. */
  answer(page: Uint8Array): void {
    if (page.length !== DSM_PAGE_SIZE) throw new RangeError(`the page has ${page.length} bytes; it has to be all ${DSM_PAGE_SIZE}`);
    const copy = page.slice();
    const payload = this.#call(new DataView(copy.buffer), copy.subarray(DsmCall.size));
    page.set(concatBytes(dwordBytes(LENGTH + payload.length), payload));
  }

  #call(view: DataView, args: Uint8Array): Uint8Array {
    const { handle, revision, function: fn } = DsmCall.decode(view);
    if (revision !== DSM_REVISION) return NOT_SUPPORTED;
    if (handle === ROOT_HANDLE) return fn === 0 ? functions() : NOT_SUPPORTED;
    if (handle === INTERNAL_HANDLE) return this.#internal(fn, args);
    return this.#device(handle, fn, args);
  }

  #internal(fn: number, args: Uint8Array): Uint8Array {
    if (fn === 0) return functions(0, INTERNAL_FUNCTION.readFit);
    return fn === INTERNAL_FUNCTION.readFit ? this.#readFit(args) : NOT_SUPPORTED;
  }

  #readFit(args: Uint8Array): Uint8Array {
    const { offset } = ReadFit.decode(viewOf(args));
    const fit = this.#subject.fit();
    if (offset > fit.length) return INVALID;
    if (offset === 0) this.#fitChanged = false;
    else if (this.#fitChanged) return status(STATUS.fitChanged);
    return status(STATUS.success, fit.subarray(offset, offset + DSM_PAGE_SIZE - DsmAnswer.size));
  }

  #device(handle: number, fn: number, args: Uint8Array): Uint8Array {
    const device = this.#subject.device(handle);
    const labels = device?.labels;
    if (fn === 0) return labels === undefined ? functions() : functions(0, ...Object.values(DEVICE_FUNCTION));
    if (device === undefined) return status(STATUS.noDevice);
    if (labels === undefined) return NOT_SUPPORTED;
    switch (fn) {
      case DEVICE_FUNCTION.getLabelSize:
        return status(STATUS.success, LabelSize.encode({ size_of_namespace_label_area: labels.size, max_namespace_label_data_length: MAX_LABEL_TRANSFER }));
      case DEVICE_FUNCTION.getLabelData:
        return this.#withRange(handle, labels, args, (offset, length) => status(STATUS.success, labels.read(offset, length)));
      case DEVICE_FUNCTION.setLabelData:
        return this.#withRange(handle, labels, args, (offset, length) => {
          if (!labels.writable) return NOT_SUPPORTED;
          labels.write(offset, args.subarray(LabelRange.size, LabelRange.size + length));
          return status(STATUS.success);
        });
      default:
        return NOT_SUPPORTED;
    }
  }

  /** Does something to a range of the label area, if it is one; what the storage cannot do is a status too. */
  #withRange(handle: number, labels: LabelArea, args: Uint8Array, act: (offset: number, length: number) => Uint8Array): Uint8Array {
    const { offset, length } = LabelRange.decode(viewOf(args));
    if (offset + length > labels.size || length > MAX_LABEL_TRANSFER) return INVALID;
    try {
      return act(offset, length);
    } catch (error) {
      this.#subject.labelFailed(handle, error);
      return status(STATUS.vendorSpecific);
    }
  }
}

/** Bytes of the length before an answer. */
const LENGTH = DsmAnswer.fields.length.size;

/** The answer of every function 0: which functions there are. */
const functions = (...list: readonly number[]): Uint8Array => dwordBytes(list.reduce((mask, fn) => mask | (1 << fn), 0));
