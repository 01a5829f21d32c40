import { BackendError } from './backend-error.ts';
import { PAGE_SIZE, type BackendOptions, type FileBackendOptions, type RamBackendOptions } from './backend-options.ts';
import { checkPolicy } from './numa-policy.ts';
import { MAX_RECORD_INTERVAL } from './files/recording-file.ts';

/** The rules of QEMU that need no look at the file. @throws BackendError */
export function checkOptions(options: BackendOptions): void {
  const { id, size } = options;
  if (size === 0) throw new BackendError('bad-size', 'size', `memory backend '${id}': size is 0; it has to be at least ${PAGE_SIZE} bytes`);
  if (size % PAGE_SIZE !== 0) {
    const above = Math.ceil(size / PAGE_SIZE) * PAGE_SIZE;
    const choices = above === PAGE_SIZE ? `${above}` : `${above - PAGE_SIZE} or ${above}`;
    throw new BackendError(
      'bad-size',
      'size',
      `memory backend '${id}': size ${size} is no multiple of the page size ${PAGE_SIZE}; ${choices} would be`,
    );
  }
  if (options.prealloc === true && options.reserve === false) {
    throw new BackendError('conflict', 'reserve', `memory backend '${id}': prealloc=on and reserve=off contradict each other; leave one out`);
  }
  checkPolicy(options);
  if (options.type !== 'memory-backend-file') checkHugePageSize(options);
  if (options.type !== 'memory-backend-file') return;
  const { align, offset, rom, readonly = false, share = false, shareRw = false } = options;
  checkPowerFailure(options);
  if (keepsApart(options) && (readonly || !share)) {
    const advice = readonly ? 'readonly=on has nothing that becomes durable' : 'it needs share=on, so that what is flushed gets into the file';
    const [property, what] = options.record === undefined ? ['power-failure', 'power-failure=on'] : ['record', 'record='];
    throw new BackendError('conflict', property, `memory backend '${id}': ${what} is for files that are written to: ${advice}`);
  }
  if (shareRw && (readonly || !share)) {
    const advice = readonly ? 'with readonly=on nobody does' : 'it needs share=on, too';
    throw new BackendError('conflict', 'share-rw', `memory backend '${id}': share-rw=on is for files that several write to: ${advice}`);
  }
  if (rom === 'on') {
    const advice = readonly ? 'rom=off gives the guest a private copy it can write to' : 'and it would take readonly=on';
    throw new BackendError('conflict', 'rom', `memory backend '${id}': rom=on asks for memory that a guest cannot write to, which vpmem does not have; ${advice}`);
  }
  if (rom === 'off' && readonly && share) {
    throw new BackendError('conflict', 'rom', `memory backend '${id}': rom=off lets the guest write, but readonly=on,share=on leaves no place to write to; give share=off`);
  }
  if (align !== undefined && (align < PAGE_SIZE || !Number.isInteger(Math.log2(align)))) {
    throw new BackendError('bad-align', 'align', `memory backend '${id}': align ${align} is no power of two from ${PAGE_SIZE} up`);
  }
  if (offset !== undefined && offset % PAGE_SIZE !== 0) {
    throw new BackendError('bad-offset', 'offset', `memory backend '${id}': offset ${offset} is no multiple of the page size ${PAGE_SIZE}`);
  }
}

/** Whether what the guest sees is kept apart from what is durable. */
export function keepsApart({ powerFailure = false, record }: FileBackendOptions): boolean {
  return powerFailure || record !== undefined;
}

/** @throws BackendError for what says something of power-failure=on or of a recording, and there is none */
function checkPowerFailure(options: FileBackendOptions): void {
  const { id, record, recordInterval: interval, pageTracker } = options;
  if (record === '') throw new BackendError('conflict', 'record', `memory backend '${id}': record is empty; it names the file to make`);
  if (interval !== undefined && record === undefined) {
    throw new BackendError('conflict', 'record-interval', `memory backend '${id}': record-interval is about a recording; say into which file with record=`);
  }
  if (interval !== undefined && !(Number.isInteger(interval) && interval >= 1 && interval <= MAX_RECORD_INTERVAL)) {
    throw new BackendError('conflict', 'record-interval', `memory backend '${id}': record-interval ${interval} is no number of milliseconds from 1 to ${MAX_RECORD_INTERVAL}`);
  }
  if (pageTracker !== undefined && pageTracker !== 'auto' && !keepsApart(options)) {
    throw new BackendError('conflict', 'page-tracker', `memory backend '${id}': page-tracker is about power-failure=on; without it nobody looks for written pages`);
  }
}

/** @throws BackendError for what no huge page can have */
function checkHugePageSize({ id, hugetlbsize }: RamBackendOptions): void {
  if (hugetlbsize === undefined || (hugetlbsize > PAGE_SIZE && Number.isInteger(Math.log2(hugetlbsize)))) return;
  throw new BackendError('bad-size', 'hugetlbsize', `memory backend '${id}': hugetlbsize ${hugetlbsize} is no power of two above ${PAGE_SIZE}; 2M is the usual one`);
}
