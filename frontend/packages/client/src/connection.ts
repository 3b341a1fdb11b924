// One WebSocket that speaks the signalling protocol: requests with ids and time-outs, notifications in their order.
// It does not reconnect; a Session opens a new one.
import { RotundaError } from './errors.ts';
import type { Answer, NotificationType, RequestData, RequestType } from './protocol.ts';

// Half a character (a lone surrogate, as of an emoji that was cut in two) has no form in UTF-8, and so none in a message.
const HALF_CHARACTERS = /\p{Surrogate}/gu;
export const encode = (message: object): string =>
  JSON.stringify(message, (_, value: unknown) =>
    typeof value === 'string' ? value.replace(HALF_CHARACTERS, '\ufffd') : value,
  );

export const REQUEST_TIMEOUT_MS = 10_000;
const OPEN_TIMEOUT_MS = 10_000;

export type MakeSocket = (url: string) => WebSocket;

export interface Handlers {
  notified: (type: NotificationType, data: unknown) => void;
  closed: (code: number, reason: string) => void;
}

interface Waiting {
  type: RequestType;
  resolve: (data: never) => void;
  reject: (error: RotundaError) => void;
  timer: ReturnType<typeof setTimeout>;
}

export class Connection {
  #socket: WebSocket;
  #handlers: Handlers;
  #waiting = new Map<unknown, Waiting>();
  #nextId = 1;
  #closed = false;

  // Resolves once it is open; rejects with `unreachable`.
  static open(
    url: string,
    handlers: Handlers,
    makeSocket: MakeSocket = (to) => new WebSocket(to),
  ): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const unreachable = () => {
        clearTimeout(timer);
        reject(new RotundaError('unreachable', 'The server cannot be reached.'));
      };
      const timer = setTimeout(() => {
        socket.onclose = null;
        socket.close();
        unreachable();
      }, OPEN_TIMEOUT_MS);
      const socket = makeSocket(url);
      socket.onopen = () => {
        clearTimeout(timer);
        resolve(new Connection(socket, handlers));
      };
      socket.onclose = unreachable;
    });
  }

  private constructor(socket: WebSocket, handlers: Handlers) {
    this.#socket = socket;
    this.#handlers = handlers;
    socket.onmessage = ({ data }) => this.#receive(String(data));
    socket.onclose = ({ code, reason }) => this.#end(code, reason);
  }

  request<Type extends RequestType>(
    type: Type,
    data: RequestData<Type>,
    timeoutMs = REQUEST_TIMEOUT_MS,
  ): Promise<Answer<Type>> {
    return new Promise((resolve, reject) => {
      if (this.#closed) {
        reject(new RotundaError('connection-lost', 'The connection is closed.', type));
        return;
      }
      const id = this.#nextId++;
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new RotundaError('timeout', `The server did not answer ${type}.`, type));
      }, timeoutMs);
      this.#waiting.set(id, { type, resolve, reject, timer });
      this.#socket.send(encode({ type, id, data }));
    });
  }

  get closed(): boolean {
    return this.#closed;
  }

  // From now on these hear what comes.
  handOver(handlers: Handlers): void {
    this.#handlers = handlers;
  }

  close(): void {
    this.#socket.close(1000);
    this.#end(1000, 'closed here');
  }

  #receive(text: string): void {
    let message: { type: string; data?: Record<string, unknown>; id?: unknown };
    try {
      message = JSON.parse(text);
    } catch {
      return; // not of this protocol
    }
    const { type, data = {}, id } = message;
    const request = id === undefined ? undefined : this.#waiting.get(id);
    if (request === undefined) {
      // An answer that came after its time-out is nobody's.
      if (id === undefined) this.#handlers.notified(type as NotificationType, data);
      return;
    }
    this.#waiting.delete(id);
    clearTimeout(request.timer);
    if (type === 'error') {
      const { code, message: words } = data as { code: RotundaError['code']; message: string };
      request.reject(new RotundaError(code, words, request.type));
    } else {
      request.resolve(data as never);
    }
  }

  #end(code: number, reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const { reject, timer, type } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new RotundaError('connection-lost', 'The connection to the server was lost.', type));
    }
    this.#waiting.clear();
    this.#handlers.closed(code, reason);
  }
}
