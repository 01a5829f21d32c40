/** Something that is not as in QEMU, and stays so. */
export interface QmpDifference {
  readonly what: string;
  /** What is sent on a fresh, negotiated connection. */
  readonly send: string;
  /** The lines that QEMU 11.1 answers. */
  readonly qemu: readonly string[];
  /** The lines that we answer. */
  readonly vpmem: readonly string[];
  readonly why: string;
}

const answer = (desc: string): string => `{"error": {"class": "GenericError", "desc": "${desc}"}}`;

/** Every difference on the wire that we know of and keep. One that has vanished fails the suite. */
export const qmpDifferences: readonly QmpDifference[] = [
  {
    what: 'A float that is a whole number, where an integer is wanted',
    send: '{"execute": "human-monitor-command", "arguments": {"command-line": "", "cpu-index": 0.0}}',
    qemu: [answer("Invalid parameter type for 'cpu-index', expected: integer")],
    vpmem: ['{"return": ""}'],
    why: 'JavaScript has one kind of number. Nothing is lost: the value is the integer.',
  },
  {
    what: 'A `device_add` whose driver is no string',
    send: '{"execute": "device_add", "arguments": {"driver": 1}}',
    qemu: [answer("Parameter 'driver' is missing")],
    vpmem: [answer("Invalid parameter type for 'driver', expected: string")],
    why: 'The driver is there. QEMU says so where any other argument has the wrong type.',
  },
  {
    what: 'A number as id that is larger than a float can be',
    send: '{"execute": "query-name", "id": 1e400}',
    qemu: ['{"return": {}, "id": inf}'],
    vpmem: ['{"return": {}, "id": 1.7976931348623157e+308}'],
    why: '`inf` is no JSON: a client cannot read the line.',
  },
  {
    what: 'Members of an object as id',
    send: '{"execute": "query-name", "id": {"b": 1, "a": 2}}',
    qemu: ['{"return": {}, "id": {"a": 2, "b": 1}}'],
    vpmem: ['{"return": {}, "id": {"b": 1, "a": 2}}'],
    why: 'Order has no meaning in JSON. QEMU writes members as its hash table has them, we as they came.',
  },
  {
    what: 'Several arguments that are unexpected',
    send: '{"execute": "query-name", "arguments": {"c": 1, "b": 2, "a": 3}}',
    qemu: [answer("Parameter 'b' is unexpected")],
    vpmem: [answer("Parameter 'c' is unexpected")],
    why: 'One of them is told: in QEMU the first of its hash table, here the first that came.',
  },
  {
    what: 'Several members of a request that are wrong',
    send: '{"execute": 1, "extra": 2}',
    qemu: [answer("QMP input member 'extra' is unexpected")],
    vpmem: [answer("QMP input member 'execute' must be a string")],
    why: 'The same: the first of the hash table, or the first that came.',
  },
];

/** Commands that take or answer something else than QEMU's of the same name, by name, and why. */
export const schemaDifferences: Readonly<Record<string, string>> = {
  'object-add': "QEMU's schema has the properties of each type; here types and their properties are the machine's, not the protocol's. They are checked all the same.",
  device_add: "Where the VM is somebody else's, the answer has the arguments for that VM's own `device_add`; otherwise it is empty, as QEMU's.",
  device_del: "`wait` can be asked for; without it the command is QEMU's.",
};
