import { encodeRecord } from './record.ts';
import { PAGE, recordOffset, WORKLOAD_NAMES, type Step, type Workload, type WorkloadName } from './workload.ts';

const RECORDS = 16;
const RECORD_BYTES = 3 * PAGE;
/** Of a record that is stored in two parts: not a whole number of pages. */
const FIRST_PART = RECORD_BYTES / 2;

const numbers = Array.from({ length: RECORDS }, (_, i) => i);

/** Records that are nothing but a letter each. */
const letters = numbers.map((i) => Buffer.alloc(RECORD_BYTES, 0x41 + i));

type Plan = Omit<Workload, 'name' | 'records' | 'steps'>;

const PLANS: Readonly<Record<WorkloadName, Plan>> = {
  stores: { what: 'plain stores', style: 'mapped', believes: 'stored', reader: 'none', reserved: false, tears: false },
  'stores-fsync': { what: 'plain stores, then one fsync', style: 'mapped', believes: 'fsynced', reader: 'none', reserved: false, tears: false },
  log: { what: 'a log that acknowledges without an fsync', style: 'written', believes: 'stored', reader: 'checksum', reserved: false, tears: false },
  'log-fsync': { what: 'a log with an fsync for each record; the last has had none yet', style: 'written', believes: 'fsynced', reader: 'checksum', reserved: false, tears: false },
  torn: { what: 'records stored in two parts and fsynced; the cut falls between the parts of the last', style: 'written', believes: 'fsynced', reader: 'length', reserved: true, tears: true },
  'torn-checksum': { what: 'the same, with a checksum in each record', style: 'written', believes: 'fsynced', reader: 'checksum', reserved: true, tears: true },
};

/** @returns the workload of that name */
export function workload(name: WorkloadName): Workload {
  const plan = PLANS[name];
  const records = plan.reader === 'none' ? letters : numbers.map((i) => encodeRecord(name, i, RECORD_BYTES, { checksum: plan.reader === 'checksum' }));
  return { name, ...plan, records, steps: steps(name, { ...plan, name, records, steps: [] }) };
}

/** All there are, in the order they are shown in. */
export function workloads(names: readonly WorkloadName[] = WORKLOAD_NAMES): Workload[] {
  return WORKLOAD_NAMES.filter((name) => names.includes(name)).map(workload);
}

function steps(name: WorkloadName, of: Workload): Step[] {
  const store = (record: number, from = 0, to = RECORD_BYTES): Step => ({ kind: 'store', record, offset: recordOffset(of, record) + from, length: to - from });
  const fsync: Step = { kind: 'fsync' };
  const last = RECORDS - 1;
  switch (name) {
    case 'stores':
    case 'log':
      return numbers.map((i) => store(i));
    case 'stores-fsync':
      return [...numbers.map((i) => store(i)), fsync];
    case 'log-fsync':
      return [...numbers.slice(0, last).flatMap((i) => [store(i), fsync]), store(last)];
    case 'torn':
    case 'torn-checksum':
      return [...numbers.slice(0, last).flatMap((i) => [store(i, 0, FIRST_PART), store(i, FIRST_PART), fsync]), store(last, 0, FIRST_PART)];
  }
}
