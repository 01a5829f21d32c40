import type { Members, Struct, ValuesOf } from '@vpmem/layout';
import { Errno, FLAG_ERROR, FLAG_TYPE_REPLY, Header } from './protocol.ts';

/** Why a command is not carried out. */
export interface Refusal {
  readonly errno: number;
  /** For whoever looks for trouble. */
  readonly detail?: string;
}

/** What a command is answered with: an errno, or nothing more than that it was done. */
export type Answer = Refusal | { readonly body?: Uint8Array; readonly fds?: readonly number[] };

/** Carries out a command. Descriptors that it takes for itself it takes out of `fds`. */
export type Handler = (body: Uint8Array, fds: number[]) => Answer;

/** A command that makes no sense. */
export function invalid(detail?: string): Refusal {
  return { errno: Errno.EINVAL, ...(detail !== undefined && { detail }) };
}

/**
 * A handler of requests that begin with `layout`; `data` is what follows it. What all of them have in common is looked at
 * here: the structure is whole, and where it begins with `argsz`, which is the "maximum size of the reply payload", that has
 * room for the structure at least, as struct vfio_device_info and the others have it in the kernel. More room, and a
 * longer structure of some later version, are welcome.
 */
export function request<M extends Members>(layout: Struct<M>, carryOut: (values: ValuesOf<M>, data: Uint8Array, fds: number[]) => Answer): Handler {
  return (body, fds) => {
    if (body.length < layout.size) return invalid(`a body of ${body.length} bytes; ${layout.name} has ${layout.size}`);
    const values = layout.decode(new DataView(body.buffer, body.byteOffset, body.byteLength));
    const { argsz } = values as { readonly argsz?: number };
    if (argsz !== undefined && argsz < layout.size) return invalid(`argsz ${argsz}; ${layout.name} has ${layout.size} bytes`);
    return carryOut(values, body.subarray(layout.size), fds);
  };
}

/** The whole message that says so; descriptors go beside it. */
export function encodeReply({ id, command }: { readonly id: number; readonly command: number }, answer: Answer): Uint8Array {
  const failed = 'errno' in answer;
  const body = failed ? undefined : answer.body;
  const message = new Uint8Array(Header.size + (body?.length ?? 0));
  Header.write(new DataView(message.buffer), 0, {
    msg_id: id,
    cmd: command,
    msg_size: message.length,
    flags: failed ? FLAG_TYPE_REPLY | FLAG_ERROR : FLAG_TYPE_REPLY,
    error_no: failed ? answer.errno : 0,
  });
  if (body !== undefined) message.set(body, Header.size);
  return message;
}
