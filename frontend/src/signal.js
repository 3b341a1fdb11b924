// One WebSocket connection that speaks the signalling protocol (docs/protocol.md): requests with ids and
// time-outs, notifications as events. It does not reconnect; its owner opens a new one.
//
// Events: 'notification' (detail: { type, data }), 'closed' (detail: { code, reason }).

const REQUEST_TIMEOUT_MS = 10_000;
const OPEN_TIMEOUT_MS = 10_000;

export class SignalError extends Error {
  constructor(code, message, request) {
    super(message);
    this.code = code;
    this.request = request;
  }
}

export class Signal extends EventTarget {
  #socket;
  #waiting = new Map(); // id -> { resolve, reject, timer, type }
  #nextId = 1;
  #closed = false;

  // Resolves with an open connection.
  static open(url) {
    return new Promise((resolve, reject) => {
      const socket = new WebSocket(url);
      const timer = setTimeout(() => socket.close(), OPEN_TIMEOUT_MS);
      socket.onopen = () => {
        clearTimeout(timer);
        resolve(new Signal(socket));
      };
      socket.onclose = () => {
        clearTimeout(timer);
        reject(new SignalError('unreachable', 'The server cannot be reached.'));
      };
    });
  }

  constructor(socket) {
    super();
    this.#socket = socket;
    socket.onmessage = (event) => this.#receive(event.data);
    socket.onclose = (event) => this.#end(event.code, event.reason);
  }

  // Resolves with the answer's data; rejects with a SignalError.
  request(type, data = {}) {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new SignalError('connection-lost', 'The connection is closed.', type));
        return;
      }
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new SignalError('timeout', `The server did not answer ${type}.`, type));
      }, REQUEST_TIMEOUT_MS);
      this.#waiting.set(id, { resolve, reject, timer, type });
      this.#socket.send(JSON.stringify({ type, id, data }));
    });
  }

  close() {
    this.#socket.close(1000);
    this.#end(1000, 'closed here');
  }

  #receive(text) {
    const { type, data = {}, id } = JSON.parse(text);
    const request = this.#waiting.get(id);
    if (request === undefined) {
      this.dispatchEvent(new CustomEvent('notification', { detail: { type, data } }));
      return;
    }
    this.#waiting.delete(id);
    clearTimeout(request.timer);
    if (type === 'error') request.reject(new SignalError(data.code, data.message, request.type));
    else request.resolve(data);
  }

  #end(code, reason) {
    if (this.#closed) return;
    this.#closed = true;
    for (const { reject, timer, type } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new SignalError('connection-lost', 'The connection to the server was lost.', type));
    }
    this.#waiting.clear();
    this.dispatchEvent(new CustomEvent('closed', { detail: { code, reason } }));
  }
}
