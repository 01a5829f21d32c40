/** One entry of an archive. Directories above it have to come before it. */
export type CpioEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly bytes: Uint8Array; readonly executable?: boolean }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | { readonly kind: 'character-device'; readonly path: string; readonly major: number; readonly minor: number };

const TRAILER = 'TRAILER!!!';

/** An archive in the format the kernel takes as initramfs: cpio "newc", everything owned by root, all times zero. */
export function makeCpio(entries: readonly CpioEntry[]): Buffer {
  const parts = entries.flatMap((entry, index) => record(index + 1, entry.path, mode(entry), content(entry), device(entry)));
  return Buffer.concat([...parts, ...record(0, TRAILER, 0, new Uint8Array(0), [0, 0])]);
}

function mode(entry: CpioEntry): number {
  switch (entry.kind) {
    case 'directory':
      return 0o040755;
    case 'file':
      return entry.executable === true ? 0o100755 : 0o100644;
    case 'link':
      return 0o120777;
    case 'character-device':
      return 0o020600;
  }
}

function content(entry: CpioEntry): Uint8Array {
  if (entry.kind === 'file') return entry.bytes;
  return entry.kind === 'link' ? Buffer.from(entry.target) : new Uint8Array(0);
}

function device(entry: CpioEntry): [major: number, minor: number] {
  return entry.kind === 'character-device' ? [entry.major, entry.minor] : [0, 0];
}

/** Header, name and content; each ends on a multiple of four. */
function record(inode: number, path: string, fileMode: number, bytes: Uint8Array, [major, minor]: [number, number]): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  const links = (fileMode & 0o170000) === 0o040000 ? 2 : 1;
  // ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
  const fields = [inode, fileMode, 0, 0, links, 0, bytes.length, 0, 0, major, minor, name.length, 0];
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).toUpperCase().padStart(8, '0')).join('')}`);
  return [header, name, padding(header.length + name.length), bytes, padding(bytes.length)];
}

const padding = (length: number): Uint8Array => new Uint8Array(-length & 3);
