import type { types } from 'mediasoup-client';
import { describe, expect, test, vi } from 'vitest';
import { DataChannels } from '../src/data.ts';
import type { DataProducerInfo, Joined } from '../src/protocol.ts';
import type { Session } from '../src/session.ts';

type Handler = (...data: never[]) => void;

class FakeChannel {
  readyState = 'connecting';
  binaryType = '';
  closed = false;
  handlers: Record<string, Handler[]> = {};
  constructor(readonly id: string) {}
  on(event: string, handler: Handler) {
    (this.handlers[event] ??= []).push(handler);
  }
  once = this.on;
  tell(event: string, ...data: never[]) {
    for (const handler of this.handlers[event] ?? []) handler(...data);
  }
  close() {
    this.closed = true;
  }
}

function stage() {
  const asked: [string, object][] = [];
  const channels: FakeChannel[] = [];
  let producing: Handler;
  const request = vi.fn(async (type: string, data: object) => {
    asked.push([type, data]);
    return type === 'consume-data'
      ? {
          id: 'c1',
          dataProducerId: 'p9',
          label: 'x',
          protocol: '',
          sctpStreamParameters: { streamId: 3, ordered: true },
        }
      : { id: 'p1' };
  });
  const send = {
    id: 't1',
    on: (_event: string, handler: Handler) => void (producing = handler),
    async produceData({ label = '', appData = {} }: { label?: string; appData?: object }) {
      const ask = { sctpStreamParameters: { streamId: 0, ordered: true }, label, protocol: '', appData };
      const { id } = await new Promise<{ id: string }>((done, failed) =>
        producing(ask as never, done as never, failed as never),
      );
      channels.push(new FakeChannel(id));
      return channels.at(-1);
    },
  };
  const recv = {
    id: 't2',
    async consumeData({ id }: { id: string }) {
      channels.push(new FakeChannel(id));
      return channels.at(-1);
    },
  };
  const data = new DataChannels({ request } as unknown as Session, () => ({ send, recv }) as never);
  data.serve(send as unknown as types.Transport);
  return { data, asked, channels };
}

const soon = () => new Promise((resolve) => setTimeout(resolve));

describe('data channels', () => {
  test('a producer is asked for with what it is, and can send once it is open', async () => {
    const { data, asked, channels } = stage();
    const made = data.produce({ label: 'chat', broadcast: true, appData: { a: 1 } });
    await soon();
    const ask = {
      transportId: 't1',
      sctpStreamParameters: { streamId: 0, ordered: true },
      label: 'chat',
      protocol: '',
    };
    expect(asked).toEqual([['produce-data', { ...ask, broadcast: true, appData: { a: 1 } }]]);
    channels[0]!.tell('open');
    expect(await made).toBe(channels[0]);
    await data.closeProducer('p1');
    expect(channels[0]!.closed).toBe(true);
    expect(asked.at(-1)).toEqual(['close-data-producer', { dataProducerId: 'p1' }]);
  });

  test('a consumer begins when its channel is open, so that nothing is missed', async () => {
    const { data, asked, channels } = stage();
    const heard: unknown[] = [];
    const made = data.consume({ label: 'chat' }, (message, from) => heard.push([message, from.dataProducerId]));
    await soon();
    expect(asked).toEqual([['consume-data', { broadcast: true, label: 'chat', transportId: 't2', paused: true }]]);
    channels[0]!.tell('open');
    await made;
    expect(asked.at(-1)).toEqual(['resume-data-consumer', { dataConsumerId: 'c1' }]);
    channels[0]!.tell('message', 'hello' as never);
    expect(heard).toEqual([['hello', 'p9']]);
  });

  test('a channel that does not open is told, and what is gone after a return is closed', async () => {
    const { data, channels } = stage();
    const failed = data.produce({});
    await soon();
    channels[0]!.tell('transportclose');
    await expect(failed).rejects.toMatchObject({ code: 'connection-lost' });
    const made = data.consume({ dataProducerId: 'p9' }, () => {});
    await soon();
    channels[1]!.tell('open');
    await made;
    data.opened({ dataProducerId: 'p9' } as DataProducerInfo);
    data.joined({ dataConsumers: ['c1'] } as Joined);
    expect([data.available.size, channels[1]!.closed]).toEqual([0, false]);
    data.joined({} as Joined);
    expect(channels[1]!.closed).toBe(true);
  });
});
