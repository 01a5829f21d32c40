import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';

/** Why no test can have a loop device here; undefined if one can. Where `CI` is `true`, only a kernel without them is a reason. */
export function noLoopDevices(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  if (!existsSync('/dev/loop-control')) return 'this kernel has no loop devices';
  if (process.getuid?.() === 0) return undefined;
  if (environment.CI === 'true') throw new Error('tests of block devices want root');
  return 'a loop device takes root';
}

/** A block device that is a file, for tests. */
export class LoopDevice {
  /** Its node. */
  readonly path: string;
  /** The file behind it. */
  readonly file: string;

  /** Makes one of `file`; throws if that takes no loop device. */
  constructor(file: string, { readOnly = false }: { readonly readOnly?: boolean } = {}) {
    this.file = file;
    this.path = execFileSync('losetup', ['--find', '--show', ...(readOnly ? ['--read-only'] : []), file], { encoding: 'utf8' }).trim();
  }

  /** Takes on the size that the file has now. */
  resize(): void {
    execFileSync('losetup', ['--set-capacity', this.path]);
  }

  /** It goes when its last user has. */
  remove(): void {
    execFileSync('losetup', ['--detach', this.path]);
  }
}
