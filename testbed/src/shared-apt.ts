import { join } from 'node:path';
import { planSources } from './apt-configuration.ts';
import { withLock } from './cache-lock.ts';
import { PrivateApt } from './private-apt.ts';

/**
 * Works with the one apt of a cache, whose lists of packages have been read. To read them takes longer than to download what most want,
 * so they serve all who come within the hour, or until work fails.
 *
 * @param work what it downloads is gone afterwards
 * @throws TestbedError if the lists cannot be had
 */
export async function withSharedApt<T>(cache: string, environment: NodeJS.ProcessEnv, say: (line: string) => void, work: (apt: PrivateApt) => Promise<T>): Promise<T> {
  return await withLock(join(cache, 'apt.lock'), () => say('waiting for another process that downloads'), async () => {
    const apt = new PrivateApt(join(cache, 'apt'), say);
    try {
      await apt.update(await planSources(environment));
      return await work(apt);
    } catch (error) {
      apt.forgetLists();
      throw error;
    } finally {
      apt.clean();
    }
  });
}
