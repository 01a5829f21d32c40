import { checkVersionText } from './client-capabilities.ts';
import { Errno, MAX_DATA_XFER_SIZE, MAX_DMA_MAPS, MAX_MSG_FDS, PGSIZES, Version } from './protocol.ts';

const MAJOR = 0;
const MINOR = 2;

/**
 * Exactly the four keys QEMU accepts. It refuses a reply longer than its own request, warns about any other key, and has a
 * bug behind `write_multiple`.
 */
const CAPABILITIES = JSON.stringify({
  capabilities: { max_msg_fds: MAX_MSG_FDS, max_data_xfer_size: MAX_DATA_XFER_SIZE, max_dma_maps: MAX_DMA_MAPS, pgsizes: PGSIZES },
});

/** What a client said of itself, or why it cannot be served. */
export type Negotiation =
  | { readonly code: 'agreed'; readonly minor: number; readonly reply: Uint8Array }
  | { readonly code: 'refused'; readonly errno: number; readonly detail: string };

/** vfio-user 0.2, VFIO_USER_VERSION: answers the body of a client's request. */
export function negotiate(body: Uint8Array): Negotiation {
  if (body.length < Version.size) return refused(Errno.EINVAL, `a VERSION message of ${body.length} bytes`);
  const { major, minor } = Version.decode(new DataView(body.buffer, body.byteOffset, body.byteLength));
  if (major !== MAJOR) return refused(Errno.EPROTO, `protocol version ${major}.${minor}; this server speaks ${MAJOR}.0 to ${MAJOR}.${MINOR}`);
  const problem = checkJson(body.subarray(Version.size));
  if (problem !== undefined) return refused(Errno.EINVAL, problem);
  // QEMU refuses a minor version above its own, so the answer follows the client.
  const agreed = Math.min(minor, MINOR);
  const json = Buffer.from(`${CAPABILITIES}\0`);
  return { code: 'agreed', minor: agreed, reply: Buffer.concat([Version.encode({ major: MAJOR, minor: agreed }), json]) };
}

/** The JSON is optional; when there, it ends in NUL, and what it says is of the right types. Its numbers are limits we never come near. */
function checkJson(bytes: Uint8Array): string | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.at(-1) !== 0) return 'the JSON text of VERSION does not end in NUL';
  try {
    return checkVersionText(JSON.parse(Buffer.from(bytes.subarray(0, -1)).toString()));
  } catch {
    return 'the text of VERSION is no JSON';
  }
}

function refused(errno: number, detail: string): Negotiation {
  return { code: 'refused', errno, detail };
}
