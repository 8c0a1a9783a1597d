/** The relay between two wires, without the corridor around it. */
import { EventEmitter, once } from 'node:events';
import t, { type Test } from 'tap';
import { Tunnel, type TunnelOwner } from '../../src/tunnel/tunnel.js';
import { DEAF, Wire } from '../../src/wire.js';
import { content, Sink, Source, standstill } from '../support/flow.js';
import { acceptedPair, type RawClient, turns } from '../support/sockets.js';

const NOTHING = Buffer.alloc(0);

class Owner extends EventEmitter implements TunnelOwner {
  toBackend = 0;
  toClient = 0;
  active = 0;
  readonly events: string[] = [];

  sentToBackend(bytes: number): void {
    this.toBackend += bytes;
  }

  sentToClient(bytes: number): void {
    this.toClient += bytes;
  }

  tunnelActive(): void {
    this.active += 1;
  }

  tunnelClosed(): void {
    this.note('closed');
  }

  tunnelHalfGone(): void {
    this.note('half gone');
  }

  tunnelGone(): void {
    this.note('gone');
  }

  async until(event: string): Promise<void> {
    while (!this.events.includes(event)) await once(this, 'event');
  }

  private note(event: string): void {
    this.events.push(event);
    this.emit('event');
  }
}

interface Joined {
  readonly tunnel: Tunnel;
  readonly owner: Owner;
  /** The far ends of the two wires. */
  readonly client: RawClient;
  readonly backend: RawClient;
}

async function joined(t: Test, fromClient = '', fromBackend = ''): Promise<Joined> {
  const [front, back] = await Promise.all([acceptedPair(t), acceptedPair(t)]);
  const owner = new Owner();
  const tunnel = new Tunnel(new Wire(front.transport, DEAF), new Wire(back.transport, DEAF), owner, false);
  tunnel.open(Buffer.from(fromClient), Buffer.from(fromBackend));
  return { tunnel, owner, client: front.far, backend: back.far };
}

t.test('bytes go both ways and are counted', async t => {
  const { owner, client, backend } = await joined(t);
  client.send('question');
  await backend.until('question');
  backend.send('the answer');
  await client.until('the answer');
  t.equal(owner.toBackend, 8);
  t.equal(owner.toClient, 10);
  t.equal(owner.active, 2);
});

t.test('what had come in before is relayed first, and counted', async t => {
  const { owner, client, backend } = await joined(t, 'early', 'hello');
  client.send(' late');
  t.equal(await backend.until('late'), 'early late');
  t.equal(await client.until('hello'), 'hello');
  t.equal(owner.toBackend, 10);
  t.equal(owner.toClient, 5);
});

t.test('wires that were paused are read again', async t => {
  const [front, back] = await Promise.all([acceptedPair(t), acceptedPair(t)]);
  const [clientWire, backendWire] = [new Wire(front.transport, DEAF), new Wire(back.transport, DEAF)];
  clientWire.pause();
  backendWire.pause();
  front.far.send('ping');
  back.far.send('pong');
  new Tunnel(clientWire, backendWire, new Owner(), false).open(NOTHING, NOTHING);
  await back.far.until('ping');
  await front.far.until('pong');
});

for (const first of ['client', 'backend'] as const) {
  t.test(`when the ${first} ends, the other side hears it and may go on`, async t => {
    const all = await joined(t);
    const { owner } = all;
    const [ending, staying] = first === 'client' ? [all.client, all.backend] : [all.backend, all.client];
    ending.send('the last word');
    ending.socket.end();
    t.equal(await staying.ended(), 'the last word');
    t.equal(staying.ending, 'fin');
    staying.send('not quite');
    t.equal(await ending.until('not quite'), 'not quite');
    t.same(owner.events, []);
    staying.socket.end();
    t.equal(await ending.ended(), 'not quite');
    await owner.until('gone');
    t.equal(owner.events.filter(event => event === 'gone').length, 1);
  });

  t.test(`when the ${first} resets, the other side is closed behind what was sent`, async t => {
    const all = await joined(t);
    const { owner, tunnel } = all;
    const [ending, staying] = first === 'client' ? [all.client, all.backend] : [all.backend, all.client];
    ending.send('cut');
    await staying.until('cut');
    ending.socket.resetAndDestroy();
    await staying.ended();
    staying.socket.end();
    await owner.until('gone');
    t.ok(tunnel.gone);
    t.same(owner.events, ['half gone', 'gone'], 'each is told once');
  });
}

t.test('an end that came before the tunnel stood is passed on', async t => {
  const [front, back] = await Promise.all([acceptedPair(t), acceptedPair(t)]);
  const clientWire = new Wire(front.transport, DEAF);
  front.far.socket.end();
  while (!clientWire.ended) await turns(1);
  new Tunnel(clientWire, new Wire(back.transport, DEAF), new Owner(), false).open(Buffer.from('all there is'), NOTHING);
  t.equal(await back.far.ended(), 'all there is');
  back.far.send('still heard');
  await front.far.until('still heard');
});

t.test('destroying it ends both sides', async t => {
  const { tunnel, owner, client, backend } = await joined(t);
  tunnel.destroy();
  await Promise.all([client.ended(), backend.ended(), owner.until('gone')]);
  t.ok(tunnel.gone);
});

for (const slow of ['client', 'backend'] as const) {
  t.test(`a ${slow} that does not read pauses the other side, and loses nothing`, async t => {
    const all = await joined(t);
    const [reader, writer] = slow === 'client' ? [all.client, all.backend] : [all.backend, all.client];
    const { blocks, hash } = content(32);
    const size = 32 * (1 << 20);
    reader.socket.removeAllListeners('data').pause();
    const source = new Source(writer.socket, blocks);
    const done = source.run();
    await standstill(() => all.owner.toClient + all.owner.toBackend);
    t.ok(source.accepted < size / 2, `${source.accepted} of ${size} bytes were accepted`);
    const { client, backend } = all.tunnel;
    const taken = client.transport.taken + backend.transport.taken;
    t.ok(all.owner.toClient + all.owner.toBackend - taken < 1 << 20, 'little is queued in this process');
    all.tunnel.tookSome();
    t.notOk(all.tunnel.tookSome(), 'nobody takes anything');
    const sink = new Sink(reader.socket);
    reader.socket.resume();
    await done;
    t.equal(await sink.digest(size), hash);
    t.ok(all.tunnel.tookSome());
  });

  t.test(
    `when the ${slow} does not read and the other side is gone, what that one still says is not counted`,
    async t => {
      const all = await joined(t);
      const { owner } = all;
      const [reader, writer] = slow === 'client' ? [all.client, all.backend] : [all.backend, all.client];
      reader.socket.removeAllListeners('data').pause();
      const sink = new Source(writer.socket, content(16).blocks);
      const failed = sink.run().catch((error: Error) => error);
      await standstill(() => owner.toClient + owner.toBackend);
      const gone = slow === 'client' ? all.tunnel.backend : all.tunnel.client;
      gone.destroy();
      await owner.until('half gone');
      await failed;
      const before = owner.active;
      reader.send('are you there?');
      await standstill(() => owner.active);
      t.equal(owner.active, before, 'it does not keep the tunnel alive');
      reader.socket.resume();
      reader.socket.end();
      await owner.until('gone');
    },
  );
}
