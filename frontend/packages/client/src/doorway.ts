// What can be done before a click on "join": the WebSocket is opened, mediasoup-client loaded, and the browser asked what
// it can receive, so that a join takes one round trip and brings everything. All of it is a favour: whatever fails here is
// done again, and told, by the join.
import type { Device } from 'mediasoup-client';
import { Connection, type MakeSocket } from './connection.ts';

export class Doorway {
  #url: string;
  #makeSocket: MakeSocket | undefined;
  #connection: Promise<Connection | null> | null = null;
  #device: Promise<Device | null> | null = null;

  constructor(url: string, { makeSocket }: { makeSocket?: MakeSocket } = {}) {
    this.#url = url;
    this.#makeSocket = makeSocket;
  }

  // Opens what is not open. The server closes a connection that does not join in half a minute: call it again when
  // somebody does something.
  prepare(): void {
    this.#connection ??= this.#open();
    this.#device ??= this.#load();
  }

  // Nobody comes in here: closes what was opened.
  close(): void {
    void this.#connection?.then((connection) => connection?.close());
    this.#connection = null;
  }

  // The open connection, which is the caller's now; null: there is none.
  async takeConnection(): Promise<Connection | null> {
    const connection = await this.#connection;
    this.#connection = null;
    return connection?.closed ? null : (connection ?? null);
  }

  // The loaded device, once; null: there is none.
  async takeDevice(): Promise<Device | null> {
    const device = await this.#device;
    this.#device = null;
    return device;
  }

  async #open(): Promise<Connection | null> {
    const closed = () => void (this.#connection = null);
    return await Connection.open(this.#url, { notified: () => {}, closed }, this.#makeSocket).catch(() => {
      this.#connection = null;
      return null;
    });
  }

  async #load(): Promise<Device | null> {
    try {
      const { Device } = await import('mediasoup-client');
      const [device, connection] = await Promise.all([Device.factory(), this.#connection]);
      if (!connection) throw new Error('no server');
      await device.load(await connection.request('get-capabilities', {}));
      return device;
    } catch {
      this.#device = null; // no server, or one that does not know the request
      return null;
    }
  }
}
