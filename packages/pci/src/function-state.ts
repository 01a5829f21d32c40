/**
 * What a function is at one moment, to be continued by another process: plain JSON, without descriptors, and without what lies in
 * guest memory. Numbers are registers as a driver reads them; bytes are base64.
 */
export interface FunctionState extends EndpointState {
  /** The registers of what the function is, in that device's own words; whoever stores it need not know them. */
  readonly device?: object;
}

/** PCI 3.0 §6: the registers that every function has. */
export interface EndpointState {
  readonly command: number;
  readonly cacheLineSize: number;
  readonly latencyTimer: number;
  readonly interruptLine: number;
  /** The six base address registers, 32 bits each. */
  readonly bars: readonly number[];
  /** What follows id and next pointer of each capability, in list order, base64. Message Control of MSI-X is in it. */
  readonly capabilities: readonly string[];
  /** PCI 3.0 §6.8.2: the MSI-X table and the pending bits, base64. Absent where there are none. */
  readonly msix?: { readonly table: string; readonly pending: string };
  /** Whether the function asserts INTA, be it disabled or not. */
  readonly intx: boolean;
}
