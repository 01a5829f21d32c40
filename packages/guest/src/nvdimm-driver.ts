import { checkTable, FIT_CHANGED_NOTIFICATION } from '@vpmem/nvdimm';
import { AcpiNamespace, findAcpiTables, findNvdimms, rootDevices, type FoundNvdimm } from '@vpmem/nvdimm/driver';
import { acpiPlatform, readRam } from './acpi-platform.ts';
import type { GuestError } from './guest-error.ts';
import { GuestNvdimm, type NvdimmSystem } from './guest-nvdimm.ts';

/** The NVDIMMs of a system: found through ACPI tables when it starts, and again whenever those say that there are more. */
export class NvdimmDriver {
  readonly #system: NvdimmSystem;
  readonly #nvdimms: GuestNvdimm[] = [];
  #namespace: AcpiNamespace | undefined;
  #nfit: Uint8Array | undefined;
  /** What objects said while byte code ran. */
  #said: { readonly path: string; readonly value: number }[] = [];

  constructor(system: NvdimmSystem) {
    this.#system = system;
    this.#attempt('the guest cannot use the ACPI tables', () => {
      const { machine } = system;
      const tables = findAcpiTables((address, length) => readRam(machine, address, length));
      const of = (signature: string): Uint8Array[] => tables.filter((table) => checkTable(table, signature) === undefined);
      this.#nfit = of('NFIT')[0];
      this.#namespace = new AcpiNamespace(of('SSDT'), acpiPlatform(machine, (path, value) => this.#said.push({ path, value })));
    });
    this.#attempt('the guest cannot find NVDIMMs', () => this.#find());
  }

  /** In the order found; those found together by handle, as Linux does. */
  get nvdimms(): readonly GuestNvdimm[] {
    return this.#nvdimms;
  }

  /** ACPI 6.5 §5.6.4.1: a general-purpose event is answered by the method of its number. */
  event(event: number): void {
    const number = event.toString(16).toUpperCase().padStart(2, '0');
    const namespace = this.#namespace;
    const method = [`\\_GPE._E${number}`, `\\_GPE._L${number}`].find((path) => namespace?.has(path));
    if (namespace === undefined || method === undefined) return;
    this.#attempt('the guest cannot find new NVDIMMs', () => {
      namespace.evaluate(method);
      const roots = rootDevices(namespace);
      const changed = this.#said.splice(0).some(({ path, value }) => value === FIT_CHANGED_NOTIFICATION && roots.includes(path));
      if (changed) this.#find();
    });
  }

  /** The system is gone. */
  die(reason: GuestError): void {
    for (const nvdimm of this.#nvdimms.splice(0)) nvdimm.abandon(reason);
    this.#namespace = undefined;
  }

  #find(): void {
    if (this.#namespace === undefined) return;
    const found = findNvdimms(this.#namespace, this.#nfit);
    for (const each of found.sort((a, b) => a.handle - b.handle)) this.#add(each);
  }

  /** One that is known already is left alone. */
  #add(found: FoundNvdimm): void {
    if (this.#nvdimms.some(({ handle }) => handle === found.handle)) return;
    this.#nvdimms.push(new GuestNvdimm(this.#system, found, `nmem${this.#nvdimms.length}`));
  }

  /** Firmware that is wrong ends no system. */
  #attempt(what: string, work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#system.problem(`${what}: ${(error as Error).message}`);
    }
  }
}
