// A stretch of bad network between browsers and the server's media port: a UDP relay that loses media packets by a
// seeded dice, and can give a browser a new address in mid-call, as a change of network does.

import { createSocket } from 'node:dgram';

const isMedia = (packet) => packet[0] >= 128 && packet[0] <= 191; // RTP and RTCP, RFC 7983
const isStunSuccess = (packet) => packet.readUInt16BE(0) === 0x0101;

// Mulberry32: the same losses in every run.
function dice(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

function bind(port = 0) {
  return new Promise((resolve, reject) => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
    socket.on('error', reject);
    socket.bind(port, '127.0.0.1', () => resolve(socket));
  });
}

export class LossyLink {
  lost = 0;
  passed = 0;
  loss = 0; // 0..1, of media packets in either direction
  #front;
  #paths = new Map(); // a browser's address -> its path
  #roll;
  #mediaPort;

  static async open(mediaPort, { loss = 0, seed = 1 } = {}) {
    const link = new LossyLink();
    link.loss = loss;
    link.#roll = dice(seed);
    link.#mediaPort = mediaPort;
    link.#front = await bind();
    link.#front.on('message', (packet, from) => link.#outbound(packet, from));
    return link;
  }

  get port() {
    return this.#front.address().port;
  }

  // What the server says about where media goes, with this link put in between, which knows no TCP.
  rewrite(text) {
    const message = JSON.parse(text);
    const told = message.data?.iceCandidates;
    if (told) message.data.iceCandidates = told.filter(({ protocol }) => protocol === 'udp').map((candidate) => ({ ...candidate, port: this.port }));
    return JSON.stringify(message);
  }

  // Every browser gets a new address: connectivity checks use it at once, media as soon as the server has answered one.
  // `cut`: nothing reaches the old address any more, as when a network is gone; else both work for a while.
  async migrate({ cut = false } = {}) {
    for (const path of this.#paths.values()) {
      if (cut) path.current.removeAllListeners('message');
      path.next = await bind();
      path.movedAt = null; // when the server heard of it
      path.mediaAt = null; // when it sent media there
      this.#listen(path, path.next);
    }
    return this.#paths.size;
  }

  // How long after the first check from the new address media came there, of each browser's transport that gets any.
  get gapsMs() {
    return [...this.#paths.values()].filter(({ mediaAt }) => mediaAt).map(({ movedAt, mediaAt }) => mediaAt - movedAt);
  }

  get migrating() {
    return [...this.#paths.values()].filter(({ next }) => next !== null).length;
  }

  close() {
    for (const { sockets } of this.#paths.values()) for (const socket of sockets) socket.close();
    this.#front.close();
  }

  #drops(packet) {
    const drop = isMedia(packet) && this.#roll() < this.loss;
    if (drop) this.lost++;
    else this.passed++;
    return drop;
  }

  async #outbound(packet, from) {
    const key = `${from.address}:${from.port}`;
    let path = this.#paths.get(key);
    if (path === undefined) {
      path = { from, current: null, next: null, sockets: [], waiting: [] };
      this.#paths.set(key, path);
      const socket = await bind();
      this.#listen(path, socket);
      path.current = socket;
      for (const early of path.waiting) socket.send(early, this.#mediaPort, '127.0.0.1');
    }
    if (this.#drops(packet)) return;
    if (path.current === null) path.waiting.push(packet);
    else if (path.next && packet[0] < 4) path.movedAt ??= performance.now();
    if (path.current !== null) (packet[0] < 4 && path.next ? path.next : path.current).send(packet, this.#mediaPort, '127.0.0.1');
  }

  #listen(path, socket) {
    path.sockets.push(socket);
    socket.on('message', (packet) => {
      if (socket === path.next && packet.length >= 20 && isStunSuccess(packet)) {
        path.current = socket;
        path.next = null;
      }
      if (path.movedAt && socket === path.current && isMedia(packet) && packet.length > 200) path.mediaAt ??= performance.now();
      if (!this.#drops(packet)) this.#front.send(packet, path.from.port, path.from.address);
    });
  }
}
