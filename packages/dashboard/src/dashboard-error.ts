/** Something the user has to put right before there can be a page. The message is one line. */
export class DashboardError extends Error {
  override readonly name = 'DashboardError';
}
