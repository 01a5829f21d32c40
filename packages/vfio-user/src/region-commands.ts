import type { ValuesOf } from '@vpmem/layout';
import { errnoOf } from '@vpmem/native';
import type { PciFunction } from '@vpmem/pci';
import { coverMsix, isCopy } from './covered-msix.ts';
import { MAX_DATA_XFER_SIZE, NUM_REGIONS, REGION_CONFIG, RegionAccess } from './protocol.ts';
import { readRegion, regionSize, writeRegion } from './region-access.ts';
import { invalid, type Answer } from './request.ts';

type Access = ValuesOf<(typeof RegionAccess)['members']>;

/** vfio-user 0.2, VFIO_USER_REGION_READ and _WRITE, of any region and length. */
export class RegionCommands {
  readonly #pci: PciFunction;
  readonly #keepsMsix: boolean;
  readonly #remark: (text: string) => void;

  /** With `keepsMsix`, MSI-X is no client's business; `remark` hears what whoever looks for trouble would want to read. */
  constructor(pci: PciFunction, keepsMsix: boolean, remark: (text: string) => void) {
    this.#pci = pci;
    this.#keepsMsix = keepsMsix;
    this.#remark = remark;
  }

  read(access: Access): Answer {
    if (!this.#reaches(access)) return invalid();
    const answer = new Uint8Array(RegionAccess.size + access.count);
    RegionAccess.write(new DataView(answer.buffer), 0, access);
    const data = answer.subarray(RegionAccess.size);
    const read = (): void => readRegion(this.#pci, access.region, access.offset, data);
    if (access.region === REGION_CONFIG) this.#neverRefused(read, () => data.fill(0xff));
    else read();
    if (this.#keepsMsix && isCopy(access)) coverMsix(this.#pci, access.offset, data);
    return { body: answer };
  }

  write(access: Access, data: Uint8Array): Answer {
    if (!this.#reaches(access)) return invalid();
    if (data.length !== access.count) return invalid(`${data.length} bytes to write where count says ${access.count}`);
    const write = (): void => writeRegion(this.#pci, access.region, access.offset, data);
    if (access.region === REGION_CONFIG) this.#neverRefused(write, () => undefined);
    else write();
    return { body: RegionAccess.encode(access) };
  }

  /** Through configuration space a driver can reach memory whose file fails: then it reads all ones, as on a bus, and a remark says why. */
  #neverRefused(access: () => void, fail: () => void): void {
    try {
      access();
    } catch (error) {
      if (errnoOf(error) === undefined) throw error;
      fail();
      this.#remark(`a configuration access reads all ones, or does nothing: ${(error as Error).message}`);
    }
  }

  /** Configuration accesses are never refused, wherever they go: some clients wait for ever for the answer they expect. */
  #reaches({ region, offset, count }: Access): boolean {
    if (region >= NUM_REGIONS || count > MAX_DATA_XFER_SIZE) return false;
    return region === REGION_CONFIG || offset + count <= regionSize(this.#pci, region);
  }
}
