/** What a program around a machine returns to whoever started it. */
export const EXIT_STATUS = {
  /** It has stopped in good order, or said what it was asked to say. */
  ok: 0,
  /** An option is wrong, or what it asks for cannot be had. Nothing has changed. */
  refused: 1,
  /** An error of the program's own (`EX_SOFTWARE` of sysexits.h). */
  internal: 70,
} as const;

/** What to say of an error that is not the user's. */
export function describeInternalError(error: unknown): string {
  return `internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}
