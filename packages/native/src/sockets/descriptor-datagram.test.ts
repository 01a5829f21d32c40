import { closeSync, fstatSync, readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DatagramReceiver, DatagramSender, MAX_DATAGRAM } from './descriptor-datagram.ts';
import { openPipe } from './pipe.ts';
import { sendDatagram } from './unix-datagram.ts';

const address = `@vpmem-datagram-${process.pid}`;
const descriptors = (): string => readdirSync('/proc/self/fd').join();

let before: string;
let receiver: DatagramReceiver;
let sender: DatagramSender;
beforeEach(() => {
  before = descriptors();
  receiver = new DatagramReceiver(address);
  sender = new DatagramSender(address, 20);
});
afterEach(() => {
  sender.close();
  receiver.close();
  expect(descriptors()).toBe(before);
});

describe('a datagram with descriptors', () => {
  it('arrives as it was sent, and says whose it is', () => {
    const pipe = openPipe();
    sender.send(Buffer.from('two'), pipe);
    sender.send(Buffer.from('none'));
    const [first, second] = [receiver.receive(), receiver.receive()];
    expect(first).toMatchObject({ data: Buffer.from('two'), pid: process.pid, uid: process.getuid?.() });
    expect(first?.fds.map((fd) => fstatSync(fd).ino)).toEqual(pipe.map((fd) => fstatSync(fd).ino));
    expect(second).toMatchObject({ data: Buffer.from('none'), fds: [] });
    expect(receiver.receive()).toBeUndefined();
    for (const fd of [...pipe, ...(first?.fds ?? [])]) closeSync(fd);
  });

  it('carries 253 of them', () => {
    sender.send(Buffer.from('many'), Array.from({ length: 253 }, () => 0));
    const fds = receiver.receive()?.fds ?? [];
    expect(new Set(fds).size).toBe(253);
    for (const fd of fds) closeSync(fd);
    expect(() => sender.send(Buffer.from('more'), Array.from({ length: 254 }, () => 0))).toThrow(RangeError);
  });

  it('is thrown away, descriptors and all, where it is longer than what is read', () => {
    sendDatagram(address, Buffer.alloc(MAX_DATAGRAM + 1));
    expect(receiver.receive()).toBeUndefined();
    sender.send(Buffer.alloc(MAX_DATAGRAM), [0]);
    const whole = receiver.receive();
    expect(whole?.data.length).toBe(MAX_DATAGRAM);
    for (const fd of whole?.fds ?? []) closeSync(fd);
    expect(() => sender.send(Buffer.alloc(MAX_DATAGRAM + 1))).toThrow(RangeError);
  });

  it('waits for a receiver that does not read, and not for ever', () => {
    expect(() => {
      for (let i = 0; i < 100_000; i++) sender.send(Buffer.from('x'));
    }).toThrow(/EAGAIN/);
    while (receiver.receive() !== undefined);
    sender.send(Buffer.from('again'));
    expect(receiver.receive()?.data.toString()).toBe('again');
  });

  it('finds nobody', () => {
    const lost = new DatagramSender(`${address}-nobody`, 20);
    expect(() => lost.send(Buffer.from('x'), [0])).toThrow(/ECONNREFUSED/);
    lost.close();
    expect(() => new DatagramReceiver(address)).toThrow(/EADDRINUSE/);
  });
});
