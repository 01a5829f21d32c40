export { LogWritesError, type LogWritesErrorCode } from './log-error.ts';
export { toLogWrites, type ExportedLog, type LogExportOptions } from './log-export.ts';
export { fromLogWrites, type ImportedLog, type LogBase } from './log-import.ts';
export { LogFlag, LOG_SECTOR_SIZES, type LogSectorSize } from './log-layout.ts';
export { LogWritesReader, type LogEntry } from './log-reader.ts';
export { logSteps, type LogMark, type LogStep, type LogWindow } from './log-steps.ts';
export { LogWritesWriter, type LogWriterOptions } from './log-writer.ts';
