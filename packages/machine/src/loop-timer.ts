import { type After } from '@vpmem/memory-backend';
import { EPOLLIN, TimerFd, type EventLoop } from '@vpmem/native';

/** Timers for a thread that has nothing but `loop`. */
export function afterOn(loop: EventLoop): After {
  return (milliseconds, callback) => {
    const timer = new TimerFd();
    let waiting = true;
    const end = (): void => {
      if (!waiting) return;
      waiting = false;
      watch.close();
      timer.close();
    };
    const watch = loop.watch(timer.fd, EPOLLIN, () => {
      end();
      callback();
    });
    timer.set(milliseconds);
    return end;
  };
}
