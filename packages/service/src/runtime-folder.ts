/** The directory that systemd made for a service (RuntimeDirectory=), if there is one. */
export function runtimeFolder(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const [first] = (env.RUNTIME_DIRECTORY ?? '').split(':');
  return first === '' ? undefined : first;
}
