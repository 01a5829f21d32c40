const SIGNED = '~Module signature appended~\n';
/** `struct module_signature` (Linux, `include/linux/module_signature.h`), whose last field is how long the signature before it is. */
const SIGNATURE_INFO = 12;
const ELF = '\x7fELF';
/** What a module has for tracing: places, events, names of values. */
const FOR_TRACING = ['__mcount_loc', '_ftrace_events', '_ftrace_eval_map'];
const PLACES = '__fentry__';
const CALL = 0xe8;
const NOP = Buffer.from([0x0f, 0x1f, 0x44, 0x00, 0x00]);

/** Of an ELF section header: bytes (ELF-64, "Section header"). */
const SECTION = { size: 64, name: 0x00, type: 0x04, offset: 0x18, length: 0x20, info: 0x2c } as const;
const [SYMTAB, RELA] = [2, 4];
const [SYMBOL_SIZE, RELOCATION_SIZE] = [24, 24];

interface Section {
  readonly name: string;
  /** Where the name is in the file. */
  readonly nameAt: number;
  readonly type: number;
  readonly offset: number;
  readonly length: number;
  readonly info: number;
}

/**
 * A kernel module as it is quickest to load under TCG, with the same code: nothing that it could be traced by, and no signature, over
 * which a guest computes a hash. At each place for a trace is what the kernel puts there itself. For each of them it looks through all
 * symbols besides, which for XFS takes longer than all the rest of a boot.
 *
 * @returns a copy; for what is no ELF file the same without a signature
 */
export function quickModule(file: Buffer): Buffer {
  const module = Buffer.from(withoutSignature(file));
  if (module.toString('latin1', 0, ELF.length) !== ELF) return module;
  const sections = sectionsOf(module);
  const places = symbolNamed(module, sections, PLACES);
  for (const { type, offset, length, info } of sections) {
    if (type !== RELA || places === undefined) continue;
    for (let at = offset; at < offset + length; at += RELOCATION_SIZE) {
      const call = (sections[info]?.offset ?? 0) + Number(module.readBigUInt64LE(at)) - 1;
      if (module.readUInt32LE(at + 12) !== places || module[call] !== CALL) continue;
      NOP.copy(module, call);
      // R_X86_64_NONE
      module.writeUInt32LE(0, at + 8);
    }
  }
  // The kernel finds them by their names.
  for (const { name, nameAt } of sections) if (FOR_TRACING.includes(name)) module.write('-', nameAt, 'latin1');
  return module;
}

function withoutSignature(file: Buffer): Buffer {
  const end = file.length - SIGNED.length;
  if (end < SIGNATURE_INFO || file.toString('latin1', end) !== SIGNED) return file;
  return file.subarray(0, end - SIGNATURE_INFO - file.readUInt32BE(end - 4));
}

function sectionsOf(module: Buffer): Section[] {
  const first = Number(module.readBigUInt64LE(0x28));
  const [count, names] = [module.readUInt16LE(0x3c), module.readUInt16LE(0x3e)];
  const long = (header: number, field: number): number => Number(module.readBigUInt64LE(header + field));
  const strings = long(first + names * SECTION.size, SECTION.offset);
  return Array.from({ length: count }, (_, i) => {
    const header = first + i * SECTION.size;
    const nameAt = strings + module.readUInt32LE(header + SECTION.name);
    const [type, info] = [module.readUInt32LE(header + SECTION.type), module.readUInt32LE(header + SECTION.info)];
    return { name: textAt(module, nameAt), nameAt, type, offset: long(header, SECTION.offset), length: long(header, SECTION.length), info };
  });
}

/** Its number. */
function symbolNamed(module: Buffer, sections: readonly Section[], name: string): number | undefined {
  const table = sections.find(({ type }) => type === SYMTAB);
  const strings = sections.find((each) => each.name === '.strtab');
  if (table === undefined || strings === undefined) return undefined;
  for (let i = 0; i < table.length / SYMBOL_SIZE; i++) {
    const at = strings.offset + module.readUInt32LE(table.offset + i * SYMBOL_SIZE);
    if (module.toString('latin1', at, at + name.length + 1) === `${name}\0`) return i;
  }
  return undefined;
}

function textAt(module: Buffer, at: number): string {
  return module.toString('latin1', at, module.indexOf(0, at));
}
