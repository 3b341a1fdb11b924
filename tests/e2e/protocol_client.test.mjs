// The unmodified npm package mediasoup-client, old and new, is fed with the real server's replies. Its FakeHandler
// checks every reply as in a browser, without media.

import { after, before, test } from 'node:test';
import { assert, gather } from './expect.mjs';
import { Server } from './harness.mjs';
import { CLIENT_LIBRARIES, FakeMediaStreamTrack, openDevice } from './media_kit.mjs';

let server;
before(async () => (server = await Server.start()));
after(() => server.stop());

for (const library of CLIENT_LIBRARIES) {
  test(`mediasoup-client ${library.version} loads, sends and receives`, async () => {
    const [ann, bob] = await gather(server, 'Ann', 'Bob');
    const sender = await openDevice(library, ann);
    const receiver = await openDevice(library, bob);
    assert.ok(sender.device.canProduce('audio') && sender.device.canProduce('video'));
    const produced = [];
    for (const [kind, more] of [
      ['audio', {}],
      ['video', {}],
      ['video', { encodings: [{ maxBitrate: 100_000 }, { maxBitrate: 500_000 }] }],
    ]) {
      const track = new FakeMediaStreamTrack({ kind });
      produced.push(await sender.send.produce({ track, appData: { kind }, ...more }));
    }
    for (const producer of produced) {
      const news = await bob.next('new-producer', ({ producerId }) => producerId === producer.id);
      assert.deepEqual(news.appData, { kind: producer.kind });
      const { id, producerId, kind, rtpParameters } = await bob.request('consume', {
        producerId: producer.id,
        transportId: receiver.recv.id,
        rtpCapabilities: receiver.device.rtpCapabilities,
        paused: true,
      });
      const consumer = await receiver.recv.consume({ id, producerId, kind, rtpParameters });
      assert.equal(consumer.track.kind, producer.kind);
      await bob.request('resume-consumer', { consumerId: id });
    }
    const { iceParameters } = await ann.request('restart-ice', { transportId: sender.send.id });
    await sender.send.restartIce({ iceParameters });
    produced[1].close();
    await ann.request('close-producer', { producerId: produced[1].id });
    await bob.next('producer-closed');
    const track = new FakeMediaStreamTrack({ kind: 'video' });
    const again = await sender.send.produce({ track });
    await bob.next('new-producer', ({ producerId }) => producerId === again.id);
    sender.send.close();
    receiver.recv.close();
  });
}

test('versions meet in one room', async () => {
  const clients = await gather(server, ...CLIENT_LIBRARIES.map(({ version }) => `with ${version}`));
  for (const [i, library] of CLIENT_LIBRARIES.entries()) {
    const { send } = await openDevice(library, clients[i]);
    const { id } = await send.produce({ track: new FakeMediaStreamTrack({ kind: 'video' }) });
    const other = clients[(i + 1) % clients.length];
    const receiver = await openDevice(CLIENT_LIBRARIES[(i + 1) % clients.length], other);
    const consumed = await other.request('consume', {
      producerId: id,
      transportId: receiver.recv.id,
      rtpCapabilities: receiver.device.rtpCapabilities,
    });
    await receiver.recv.consume(consumed);
  }
});
