export { BackendError, type BackendErrorCode } from './backend-error.ts';
export { PAGE_SIZE, checkOptions, type BackendOptions, type FileBackendOptions, type RamBackendOptions } from './backend-options.ts';
export { FlushQueue, type FlushAnswer, type FlushStats } from './flush-queue.ts';
export { LatencyHistogram, type FlushLatency } from './latency-histogram.ts';
export { MemoryBackend, SYNC_FAILED_CHANNEL, type SyncFailedMessage } from './memory-backend.ts';
export { abandonBackend, closeBackend, openBackend, type BackendDescription } from './open-backend.ts';
export { SyncPool } from './sync-pool.ts';
export { fileSyncer, volatileSyncer, type Syncer } from './syncer.ts';
