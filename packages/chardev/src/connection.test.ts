import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { Duplex, PassThrough, Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { Connection } from './connection.ts';

/** Two ends of a TCP connection, ours first. */
async function pair(): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true });
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const theirs = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1' });
  theirs.on('error', () => undefined);
  const ours = await accepted;
  server.close();
  return [ours, theirs];
}

async function read(connection: Connection): Promise<string> {
  let text = '';
  for await (const chunk of connection.chunks()) text += chunk.toString();
  return text;
}

describe('Connection', () => {
  it('ends reading, and loses what is written, when the client resets it', async () => {
    const [ours, theirs] = await pair();
    const connection = new Connection(ours, ours);
    const all = read(connection);
    theirs.resetAndDestroy();
    expect(await all).toBe('');
    await connection.write('nobody hears this');
    await connection.end();
    expect(connection.gone.aborted).toBe(true);
  });

  it('survives errors that come when nobody reads or writes', async () => {
    const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done(new Error('EPIPE')), final: (done) => done(new Error('ENOTCONN')) });
    const connection = new Connection(stream, stream);
    await connection.end();
    expect(connection.gone.aborted).toBe(true);
    const input = new PassThrough();
    const broken = new Connection(input, new Writable({ write: (_chunk, _encoding, done) => done(new Error('EPIPE')) }));
    await broken.write('x');
    await broken.write('y');
    input.destroy(new Error('EIO'));
    expect(await read(broken)).toBe('');
  });

  it('waits for a client that does not read, until it is disconnected', async () => {
    const stream = new Duplex({ read: () => undefined, write: () => undefined });
    const connection = new Connection(stream, stream);
    let written = false;
    const writing = connection.write('x').then(() => (written = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(written).toBe(false);
    connection.hangUp();
    await writing;
  });
});
