import { channel } from 'node:diagnostics_channel';
import type { VfioUserServer } from './vfio-user-server.ts';

/** Published when a client comes, goes, is turned away, or sends something that has to be refused. */
export interface ClientMessage {
  readonly server: VfioUserServer;
  readonly event: 'connected' | 'left' | 'refused' | 'remark';
  /** Why, in words; empty where there is nothing to say. */
  readonly detail: string;
  /** The client's process; undefined where that cannot be told. */
  readonly pid: number | undefined;
}

/** `node:diagnostics_channel` name for {@link ClientMessage}. */
export const CLIENT_CHANNEL = 'vpmem:vfio-user:client';
export const clients = channel(CLIENT_CHANNEL);
