import { describe, expect, test, vi } from 'vitest';
import type { types } from 'mediasoup-client';
import { DataChannels } from '../src/data.ts';
import { DataSeal } from '../src/e2ee/data.ts';
import { e2eeKey } from '../src/e2ee/key.ts';
import type { Session } from '../src/session.ts';

const KEY = e2eeKey();
const ANN = { senderId: 'ann', label: 'files' };
const buffer = (bytes: Uint8Array<ArrayBuffer>): ArrayBuffer => bytes.buffer;
// What is heard of it; null: nothing.
const openedBy = async (seal: DataSeal, ...message: Parameters<DataSeal['open']>) => {
  const opened = await seal.open(...message);
  return 'data' in opened ? opened.data : null;
};
const bytesOf = (...bytes: number[]) => Uint8Array.from(bytes);

describe('a sealed message', () => {
  test('is what was sent, a text or bytes, in any order', async () => {
    const [one, other] = [await DataSeal.of(KEY), await DataSeal.of(KEY)];
    const seal = one.sealing(ANN);
    const view = bytesOf(9, 1, 2, 9);
    const sent = ['hello', '', view.buffer, view.subarray(1, 3), new Blob([bytesOf(7)])];
    const sealed = sent.map((message) => seal(message));
    view.fill(0); // is the sender's again
    const opened = [];
    for (const message of (await Promise.all(sealed)).reverse())
      opened.unshift(await openedBy(other, buffer(message), ANN));
    expect(opened.map((message) => (typeof message === 'string' ? message : [...new Uint8Array(message!)]))).toEqual([
      'hello',
      '',
      [9, 1, 2, 9],
      [1, 2],
      [7],
    ]);
    expect(Buffer.from(await seal('hello')).includes('hello')).toBe(false);
  });

  test('is nothing to whom it is not from, for another channel, with another key, changed, cut or said again', async () => {
    const seal = (await DataSeal.of(KEY)).sealing(ANN);
    const other = await DataSeal.of(KEY);
    const sealed = buffer(await seal('pay bob'));
    expect(await openedBy(other, sealed, { ...ANN, senderId: 'eve' })).toBeNull();
    expect(await openedBy(other, sealed, { ...ANN, label: 'chat' })).toBeNull();
    expect(await (await DataSeal.of(e2eeKey())).open(sealed, ANN)).toEqual({ refusal: 'wrong-key' });
    expect(await openedBy(other, 'pay bob', ANN)).toBeNull();
    for (let i = 0; i < sealed.byteLength; i++) {
      const changed = new Uint8Array(sealed.slice(0));
      changed[i]! ^= 1;
      expect(await openedBy(other, buffer(changed), ANN)).toBeNull();
      expect(await openedBy(other, sealed.slice(0, i), ANN)).toBeNull();
    }
    expect(await openedBy(other, sealed, ANN)).toBe('pay bob');
    expect(await other.open(sealed, ANN)).toEqual({ refusal: 'replayed' });
    const clear = [await other.open('pay bob', ANN), await other.open(buffer(bytesOf(...new Array(99).fill(7))), ANN)];
    expect(clear).toEqual([{ refusal: 'not-encrypted' }, { refusal: 'not-encrypted' }]);
    const late = buffer(await seal('late'));
    for (let i = 0; i < 3000; i++) expect(await openedBy(other, buffer(await seal(`${i}`)), ANN)).toBe(`${i}`);
    expect(await openedBy(other, late, ANN)).toBeNull();
    expect(await openedBy(other, sealed, ANN)).toBeNull();
  });
});

// What goes over the wire between two sides, as far as DataChannels sees it.
function side(key: string | undefined, userId: string, appData: object, told: object[] = []) {
  const sent: Uint8Array<ArrayBuffer>[] = [];
  const asked: [string, unknown][] = [];
  let hear: (data: unknown) => void = () => {};
  const request = async (type: string, data: object) => {
    asked.push([type, data]);
    return {
      id: 'c',
      dataConsumerId: 'c',
      dataProducerId: 'p',
      label: 'files',
      protocol: '',
      userId: 'ann',
      appData,
      sctpStreamParameters: {},
    };
  };
  const channel = (id: string) => ({ id, readyState: 'open', closed: false, close() {}, once() {} });
  const send = {
    on() {},
    produceData: vi.fn(async () => ({ ...channel('p'), on() {}, send: (data: never) => void sent.push(data) })),
  };
  const recv = {
    id: 'r',
    consumeData: async () => ({
      ...channel('c'),
      on: (event: string, handler: typeof hear) => void (event === 'message' && (hear = handler)),
    }),
  };
  const transports = { send, recv } as unknown as { send: types.Transport; recv: types.Transport };
  const channels = new DataChannels(
    { request, userId } as unknown as Session,
    () => transports,
    key,
    (news) => {
      told.push(news);
    },
  );
  return { channels, sent, asked, send, hears: (data: unknown) => hear(data) };
}

describe('data channels of an encrypted room', () => {
  test('say that they are, send nothing clear, and hear nothing clear', async () => {
    const ann = side(KEY, 'ann', {});
    const bob = side(KEY, 'bob', { e2ee: true });
    const producer = await ann.channels.produce({ label: 'files' });
    expect(ann.send.produceData).toHaveBeenCalledWith({
      label: 'files',
      appData: { broadcast: undefined, e2ee: true },
    });
    const heard: unknown[] = [];
    await bob.channels.consume({ dataProducerId: 'p' }, (data) => heard.push(data));
    producer.send('one');
    producer.send('two');
    await vi.waitFor(() => expect(ann.sent.length).toBe(2));
    bob.hears('clear');
    for (const message of ann.sent) bob.hears(buffer(message));
    await vi.waitFor(() => expect(heard).toEqual(['one', 'two']));
  });

  test('count what cannot be read, and tell it once of each reason', async () => {
    const told: object[] = [];
    const heard: unknown[] = [];
    const ann = side(KEY, 'ann', {});
    const own = await ann.channels.produce({ label: 'files' });
    const bob = side(KEY, 'bob', { e2ee: true }, told);
    await bob.channels.consume({ dataProducerId: 'p' }, (data) => heard.push(data));
    const sealWith = (await DataSeal.of(e2eeKey())).sealing(ANN);
    for (let i = 0; i < 50; i++) {
      bob.hears(buffer(await sealWith('unreadable')));
      bob.hears('clear');
    }
    own.send('the end');
    await vi.waitFor(() => expect(ann.sent.length).toBe(1));
    bob.hears(buffer(ann.sent[0]!));
    bob.hears(buffer(ann.sent[0]!)); // once more: a copy is nothing that anybody misses
    await vi.waitFor(() => expect(heard).toEqual(['the end']));
    const of = { dataConsumerId: 'c', userId: 'ann', label: 'files' };
    expect(told).toEqual([
      { ...of, state: 'wrong-key' },
      { ...of, state: 'not-encrypted' },
    ]);
    expect([...bob.channels.unreadable]).toEqual([['c', 100]]);
    bob.channels.consumerClosed('c');
    expect(bob.channels.unreadable.size).toBe(0);
    await bob.channels.consume({ dataProducerId: 'p' }, () => {});
    bob.hears('clear');
    await vi.waitFor(() => expect(told.length).toBe(3)); // another channel, told of anew
  });

  test('open once what encrypts them has loaded, at the next try', async () => {
    const [ann, bob] = [side(KEY, 'ann', {}), side(KEY, 'bob', { e2ee: true })];
    const lost = vi.spyOn(DataSeal, 'of').mockRejectedValue(new TypeError('Failed to fetch'));
    await expect(ann.channels.produce({ label: 'files' })).rejects.toThrow('Failed to fetch');
    await expect(bob.channels.consume({ dataProducerId: 'p' }, () => {})).rejects.toThrow('Failed to fetch');
    expect(ann.send.produceData).not.toHaveBeenCalled();
    expect(bob.asked).toEqual([]); // nor does the server keep a consumer that nobody has
    lost.mockRestore();
    const heard: unknown[] = [];
    await bob.channels.consume({ dataProducerId: 'p' }, (data) => heard.push(data));
    const producer = await ann.channels.produce({ label: 'files' });
    const of = vi.spyOn(DataSeal, 'of');
    await ann.channels.produce({ label: 'files' }); // by the same, which counts what it has sealed
    expect(of).not.toHaveBeenCalled();
    of.mockRestore();
    producer.send('one');
    await vi.waitFor(() => expect(ann.sent.length).toBe(1));
    bob.hears(buffer(ann.sent[0]!));
    await vi.waitFor(() => expect(heard).toEqual(['one']));
  });

  test('are not taken without the key', async () => {
    const eve = side(undefined, 'eve', { e2ee: true });
    await expect(eve.channels.consume({ dataProducerId: 'p' }, () => {})).rejects.toMatchObject({ code: 'e2ee-key' });
    expect(eve.asked.map(([type]) => type)).toEqual(['consume-data', 'close-data-consumer']);
    const plain = await eve.channels.produce({ label: 'files' });
    plain.send('clear');
    expect(eve.sent).toEqual(['clear']);
  });
});
