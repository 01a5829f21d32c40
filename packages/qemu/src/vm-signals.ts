/** Signals that are meant for the VM when they reach us, and end it or are its own affair. */
const MEANT_FOR_VM = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;

/**
 * Keeps the signals that are meant for the VM from ending this process before there is one. The function it returns gives
 * them free again and says which has come, if any.
 *
 * @param heard called when the first one comes
 */
export function holdSignals(heard?: () => void): () => NodeJS.Signals | undefined {
  let held: NodeJS.Signals | undefined;
  const hold = (signal: NodeJS.Signals): void => {
    if (held !== undefined) return;
    held = signal;
    heard?.();
  };
  for (const signal of MEANT_FOR_VM) process.on(signal, hold);
  return () => {
    for (const signal of MEANT_FOR_VM) process.off(signal, hold);
    return held;
  };
}

/**
 * Hands every signal on that is meant for the VM. One that stops this process stops the VM before, and what continues it
 * continues the VM; SIGSTOP and SIGKILL reach this process alone, as no process is asked about them.
 *
 * @param send gives a signal to the process of the VM
 * @returns ends it
 */
export function passSignalsOn(send: (signal: NodeJS.Signals) => void): () => void {
  const stop = (): void => {
    send('SIGTSTP');
    // As if there were no handler: where nobody could continue it, the kernel does not stop a process.
    process.off('SIGTSTP', stop);
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', stop);
  };
  for (const signal of MEANT_FOR_VM) process.on(signal, send);
  process.on('SIGTSTP', stop);
  process.on('SIGCONT', send);
  return () => {
    for (const signal of MEANT_FOR_VM) process.off(signal, send);
    process.off('SIGTSTP', stop);
    process.off('SIGCONT', send);
  };
}
