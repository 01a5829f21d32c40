import { closeSync } from 'node:fs';
import { MessageSocket, unixPair, type SaveDescriptor, type TakeDescriptor } from '@vpmem/native';

/** Descriptors that are put aside for another server of this process, as a store of them does it for another process. */
export class DescriptorShelf {
  readonly #ends: readonly MessageSocket[] = unixPair().map((fd) => new MessageSocket(fd));
  readonly #byNumber: number[] = [];
  readonly #numbers = new Map<number, number>();

  readonly put: SaveDescriptor = (fd) => {
    const known = this.#numbers.get(fd);
    if (known !== undefined) return known;
    const number = this.#byNumber.push(this.#copy(fd)) - 1;
    this.#numbers.set(fd, number);
    return number;
  };

  readonly take: TakeDescriptor = (number) => {
    const fd = this.#byNumber[number];
    if (fd === undefined) throw new RangeError(`there is no descriptor of number ${number}`);
    return this.#copy(fd);
  };

  /** What is closed may be another file from now on. */
  readonly forget = (fd: number): void => {
    this.#numbers.delete(fd);
  };

  close(): void {
    for (const fd of this.#byNumber) closeSync(fd);
    for (const end of this.#ends) end.close();
  }

  /** Through a socket: what arrives there is another descriptor of the same open file. */
  #copy(fd: number): number {
    const [here, there] = this.#ends;
    const [byte, fds] = [Uint8Array.of(0), [] as number[]];
    here?.send(byte, [fd]);
    there?.receive(byte, fds);
    return fds[0] ?? -1;
  }
}
