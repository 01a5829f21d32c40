import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, truncateSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LoopDevice, noLoopDevices } from './files/loop-device.ts';
import { fileSyncer, type Syncer } from './flushes/syncer.ts';
import { openWitness, witnessedSyncer } from './witnessed-syncer.ts';

const outcome = (syncer: Syncer): Promise<string> => new Promise((resolve) => syncer.start((error) => resolve(error?.code ?? 'ok')));

describe('witnessedSyncer', () => {
  /** One whose syncs end in order as they are told, with what has happened so far. */
  function scripted(): { own: Syncer; witness: Syncer; said: string[]; end: (error?: Error) => void } {
    const said: string[] = [];
    let done: (error: Error | undefined) => void = () => undefined;
    const one = (name: string): Syncer => ({ begun: name === 'own', start: (callback) => (said.push(name), (done = callback)) });
    return { own: one('own'), witness: one('witness'), said, end: (error) => done(error) };
  }

  it('asks the witness before the first sync of who is unsure, and then no more', () => {
    const { own, witness, said, end } = scripted();
    const syncer = witnessedSyncer(own, witness, true);
    let answers = 0;
    syncer.start(() => answers++);
    // What is asked for meanwhile is covered by the sync that follows.
    expect([said, syncer.begun, answers]).toEqual([['witness'], false, 0]);
    end();
    expect([said, syncer.begun, answers]).toEqual([['witness', 'own'], true, 0]);
    end();
    syncer.start(() => answers++);
    end();
    expect([said, answers]).toEqual([['witness', 'own', 'own'], 2]);
  });

  it('asks the other one as well once something has failed, after that was told', () => {
    for (const [unsure, order] of [[false, ['own', 'told', 'witness']], [true, ['witness', 'told', 'own']]] as const) {
      const { own, witness, said, end } = scripted();
      const syncer = witnessedSyncer(own, witness, unsure);
      syncer.start(() => said.push('told'));
      end(new Error('EIO'));
      end();
      expect(said).toEqual(order);
    }
  });
});

const reason = noLoopDevices();
describe.skipIf(reason !== undefined)(`a write that is lost${reason === undefined ? '' : ` (skipped: ${reason})`}`, () => {
  it('is told of to who comes after the one that was told, and once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vpmem-witness-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', folder]);
    const open: number[] = [];
    let loop: LoopDevice | undefined;
    try {
      const file = join(folder, 'disk');
      closeSync(openSync(file, 'w'));
      truncateSync(file, 8 * 2 ** 20);
      loop = new LoopDevice(file);
      const fd = openSync(loop.path, 'r+');
      const witness = openWitness(fd) ?? -1;
      open.push(fd, witness);
      const [own, other] = [fileSyncer(fd), fileSyncer(witness)];
      expect(await outcome(witnessedSyncer(own, other, true))).toBe('ok');
      writeSync(fd, Buffer.alloc(4 * 2 ** 20, 1), 0, 4 * 2 ** 20, 2 ** 20);
      // This process is told, and dies.
      expect(await outcome(own)).toBe('EIO');
      // To the next it would look as if nothing had been lost.
      expect(await outcome(own)).toBe('ok');
      expect(await outcome(witnessedSyncer(own, other, true))).toBe('EIO');
      expect(await outcome(witnessedSyncer(own, other, true))).toBe('ok');
    } finally {
      for (const fd of open) closeSync(fd);
      loop?.remove();
      execFileSync('umount', ['--lazy', folder]);
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
