/** Who comes first, second, … in a round: another begins each; when each of more than two has begun once, they come the other way round. */
export function turnOrder<T>(servers: readonly T[], round: number): T[] {
  const first = round % servers.length;
  const order = [...servers.slice(first), ...servers.slice(0, first)];
  return servers.length > 2 && Math.floor(round / servers.length) % 2 === 1 ? order.toReversed() : order;
}
