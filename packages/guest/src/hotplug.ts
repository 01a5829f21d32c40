/** Where a function is, as firmware tables say it: in a slot of the root bus, or behind the port in one. */
export interface PciLocation {
  /** Slot of the port on the root bus; undefined for the root bus itself. */
  readonly port: number | undefined;
  readonly slot: number;
}

/** What an operating system hears of its slots. ACPI 6.5 §5.6.6, device check and eject request */
export interface HotplugGuest {
  inserted(location: PciLocation): void;
  ejectRequested(location: PciLocation): void;
}

/** What the platform hears from it. */
export interface HotplugPlatform {
  /** ACPI 6.5 §6.3.3: the function may be taken out. */
  ejected(location: PciLocation): void;
  /** ACPI 6.5 §6.3.5: it may not, with the reason. */
  refused(location: PciLocation, reason: string): void;
}

/** Hot plug as the platform and its guest settle it: the part that ACPI has on a PC. */
export class Hotplug implements HotplugGuest, HotplugPlatform {
  #guest: HotplugGuest | undefined;
  #platform: HotplugPlatform | undefined;

  connectGuest(guest: HotplugGuest): void {
    this.#guest = guest;
  }
  connectPlatform(platform: HotplugPlatform): void {
    this.#platform = platform;
  }

  inserted(location: PciLocation): void {
    this.#guest?.inserted(location);
  }
  ejectRequested(location: PciLocation): void {
    this.#guest?.ejectRequested(location);
  }
  ejected(location: PciLocation): void {
    this.#platform?.ejected(location);
  }
  refused(location: PciLocation, reason: string): void {
    this.#platform?.refused(location, reason);
  }
}

/** A key for maps: one for each location. */
export function locationKey({ port, slot }: PciLocation): string {
  return `${port ?? ''}/${slot}`;
}
