export { idleHandlers } from './idle-handlers.ts';
export { qmpCases, type QmpCase } from './qmp-cases.ts';
export { qmpDifferences, schemaDifferences, type QmpDifference } from './qmp-differences.ts';
export { qmpExchanges, type QmpExchange } from './qmp-exchanges.ts';
export type { Blocker, QmpPeer } from './qmp-peer.ts';
export { RawConnection, type RawMessage } from './raw-connection.ts';
export { vpmemPeer } from './vpmem-peer.ts';
