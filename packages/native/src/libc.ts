import koffi from 'koffi';
import { SystemError } from './system-error.ts';

// The C library node itself is linked to, whichever it is.
const libc = koffi.load(null);

type Pointer = bigint | null;

/** A function that can also run on node's thread pool; `done` gets an error only when it could not be called at all. */
type Asynchronous<A extends unknown[], R> = ((...args: A) => R) & {
  async: (...args: [...A, done: (error: Error | null, result: R) => void]) => void;
};

/** Declares a C function with the TypeScript signature it has for us. */
// The signature is the caller's claim; nothing here could infer it.
// eslint-disable-next-line @typescript-eslint/no-unnecessary-type-parameters
function declare<F>(prototype: string): F {
  return libc.func(prototype) as F;
}

export const mmap = declare<(address: Pointer, length: number, prot: number, flags: number, fd: number, offset: number) => Pointer>(
  'void *mmap(void *addr, size_t length, int prot, int flags, int fd, int64_t offset)',
);
export const munmap = declare<(address: bigint, length: number) => number>('int munmap(void *addr, size_t length)');
export const mincore = declare<(address: bigint, length: number, pages: Uint8Array) => number>('int mincore(void *addr, size_t length, void *vec)');
export const posixFadvise = declare<(fd: number, offset: number, length: number, advice: number) => number>('int posix_fadvise(int fd, int64_t offset, int64_t len, int advice)');
export const memfdCreate = declare<(name: string, flags: number) => number>('int memfd_create(const char *name, unsigned int flags)');
export const fcntl = declare<(fd: number, command: number, argument: number) => number>('int fcntl(int fd, int cmd, int arg)');
export const fcntlLock = declare<(fd: number, command: number, lock: Uint8Array) => number>('int fcntl(int fd, int cmd, void *lock)');
export const ioctl = declare<(fd: number, request: number, argument: Uint8Array) => number>('int ioctl(int fd, unsigned long request, void *argument)');
/** The same for a request whose argument is a number. */
export const ioctlNumber = declare<(fd: number, request: number, argument: number) => number>('int ioctl(int fd, unsigned long request, unsigned long argument)');
export const mountFileSystem = declare<Asynchronous<[source: string, target: string, type: string, flags: number, data: string], number>>(
  'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
);
export const umount2 = declare<Asynchronous<[target: string, flags: number], number>>('int umount2(const char *target, int flags)');
export const pipe2 = declare<(ends: Int32Array, flags: number) => number>('int pipe2(int *pipefd, int flags)');
export const flock = declare<(fd: number, operation: number) => number>('int flock(int fd, int operation)');
export const dup2 = declare<(fd: number, onto: number) => number>('int dup2(int oldfd, int newfd)');
export const dup3 = declare<(fd: number, onto: number, flags: number) => number>('int dup3(int oldfd, int newfd, int flags)');
export const fallocate = declare<(fd: number, mode: number, offset: number, length: number) => number>(
  'int fallocate(int fd, int mode, int64_t offset, int64_t len)',
);
export const lseek = declare<(fd: number, offset: number, whence: number) => number | bigint>(
  'int64_t lseek(int fd, int64_t offset, int whence)',
);
export const eventfd = declare<(initial: number, flags: number) => number>('int eventfd(unsigned int initval, int flags)');
export const epollCreate1 = declare<(flags: number) => number>('int epoll_create1(int flags)');
export const epollCtl = declare<(epfd: number, op: number, fd: number, event: Pointer) => number>(
  'int epoll_ctl(int epfd, int op, int fd, void *event)',
);
export const epollWait = declare<(epfd: number, events: bigint, max: number, timeout: number) => number>(
  'int epoll_wait(int epfd, void *events, int maxevents, int timeout)',
);
export const prctl = declare<(option: number, a: bigint, b: bigint, c: bigint, d: bigint) => number>(
  'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
);
export const unshare = declare<(flags: number) => number>('int unshare(int flags)');
export const schedYield = declare<() => number>('int sched_yield(void)');
export const schedGetcpu = declare<() => number>('int sched_getcpu(void)');
export const schedGetaffinity = declare<(thread: number, length: number, mask: Uint8Array) => number>(
  'int sched_getaffinity(int pid, size_t length, void *mask)',
);
export const schedSetaffinity = declare<(thread: number, length: number, mask: Uint8Array) => number>(
  'int sched_setaffinity(int pid, size_t length, const void *mask)',
);
/** The same as {@link poll}, of bytes of JavaScript, as nothing moves them while this thread waits. */
export const pollBytes = declare<(fds: Uint8Array, count: number, timeout: number) => number>('int poll(void *fds, unsigned long nfds, int timeout)');
export const poll = declare<Asynchronous<[fds: bigint, count: number, timeout: number], number>>(
  'int poll(void *fds, unsigned long nfds, int timeout)',
);
export const getsockopt = declare<(fd: number, level: number, option: number, value: Int32Array, length: Uint32Array) => number>(
  'int getsockopt(int fd, int level, int optname, void *optval, void *optlen)',
);
export const setsockopt = declare<(fd: number, level: number, option: number, value: Int32Array | Uint8Array, length: number) => number>(
  'int setsockopt(int fd, int level, int optname, const void *optval, unsigned int optlen)',
);
export const splice = declare<(from: number, fromOffset: Pointer, to: number, toOffset: Pointer, length: number, flags: number) => number | bigint>(
  'int64_t splice(int fd_in, void *off_in, int fd_out, void *off_out, size_t len, unsigned int flags)',
);
export const write = declare<(fd: number, data: bigint, length: number) => number | bigint>('int64_t write(int fd, const void *buf, size_t count)');
export const socket = declare<(domain: number, type: number, protocol: number) => number>('int socket(int domain, int type, int protocol)');
export const socketpair = declare<(domain: number, type: number, protocol: number, pair: bigint) => number>(
  'int socketpair(int domain, int type, int protocol, void *sv)',
);
export const bind = declare<(fd: number, address: Uint8Array, length: number) => number>(
  'int bind(int fd, const void *addr, unsigned int len)',
);
export const shutdown = declare<(fd: number, how: number) => number>('int shutdown(int fd, int how)');
export const listen = declare<(fd: number, backlog: number) => number>('int listen(int fd, int backlog)');
export const accept4 = declare<(fd: number, address: Pointer, length: Pointer, flags: number) => number>(
  'int accept4(int fd, void *addr, void *len, int flags)',
);
export const connect = declare<(fd: number, address: Uint8Array, length: number) => number>(
  'int connect(int fd, const void *addr, unsigned int len)',
);
export const sendto = declare<
  (fd: number, data: Uint8Array, length: number, flags: number, address: Uint8Array, addressLength: number) => number | bigint
>('int64_t sendto(int fd, const void *buf, size_t len, int flags, const void *addr, unsigned int addrlen)');
export const recvmsg = declare<(fd: number, message: bigint, flags: number) => number | bigint>(
  'int64_t recvmsg(int fd, void *msg, int flags)',
);
export const sendmsg = declare<(fd: number, message: bigint, flags: number) => number | bigint>(
  'int64_t sendmsg(int fd, const void *msg, int flags)',
);
export const processVmReadv = declare<(pid: number, local: bigint, nl: number, remote: bigint, nr: number, flags: number) => number | bigint>(
  'int64_t process_vm_readv(int pid, const void *l, unsigned long nl, const void *r, unsigned long nr, unsigned long flags)',
);
export const processVmWritev = declare<(pid: number, local: bigint, nl: number, remote: bigint, nr: number, flags: number) => number | bigint>(
  'int64_t process_vm_writev(int pid, const void *l, unsigned long nl, const void *r, unsigned long nr, unsigned long flags)',
);
/** On x86-64 the three-dot function of the C library can be called as one with four arguments. */
export const ptrace = declare<(request: number, pid: number, address: bigint, data: bigint) => number | bigint>(
  'long ptrace(long request, int pid, unsigned long addr, unsigned long data)',
);
export const ptraceWith = declare<(request: number, pid: number, address: bigint, data: Uint8Array) => number | bigint>(
  'long ptrace(long request, int pid, unsigned long addr, void *data)',
);
export const waitpid = declare<(pid: number, status: Uint8Array, options: number) => number>('int waitpid(int pid, void *status, int options)');
export const posixSpawn = declare<
  (pid: Int32Array, path: string, actions: Uint8Array, attributes: Uint8Array, args: readonly (string | null)[], environment: readonly (string | null)[]) => number
>('int posix_spawn(int *pid, const char *path, void *file_actions, void *attrp, const char **argv, const char **envp)');
export const spawnActionsInit = declare<(actions: Uint8Array) => number>('int posix_spawn_file_actions_init(void *actions)');
export const spawnActionsDestroy = declare<(actions: Uint8Array) => number>('int posix_spawn_file_actions_destroy(void *actions)');
export const spawnActionsDup2 = declare<(actions: Uint8Array, fd: number, onto: number) => number>(
  'int posix_spawn_file_actions_adddup2(void *actions, int fd, int newfd)',
);
export const spawnActionsOpen = declare<(actions: Uint8Array, fd: number, path: string, flags: number, mode: number) => number>(
  'int posix_spawn_file_actions_addopen(void *actions, int fd, const char *path, int flags, unsigned int mode)',
);
export const spawnAttributesInit = declare<(attributes: Uint8Array) => number>('int posix_spawnattr_init(void *attr)');
export const spawnAttributesFlags = declare<(attributes: Uint8Array, flags: number) => number>('int posix_spawnattr_setflags(void *attr, short flags)');
export const spawnAttributesDefault = declare<(attributes: Uint8Array, signals: Uint8Array) => number>(
  'int posix_spawnattr_setsigdefault(void *attr, const void *sigdefault)',
);
export const spawnAttributesMask = declare<(attributes: Uint8Array, signals: Uint8Array) => number>(
  'int posix_spawnattr_setsigmask(void *attr, const void *sigmask)',
);

/** A system call that the C library has no function for. */
export const syscall = declare<(number: number, a: bigint, b: bigint, c: bigint, d: bigint, e: bigint) => number | bigint>(
  'long syscall(long number, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e)',
);

/** io_submit(2), whose number differs from machine to machine. */
export const ioSubmit = declare<(number: number, context: bigint, count: number, requests: bigint) => number>(
  'long syscall(long number, unsigned long context, long count, void *requests)',
);

/** The same with one argument more. */
export const syscallOfSix = declare<(number: number, a: bigint, b: bigint, c: bigint, d: bigint, e: bigint, f: bigint) => number | bigint>(
  'long syscall(long number, unsigned long a, unsigned long b, unsigned long c, unsigned long d, unsigned long e, unsigned long f)',
);

/** The calling thread's errno, right after a failed call. */
export function errno(): number {
  return koffi.errno();
}

const EINTR = 4;

/** Calls again what a signal has interrupted. For calls that block and can begin anew. */
export function uninterrupted<R extends number | bigint>(call: () => R): R {
  for (;;) {
    const result = call();
    if ((result !== -1 && result !== -1n) || errno() !== EINTR) return result;
  }
}

/** `result` if it is no failure; the failure as an exception otherwise. */
export function check(result: number | bigint, syscall: string, subject?: string): number {
  if (result === -1 || result === -1n) throw new SystemError(errno(), syscall, subject);
  return Number(result);
}

/** The memory at `address` as an ArrayBuffer; it must stay mapped for as long as anything uses the buffer. */
export function viewAt(address: bigint, length: number): ArrayBuffer {
  return koffi.view(address, length);
}
