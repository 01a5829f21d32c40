import { sendDatagram } from '@vpmem/native';

/** What can be told to whoever supervises the program: variables of sd_notify(3). */
export type Notification = Partial<Record<'READY' | 'STOPPING' | 'WATCHDOG' | 'STATUS' | 'MAINPID', string | number>>;

/**
 * An environment for a process that this one starts in its own place: a watchdog that waits for this one to speak, sd_watchdog_enabled(3),
 * waits for that.
 */
export function watchdogOfChild({ ...env }: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  if (env.WATCHDOG_PID !== undefined && env.WATCHDOG_PID !== String(process.pid)) delete env.WATCHDOG_USEC;
  delete env.WATCHDOG_PID;
  return env;
}

/** Tells systemd how a service is doing, where there is a systemd that asked to be told. */
export class Notifier {
  readonly #address: string | undefined;
  /** How often at least the watchdog has to hear something, in milliseconds; undefined without a watchdog. */
  readonly watchdog: number | undefined;

  /**
   * Takes what it needs out of `env`: children are not to speak for this process. `given`: where to tell it, and how often, if it does not
   * say so; for a process that takes the place of another, which systemd starts without a watchdog.
   */
  constructor(env: NodeJS.ProcessEnv = process.env, given: { readonly address?: string | undefined; readonly watchdog?: number | undefined } = {}) {
    const { NOTIFY_SOCKET: address = given.address, WATCHDOG_USEC: interval, WATCHDOG_PID: pid } = env;
    this.#address = address === '' ? undefined : address;
    const meant = pid === undefined || pid === String(process.pid);
    this.watchdog = interval !== undefined && meant && Number(interval) > 0 ? Number(interval) / 1000 : given.watchdog;
    delete env.NOTIFY_SOCKET;
    delete env.WATCHDOG_USEC;
    delete env.WATCHDOG_PID;
  }

  /** Never waits. @throws SystemError if the supervisor does not receive any more; EAGAIN if it has not read for a while */
  tell(notification: Notification): void {
    if (this.#address === undefined) return;
    const lines = Object.entries(notification).map(([name, value]) => `${name}=${String(value).replaceAll('\n', ' ')}`);
    sendDatagram(this.#address, Buffer.from(lines.join('\n')));
  }
}
