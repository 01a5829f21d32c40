import type { SavedObject } from '@vpmem/layout';

/** An error of the system, as plain JSON. */
export interface SavedFailure {
  readonly message: string;
  readonly code?: string;
  readonly errno?: number;
  readonly syscall?: string;
}

/** What of an error is saved. */
export function saveFailure({ message, code, errno, syscall }: NodeJS.ErrnoException): SavedFailure {
  return { message, ...(code !== undefined && { code }), ...(errno !== undefined && { errno }), ...(syscall !== undefined && { syscall }) };
}

/** @throws RangeError */
export function restoreFailure(saved: SavedObject): NodeJS.ErrnoException {
  const code = saved.optional('code', (name) => saved.text(name));
  const errno = saved.optional('errno', (name) => saved.real(name));
  const syscall = saved.optional('syscall', (name) => saved.text(name));
  return Object.assign(new Error(saved.text('message')), { ...(code !== undefined && { code }), ...(errno !== undefined && { errno }), ...(syscall !== undefined && { syscall }) });
}
