/** How a device stands in a machine. */
export interface DeviceIdentity {
  /** The `id` given. */
  readonly id: string | undefined;
  /** QOM path. */
  readonly path: string;
  /** Whether it came while the machine ran. */
  readonly hotplugged: boolean;
}

/** Which device an event is about. */
export function deviceData({ id, path }: DeviceIdentity): { readonly device?: string; readonly path: string } {
  return { ...(id !== undefined && { device: id }), path };
}

/** What to call a device in an error: its id, or its path. */
export function deviceLabel({ id, path }: DeviceIdentity): string {
  return id ?? path;
}
