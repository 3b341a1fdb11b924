// A network link between browsers and the server's media port: in each direction a rate with a queue that drops at its
// end, a delay, jitter without reordering, and loss by a seeded dice, single or in bursts. All of it can change while
// packets are on their way. Several browsers may share one link; each keeps an address of its own.

import { createSocket } from 'node:dgram';
import { performance } from 'node:perf_hooks';

const HEADERS_BYTES = 28; // IPv4 and UDP

// Mulberry32: the same losses in every run.
function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function bind() {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
    socket.on('error', reject);
    socket.bind(0, '127.0.0.1', () => resolve(socket));
  });
}

// One direction. kbps 0: no limit. loss is a share; burst: packets that are lost in a row, on average; aggregateMs: what
// leaves does so together, so often, as with Wi-Fi.
class Direction {
  shape = { kbps: 0, queueMs: 200, delayMs: 0, jitterMs: 0, aggregateMs: 0, loss: 0, burst: 1 };
  offered = 0; // packets
  dropped = 0; // by the full queue
  lost = 0; // by the dice
  bytes = 0; // that passed, with headers
  waits = []; // in the queue, ms, since the last look
  #roll;
  #freeAt = 0; // when the last packet will have left the queue
  #lastAt = 0; // when it will arrive: nothing overtakes it
  #waiting = [];
  #timer = null;
  #losing = false;

  constructor(seed) {
    this.#roll = dice(seed);
  }

  // Gilbert's two states: the share of packets in the losing one is `loss`.
  #isLost() {
    const { loss, burst } = this.shape;
    if (loss === 0) return false;
    if (burst <= 1) return this.#roll() < loss;
    const leave = 1 / burst;
    const enter = (leave * loss) / (1 - loss);
    this.#losing = this.#losing ? this.#roll() >= leave : this.#roll() < enter;
    return this.#losing;
  }

  // `deliver` is called when it comes, `drop` when it does not.
  take(packet, deliver, drop = () => {}) {
    const now = performance.now();
    const { kbps, queueMs, delayMs, jitterMs, aggregateMs } = this.shape;
    const bytes = packet.length + HEADERS_BYTES;
    this.offered++;
    if (this.#isLost()) {
      this.lost++;
      drop();
      return;
    }
    let leave = now;
    if (kbps > 0) {
      const wait = Math.max(0, this.#freeAt - now);
      if (wait > queueMs) {
        this.dropped++;
        drop();
        return;
      }
      this.waits.push(wait);
      leave = Math.max(now, this.#freeAt) + (bytes * 8) / kbps;
      this.#freeAt = leave;
    }
    this.bytes += bytes;
    if (aggregateMs > 0) leave = Math.ceil(leave / aggregateMs) * aggregateMs;
    const at = Math.max(this.#lastAt, leave + delayMs + this.#roll() * jitterMs);
    this.#lastAt = at;
    this.#waiting.push({ at, packet, deliver });
    this.#arm();
  }

  #arm() {
    if (this.#timer !== null || this.#waiting.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = null;
      const now = performance.now() + 0.2;
      while (this.#waiting.length > 0 && this.#waiting[0].at <= now) {
        const { packet, deliver } = this.#waiting.shift();
        deliver(packet);
      }
      this.#arm();
    }, Math.max(0, this.#waiting[0].at - performance.now()));
  }

  close() {
    clearTimeout(this.#timer);
    this.#waiting = [];
  }

  // What happened since the last look.
  look() {
    const { offered, dropped, lost, bytes, waits } = this;
    this.offered = this.dropped = this.lost = this.bytes = 0;
    this.waits = [];
    const sum = waits.reduce((total, wait) => total + wait, 0);
    return { offered, dropped, lost, bytes, queueMs: waits.length > 0 ? sum / waits.length : 0, queueMaxMs: Math.max(0, ...waits) };
  }
}

// A download over one direction that behaves as TCP Reno does: a window of packets, one more for each that is
// acknowledged to begin with, then one more a round trip; half of it for a loss, once a round trip.
export class Download {
  static #BYTES = 1472;
  bytes = 0; // that came
  #direction;
  #returnMs;
  #window = 10;
  #threshold = Infinity;
  #flying = 0;
  #recoverAt = 0;
  #over = false;

  constructor(direction, returnMs) {
    this.#direction = direction;
    this.#returnMs = returnMs;
    this.#send();
  }

  #send() {
    while (!this.#over && this.#flying < Math.floor(this.#window)) {
      const sentAt = performance.now();
      this.#flying++;
      const packet = { length: Download.#BYTES };
      // A loss is noticed when what followed it is acknowledged.
      const { queueMs, delayMs } = this.#direction.shape;
      this.#direction.take(
        packet,
        () => setTimeout(() => this.#acked(), this.#returnMs),
        () => setTimeout(() => this.#lost(sentAt), queueMs + delayMs + this.#returnMs),
      );
    }
  }

  #acked() {
    this.#flying--;
    this.bytes += Download.#BYTES + HEADERS_BYTES;
    this.#window += this.#window < this.#threshold ? 1 : 1 / this.#window;
    this.#send();
  }

  #lost(sentAt) {
    this.#flying--;
    if (sentAt >= this.#recoverAt) {
      this.#threshold = this.#window = Math.max(2, this.#window / 2);
      this.#recoverAt = performance.now();
    }
    this.#send();
  }

  end() {
    this.#over = true;
  }
}

export class ShapedLink {
  #front;
  #mediaPort;
  port; // that takes the place of the server's
  #paths = new Map(); // a browser's address -> the socket that stands for it
  down;
  up;

  static async open(mediaPort, { seed = 1, down = {}, up = {} } = {}) {
    const link = new ShapedLink();
    link.down = new Direction(seed);
    link.up = new Direction(seed + 1000);
    link.set({ down, up });
    link.#mediaPort = mediaPort;
    link.#front = await bind();
    link.port = link.#front.address().port;
    link.#front.on('message', (packet, from) => link.#outbound(packet, from));
    return link;
  }

  set({ down = {}, up = {} }) {
    Object.assign(this.down.shape, down);
    Object.assign(this.up.shape, up);
  }

  // What the server says about where media goes, with this link put in between.
  rewrite(text) {
    return text.replaceAll(`"port":${this.#mediaPort}`, `"port":${this.port}`);
  }

  close() {
    this.down.close();
    this.up.close();
    for (const path of this.#paths.values()) path.socket?.close();
    this.#front.close();
  }

  async #outbound(packet, from) {
    const key = `${from.address}:${from.port}`;
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = { socket: null, ready: bind() };
      this.#paths.set(key, path);
      path.socket = await path.ready;
      path.socket.on('message', (back) => this.down.take(back, (bytes) => this.#front.send(bytes, from.port, from.address)));
    }
    const socket = path.socket ?? (await path.ready);
    this.up.take(packet, (bytes) => socket.send(bytes, this.#mediaPort, '127.0.0.1'));
  }
}
