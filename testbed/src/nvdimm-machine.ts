import type { GuestOptions } from './start-guest.ts';

const MIB_ROOM = 8192;

/**
 * What a guest that gets NVDIMMs is made of, unless it is about something else: whoever wants just this goes on from the same saved one. There
 * is room for 8 NVDIMMs, of up to 8 GiB with all that lies between them. Its tools are those of XFS and ndctl, and it knows virtio-blk.
 *
 * @param needs MiB of RAM, if 512 are too few (`memory`), and MiB for memory devices, if 8192 are too few (`room`)
 */
export function nvdimmMachine(needs: { readonly memory?: number; readonly room?: number } = {}): Pick<GuestOptions, 'machine' | 'memory' | 'tools' | 'modules'> {
  const { memory = 512, room = MIB_ROOM } = needs;
  const ram = Math.max(memory, 512);
  return { machine: 'pc,nvdimm=on', memory: `${ram}M,slots=8,maxmem=${ram + Math.max(room, MIB_ROOM)}M`, tools: ['xfs', 'ndctl'], modules: ['virtio_blk'] };
}
