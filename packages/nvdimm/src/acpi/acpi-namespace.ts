import { TableHeader } from './acpi-table.ts';
import { AmlFrame, type AmlMethod, type AmlVariable } from '../aml/aml-frame.ts';
import { EXTENDED, OP } from '../aml/aml-opcodes.ts';
import { AmlError, AmlReader, type AmlPath } from '../aml/aml-reader.ts';
import { SYSTEM_IO, SYSTEM_MEMORY } from '../aml/aml-terms.ts';
import { toBytes, toInteger, type AmlValue } from '../aml/aml-value.ts';
import { viewOf } from '../bytes.ts';

/** What an operating system reaches the platform through. */
export interface AcpiPlatform {
  /** @throws Error where there is no memory */
  readMemory(address: number, length: number): Uint8Array;
  writeMemory(address: number, bytes: Uint8Array): void;
  /** Four bytes at a port. */
  readPort(port: number): number;
  writePort(port: number, value: number): void;
  /** An object, such as `\_SB_.NVDR`, says that something has happened to it. */
  notify?(path: string, value: number): void;
}

interface Region {
  readonly kind: 'region';
  readonly space: number;
  readonly offset: number;
}
type AcpiObject = { readonly kind: 'device' | 'scope' } | Region | AmlVariable | AmlMethod;

/** How much one evaluation may do, in terms and bytes: to read the FIT of 256 devices takes a quarter of it. */
const MAX_WORK = 2 ** 22;

/** What tables define, under names such as `\_SB_.NVDR`, and the means to run it: of AML as much as our SSDT uses. */
export class AcpiNamespace {
  readonly #objects = new Map<string, AcpiObject>();
  readonly #platform: AcpiPlatform;
  #left = 0;

  /** @throws AmlError for a table that is broken, or has in it what is not known here */
  constructor(tables: readonly Uint8Array[], platform: AcpiPlatform) {
    this.#platform = platform;
    for (const table of tables) this.#work(() => this.#define(new AmlReader(table, TableHeader.size), []));
  }

  /** Paths of all devices, each before its children. */
  get devices(): string[] {
    return [...this.#objects].flatMap(([path, { kind }]) => (kind === 'device' ? [path] : []));
  }

  /** Whether there is an object of that path, whose segments have four characters. */
  has(path: string): boolean {
    return this.#objects.has(path);
  }

  /** Runs a method, or reads a name. @throws AmlError, or what the platform throws */
  evaluate(path: string, ...args: readonly AmlValue[]): AmlValue {
    const object = this.#objects.get(path);
    if (object?.kind === 'variable') return this.#work(() => object.get());
    if (object?.kind === 'method') return this.#work(() => this.#frame(object.scope, args).run(object.body())?.[0] ?? 0);
    throw new AmlError(object === undefined ? `there is no ${path}` : `${path} is a ${object.kind}, which has no value`);
  }

  /** Runs byte code that may be anything. */
  #work<Result>(run: () => Result): Result {
    this.#left = MAX_WORK;
    try {
      return run();
    } catch (error) {
      // Methods that call each other, packages within packages.
      if (error instanceof RangeError && error.message.includes('call stack')) throw new AmlError('the byte code is nested too deeply', { cause: error });
      throw error;
    }
  }

  #spend(cost: number): void {
    if (cost > this.#left) throw new AmlError('the byte code does not come to an end');
    this.#left -= cost;
  }

  #frame(scope: readonly string[], args: readonly AmlValue[] = []): AmlFrame {
    const world = {
      find: (path: AmlPath, from: readonly string[]) => {
        const found = this.#find(path, from);
        return found?.kind === 'variable' || found?.kind === 'method' ? found : undefined;
      },
      notify: (path: AmlPath, from: readonly string[], value: number) => this.#platform.notify?.(join(absolute(path, from)), value),
      spend: (cost: number) => this.#spend(cost),
    };
    return new AmlFrame(world, scope, args);
  }

  #define(reader: AmlReader, scope: readonly string[]): void {
    while (!reader.done) {
      const opcode = reader.byte();
      if (opcode === OP.extended) this.#defineExtended(reader.byte(), reader, scope);
      else if (opcode === OP.scope) this.#defineInside(reader.package(), scope, 'scope');
      else if (opcode === OP.name) this.#defineName(reader, scope);
      else if (opcode === OP.method) this.#defineMethod(reader.package(), scope);
      else throw new AmlError(`opcode 0x${opcode.toString(16)} at ${reader.at - 1} defines nothing that is known here`);
    }
  }

  #defineExtended(opcode: number, reader: AmlReader, scope: readonly string[]): void {
    if (opcode === EXTENDED.device) this.#defineInside(reader.package(), scope, 'device');
    else if (opcode === EXTENDED.field) this.#defineField(reader.package(), scope);
    else if (opcode === EXTENDED.operationRegion) this.#defineRegion(reader, scope);
    else throw new AmlError(`opcode 0x5b${opcode.toString(16)} at ${reader.at - 2} defines nothing that is known here`);
  }

  #defineInside(reader: AmlReader, scope: readonly string[], kind: 'device' | 'scope'): void {
    const inside = absolute(reader.path(), scope);
    // A scope may be opened any number of times.
    if (kind === 'device' || !this.#objects.has(join(inside))) this.#add(inside, { kind });
    this.#define(reader, inside);
  }

  #defineName(reader: AmlReader, scope: readonly string[]): void {
    const path = absolute(reader.path(), scope);
    let value = this.#frame(scope).term(reader);
    this.#add(path, { kind: 'variable', get: () => value, set: (next) => (value = next) });
  }

  #defineMethod(reader: AmlReader, scope: readonly string[]): void {
    const path = absolute(reader.path(), scope);
    const argumentCount = reader.byte() & 7;
    this.#add(path, { kind: 'method', argumentCount, scope: path, body: () => reader.copy() });
  }

  #defineRegion(reader: AmlReader, scope: readonly string[]): void {
    const path = absolute(reader.path(), scope);
    const space = reader.byte();
    const offset = this.#frame(scope).integer(reader);
    this.#frame(scope).integer(reader);
    this.#add(path, { kind: 'region', space, offset });
  }

  #defineField(reader: AmlReader, scope: readonly string[]): void {
    const region = this.#find(reader.path(), scope);
    if (region?.kind !== 'region') throw new AmlError('a field is of no region');
    reader.byte();
    for (let bit = 0; !reader.done; ) {
      const segment = reader.segment();
      const bits = reader.length();
      if (bits % 32 !== 0) throw new AmlError(`${segment} has ${bits} bits; only whole accesses of 32 are known here`);
      this.#add([...scope, segment], this.#unit(region, bit / 8, bits / 8));
      bit += bits;
    }
  }

  /** Four bytes are an integer, more are a buffer, of which a shorter one leaves the rest zero. */
  #unit({ space, offset }: Region, byte: number, bytes: number): AmlVariable {
    const [at, platform] = [offset + byte, this.#platform];
    if (space === SYSTEM_IO) return { kind: 'variable', get: () => platform.readPort(at), set: (value) => platform.writePort(at, toInteger(value)) };
    if (space !== SYSTEM_MEMORY) throw new AmlError(`address space ${space} is not known here`);
    const get = (): AmlValue => {
      this.#spend(bytes);
      const read = platform.readMemory(at, bytes);
      return bytes === 4 ? viewOf(read).getUint32(0, true) : read;
    };
    const set = (value: AmlValue): void => {
      this.#spend(bytes);
      const whole = new Uint8Array(bytes);
      whole.set(toBytes(value).subarray(0, bytes));
      platform.writeMemory(at, whole);
    };
    return { kind: 'variable', get, set };
  }

  #add(path: readonly string[], object: AcpiObject): void {
    const name = join(path);
    if (this.#objects.has(name)) throw new AmlError(`${name} is there twice`);
    this.#objects.set(name, object);
  }

  /** ACPI 6.5 §5.3: a single segment is looked for in all scopes around, anything else just where it says. */
  #find(path: AmlPath, scope: readonly string[]): AcpiObject | undefined {
    const simple = path.prefix === '' && path.segments.length === 1;
    for (let levels = scope.length; levels >= 0; levels--) {
      const object = this.#objects.get(join(absolute(path, scope.slice(0, levels))));
      if (object !== undefined || !simple) return object;
    }
    return undefined;
  }
}

const join = (path: readonly string[]): string => `\\${path.join('.')}`;

function absolute({ prefix, segments }: AmlPath, scope: readonly string[]): readonly string[] {
  if (prefix === '\\') return segments;
  return [...scope.slice(0, scope.length - prefix.length), ...segments];
}
