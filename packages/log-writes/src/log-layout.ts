import { le32, le64, le64big, struct } from '@vpmem/layout';

/** Linux, drivers/md/dm-log-writes.c, struct log_write_super: at byte 0 of the log; the rest of its sector is zero. */
export const LogWriteSuper = struct('log_write_super', { magic: le64big, version: le64, nr_entries: le64, sectorsize: le32 });

/**
 * Linux, drivers/md/dm-log-writes.c, struct log_write_entry: at the start of a sector of its own. The text of a mark follows in the
 * same sector, the data of a write in the sectors after it; the rest of the sector is zero.
 */
export const LogWriteEntry = struct('log_write_entry', { sector: le64, nr_sectors: le64, flags: le64, data_len: le64 });

export const LOG_MAGIC = 0x6a_7366_7773_6872n;
export const LOG_VERSION = 1;

/** What an entry is; several can be set at once. */
export const LogFlag = { flush: 1, fua: 2, discard: 4, mark: 8, metadata: 16 } as const;
export const ALL_LOG_FLAGS = 31;

/** The mark that the kernel puts at the end of every log. */
export const END_MARK = 'dm-log-writes-end';

/** Bytes of a log's sector: the logical block size of the device that was logged. */
export const LOG_SECTOR_SIZES = [512, 4096] as const;
/** Bytes of a sector that a log can have. */
export type LogSectorSize = (typeof LOG_SECTOR_SIZES)[number];

/** Bytes that a mark can have, as the kernel cuts it: it ends with a zero within the sector of its entry. */
export const markRoom = (sectorSize: LogSectorSize): number => sectorSize - LogWriteEntry.size - 1;
