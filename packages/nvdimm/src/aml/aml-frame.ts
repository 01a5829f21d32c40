import { OP } from './aml-opcodes.ts';
import { AmlError, type AmlPath, type AmlReader } from './aml-reader.ts';
import { AmlElement, copyOf, sameValue, sizeOfValue, toBytes, toInteger, toPackage, typeOf, type AmlValue } from './aml-value.ts';
import { concatBytes, viewOf } from '../bytes.ts';

/** A place for a value. */
export interface AmlVariable {
  readonly kind: 'variable';
  get(): AmlValue;
  set(value: AmlValue): void;
}

export interface AmlMethod {
  readonly kind: 'method';
  readonly argumentCount: number;
  /** Its own path, within which its names are looked for. */
  readonly scope: readonly string[];
  body(): AmlReader;
}

/** What lies around a method. */
export interface AmlWorld {
  find(path: AmlPath, scope: readonly string[]): AmlVariable | AmlMethod | undefined;
  notify(path: AmlPath, scope: readonly string[], value: number): void;
  /** Work is about to be done: a term, or so many bytes. @throws AmlError when that becomes too much */
  spend(cost: number): void;
}

const TRUE = 0xffff_ffff;
const WRAP = 2 ** 32;

/** Of one loop. The longest there is reads a FIT of 256 devices, twelve pages. */
const MAX_ROUNDS = 1000;

/** One call of a method: its locals, its arguments, and the names that it makes. */
export class AmlFrame {
  readonly #world: AmlWorld;
  readonly #scope: readonly string[];
  readonly #args: AmlValue[];
  readonly #locals: AmlValue[] = [];
  readonly #names = new Map<string, AmlVariable>();

  constructor(world: AmlWorld, scope: readonly string[], args: readonly AmlValue[]) {
    this.#world = world;
    this.#scope = scope;
    this.#args = [...args];
  }

  /** Carries out statements to the end, or to a Return, whose value it gives back in a list of one. */
  run(reader: AmlReader): [AmlValue] | undefined {
    let taken = true;
    while (!reader.done) {
      const opcode = reader.next;
      let result: [AmlValue] | undefined;
      if (opcode === OP.return) {
        reader.byte();
        return [this.term(reader)];
      } else if (opcode === OP.if || opcode === OP.while) {
        reader.byte();
        const inside = reader.package();
        ({ result, taken } = opcode === OP.if ? this.#when(inside) : this.#loop(inside));
      } else if (opcode === OP.else) {
        reader.byte();
        const inside = reader.package();
        if (!taken) result = this.run(inside);
      } else {
        this.#statement(reader);
      }
      if (result !== undefined) return result;
    }
    return undefined;
  }

  /** What the next term is worth. */
  term(reader: AmlReader): AmlValue {
    const opcode = reader.next ?? 0;
    this.spend(1);
    if (isNameStart(opcode)) return this.#named(reader);
    reader.byte();
    if (opcode >= OP.local0 && opcode < OP.local0 + 8) return this.#locals[opcode - OP.local0] ?? 0;
    if (opcode >= OP.arg0 && opcode < OP.arg0 + 7) return this.#args[opcode - OP.arg0] ?? 0;
    const operation = OPERATIONS[opcode];
    if (operation === undefined) throw new AmlError(`opcode 0x${opcode.toString(16)} at ${reader.at - 1} is not known here`);
    return operation(this, reader);
  }

  /** See {@link AmlWorld.spend}. */
  spend(cost: number): void {
    this.#world.spend(cost);
  }

  integer(reader: AmlReader): number {
    return toInteger(this.term(reader));
  }

  /** Puts a value where the next term says, if it names a place, and gives it back. */
  into(reader: AmlReader, value: AmlValue): AmlValue {
    const opcode = reader.next ?? 0;
    if (isNameStart(opcode)) {
      this.#variable(reader.path()).set(this.#copy(value));
      return value;
    }
    if (opcode === OP.index) {
      const element = this.term(reader);
      if (element instanceof AmlElement) element.value = this.#copy(value);
      return value;
    }
    reader.byte();
    if (opcode >= OP.local0 && opcode < OP.local0 + 8) this.#locals[opcode - OP.local0] = this.#copy(value);
    else if (opcode >= OP.arg0 && opcode < OP.arg0 + 7) this.#args[opcode - OP.arg0] = this.#copy(value);
    else if (opcode !== OP.zero) throw new AmlError(`opcode 0x${opcode.toString(16)} at ${reader.at - 1} is no place for a value`);
    return value;
  }

  #copy(value: AmlValue): AmlValue {
    return copyOf(value, (cost) => this.spend(cost));
  }

  #when(reader: AmlReader): { result: [AmlValue] | undefined; taken: boolean } {
    const taken = this.integer(reader) !== 0;
    return { result: taken ? this.run(reader) : undefined, taken };
  }

  #loop(reader: AmlReader): { result: [AmlValue] | undefined; taken: boolean } {
    const start = reader.at;
    for (let round = 0; this.integer(reader) !== 0; round++) {
      if (round === MAX_ROUNDS) throw new AmlError(`the loop at ${start} has not ended after ${MAX_ROUNDS} rounds`);
      const result = this.run(reader);
      if (result !== undefined) return { result, taken: true };
      reader.at = start;
    }
    return { result: undefined, taken: true };
  }

  #statement(reader: AmlReader): void {
    if (reader.next === OP.createDwordField) {
      reader.byte();
      this.#createField(toBytes(this.term(reader)), this.integer(reader), reader.path());
    } else if (reader.next === OP.notify) {
      reader.byte();
      this.#world.notify(reader.path(), this.#scope, this.integer(reader));
    } else {
      this.term(reader);
    }
  }

  /** Four bytes of a buffer under a name. */
  #createField(buffer: Uint8Array, offset: number, { segments }: AmlPath): void {
    if (offset + 4 > buffer.length) throw new AmlError(`a field at ${offset} goes beyond a buffer of ${buffer.length} bytes`);
    const view = viewOf(buffer);
    this.#names.set(segments.join('.'), { kind: 'variable', get: () => view.getUint32(offset, true), set: (value) => view.setUint32(offset, toInteger(value), true) });
  }

  #named(reader: AmlReader): AmlValue {
    const path = reader.path();
    const found = this.#look(path);
    if (found.kind === 'variable') return found.get();
    const args = Array.from({ length: found.argumentCount }, () => this.term(reader));
    return new AmlFrame(this.#world, found.scope, args).run(found.body())?.[0] ?? 0;
  }

  #variable(path: AmlPath): AmlVariable {
    const found = this.#look(path);
    if (found.kind === 'variable') return found;
    throw new AmlError(`${path.segments.join('.')} is a method, no place for a value`);
  }

  #look(path: AmlPath): AmlVariable | AmlMethod {
    const found = this.#names.get(path.segments.join('.')) ?? this.#world.find(path, this.#scope);
    if (found === undefined) throw new AmlError(`${path.prefix}${path.segments.join('.')} is not to be found from ${this.#scope.join('.')}`);
    return found;
  }
}

type Operation = (frame: AmlFrame, reader: AmlReader) => AmlValue;

const bytesIn = (value: AmlValue): number => (value instanceof Uint8Array ? value.length : 0);

/** Two operands and a target. */
const binary = (combine: (left: AmlValue, right: AmlValue) => AmlValue): Operation => (frame, reader) => {
  const [left, right] = [frame.term(reader), frame.term(reader)];
  frame.spend(bytesIn(left) + bytesIn(right));
  return frame.into(reader, combine(left, right));
};
const compare = (holds: (left: AmlValue, right: AmlValue) => boolean): Operation => (frame, reader) => {
  const [left, right] = [frame.term(reader), frame.term(reader)];
  frame.spend(bytesIn(left) + bytesIn(right));
  return holds(left, right) ? TRUE : 0;
};

const OPERATIONS: Readonly<Record<number, Operation>> = {
  [OP.zero]: () => 0,
  [OP.one]: () => 1,
  [OP.byte]: (_, reader) => reader.number(1),
  [OP.word]: (_, reader) => reader.number(2),
  [OP.dword]: (_, reader) => reader.number(4),
  [OP.string]: (frame, reader) => {
    let text = '';
    for (let code = reader.byte(); code !== 0; code = reader.byte()) text += String.fromCharCode(code);
    frame.spend(text.length);
    return text;
  },
  [OP.buffer]: (frame, reader) => {
    const inside = reader.package();
    const length = frame.integer(inside);
    frame.spend(length);
    const buffer = new Uint8Array(length);
    buffer.set(inside.bytes(Math.min(inside.end - inside.at, buffer.length)));
    return buffer;
  },
  [OP.package]: (frame, reader) => {
    const inside = reader.package();
    return Array.from({ length: inside.byte() }, () => (inside.done ? 0 : frame.term(inside)));
  },
  [OP.store]: (frame, reader) => frame.into(reader, frame.term(reader)),
  [OP.add]: binary((left, right) => (toInteger(left) + toInteger(right)) % WRAP),
  [OP.subtract]: binary((left, right) => (toInteger(left) - toInteger(right) + WRAP) % WRAP),
  [OP.concatenate]: binary((left, right) => concatBytes(toBytes(left), toBytes(right))),
  [OP.index]: binary((list, at) => new AmlElement(toPackage(list), toInteger(at))),
  [OP.mid]: (frame, reader) => {
    const [source, from, length] = [toBytes(frame.term(reader)), frame.integer(reader), frame.integer(reader)];
    frame.spend(source.length);
    return frame.into(reader, source.slice(from, from + length));
  },
  [OP.derefOf]: (frame, reader) => {
    const value = frame.term(reader);
    return value instanceof AmlElement ? value.value : value;
  },
  [OP.sizeOf]: (frame, reader) => sizeOfValue(frame.term(reader)),
  [OP.objectType]: (frame, reader) => typeOf(frame.term(reader)),
  [OP.lEqual]: compare(sameValue),
  [OP.lLess]: compare((left, right) => toInteger(left) < toInteger(right)),
  [OP.lOr]: compare((left, right) => toInteger(left) !== 0 || toInteger(right) !== 0),
  [OP.lNot]: (frame, reader) => (frame.integer(reader) === 0 ? TRUE : 0),
};

/** ACPI 6.5 §20.2.2, what a NameString begins with: root, parent, a segment or a prefix of several. */
function isNameStart(opcode: number): boolean {
  return opcode === 0x5c || opcode === 0x5e || opcode === 0x2e || opcode === 0x2f || opcode === 0x5f || (opcode >= 0x41 && opcode <= 0x5a);
}
