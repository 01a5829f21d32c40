/** Whether colours are wanted at a stream. */
export function hasColors(stream: { readonly isTTY?: boolean }): boolean {
  const { NO_COLOR = '' } = process.env;
  return stream.isTTY === true && NO_COLOR === '';
}
