/** A place in instrumented code. */
const POINTS = 2 ** 20;
/** Hit counts are told apart by their order of magnitude: 1, 2, 3, 4–7, 8–15, 16–31, 32–127, 128 and more. */
const MAGNITUDES = 8;

/** An input went on longer, or took more memory, than its target allows. */
export class LimitExceeded extends Error {
  override readonly name = 'LimitExceeded';
}

const counts = new Uint32Array(POINTS);
const touched = new Uint32Array(POINTS);
let touchedCount = 0;
let steps = 0;
let maxSteps = Number.POSITIVE_INFINITY;
let bytes = 0;
let maxBytes = Number.POSITIVE_INFINITY;
let counted = new WeakSet<object>();
let exceeded: LimitExceeded | undefined;
const literals = new Set<string | number>();
let pointsThereAre = 0;

/** Called by instrumented code wherever control may have come from more than one place. @throws LimitExceeded */
export function hit(point: number): void {
  if ((counts[point]!)++ === 0) touched[touchedCount++] = point;
  if (++steps > maxSteps) throw (exceeded ??= new LimitExceeded(`more than ${maxSteps} steps`));
}

/** Called by instrumented code with whatever it has just allocated in a size it computed. @throws LimitExceeded */
export function made<T>(value: T): T {
  bytes += sizeOf(value);
  if (bytes > maxBytes) throw (exceeded ??= new LimitExceeded(`more than ${maxBytes} bytes allocated`));
  return value;
}

/** Called by each instrumented module when it is loaded. */
export function loaded(points: number, values: readonly (string | number)[]): void {
  pointsThereAre += points;
  for (const value of values) literals.add(value);
}

/** Begins to count anew, and ends whatever goes on for longer than `steps` points or allocates more than so many bytes. */
export function begin(limits: { readonly steps: number; readonly bytes: number }): void {
  for (let i = 0; i < touchedCount; i++) counts[touched[i]!] = 0;
  touchedCount = 0;
  steps = 0;
  bytes = 0;
  counted = new WeakSet();
  exceeded = undefined;
  maxSteps = limits.steps;
  maxBytes = limits.bytes;
}

/** Stops limiting. The limit that was exceeded since {@link begin}, even if somebody caught it. */
export function end(): LimitExceeded | undefined {
  maxSteps = Number.POSITIVE_INFINITY;
  maxBytes = Number.POSITIVE_INFINITY;
  return exceeded;
}

/** Points passed since {@link begin}. */
export const stepCount = (): number => steps;

/** How many points the modules loaded so far have. */
export const pointCount = (): number => pointsThereAre;

/** Texts and numbers that stand in the instrumented modules. */
export const literalValues = (): readonly (string | number)[] => [...literals];

/** What inputs have shown so far: which points, how often. */
export class Coverage {
  readonly #seen = new Uint8Array(POINTS);
  #points = 0;
  #features = 0;

  /** Points that some input has reached. */
  get points(): number {
    return this.#points;
  }

  /** Points and orders of magnitude. */
  get features(): number {
    return this.#features;
  }

  /** Takes in what has been counted since {@link begin}; the features of it that are new. */
  take(): readonly number[] {
    const fresh = countedFeatures().filter((feature) => (this.#seen[feature >> 3]! & (1 << (feature & 7))) === 0);
    for (const feature of fresh) {
      if (this.#seen[feature >> 3] === 0) this.#points++;
      this.#seen[feature >> 3]! |= 1 << (feature & 7);
    }
    this.#features += fresh.length;
    return fresh;
  }
}

/** What has been counted since {@link begin}: eight times a point and its order of magnitude. */
export function countedFeatures(): number[] {
  return Array.from(touched.subarray(0, touchedCount), (point) => point * MAGNITUDES + magnitude(counts[point]!));
}

function magnitude(count: number): number {
  if (count < 4) return count - 1;
  if (count < 32) return 29 - Math.clz32(count) + 2;
  return Math.min(MAGNITUDES - 1, count < 128 ? 6 : 7);
}

function sizeOf(value: unknown): number {
  if (typeof value === 'string') return value.length;
  if (Array.isArray(value)) return 8 * value.length;
  const buffer = ArrayBuffer.isView(value) ? value.buffer : value;
  if (!(buffer instanceof ArrayBuffer) || counted.has(buffer)) return 0;
  counted.add(buffer);
  return buffer.byteLength;
}
