/** Something the guest could not do: a line for whoever asked it to. */
export class GuestError extends Error {
  override readonly name: string = 'GuestError';
}

/** The device answered a flush with failure, or asked to be reset. */
export class FlushError extends GuestError {
  override readonly name = 'FlushError';
}

/** The device is not one this driver can use. */
export class ProbeError extends GuestError {
  override readonly name = 'ProbeError';
}
