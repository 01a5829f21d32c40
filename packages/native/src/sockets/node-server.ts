import type { Server } from 'node:net';

/** Has a server of node listen, at an address or with a socket that listens already, which is the server's from then on. @throws Error of node's, with a `code` */
export function startListening(server: Server, where: { readonly fd: number } | { readonly host: string; readonly port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ ...where, exclusive: true }, (): void => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** The socket that a server of node listens with, which stays the server's; undefined once it is closed. */
export function listeningDescriptor(server: Server): number | undefined {
  // node has no word for it.
  const { _handle: handle } = server as unknown as { readonly _handle: { readonly fd?: number } | null };
  return handle?.fd === undefined || handle.fd < 0 ? undefined : handle.fd;
}
