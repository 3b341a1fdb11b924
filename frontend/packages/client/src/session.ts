// A stay in a room as far as signalling goes: joins, finds a dead connection, reconnects and resumes, leaves.
// What the stay is for (media, a call) listens here and asks here; see room.ts and call.ts.
import { unfold } from './brief.ts';
import { Connection, type Handlers, type MakeSocket } from './connection.ts';
import type { Doorway } from './doorway.ts';
import { Emitter } from './emitter.ts';
import { RotundaError, codeOf } from './errors.ts';
import type {
  Answer,
  Joined,
  LobbyDecision,
  Notifications,
  NotificationType,
  RequestData,
  RequestType,
} from './protocol.ts';

// Grows to 5 s; together a little over a minute and a half, three times as long as the server keeps a session.
const RETRY_DELAYS_MS = [0, 500, 1000, 2000, 3000, ...Array<number>(17).fill(5000)];
// Half of each delay is fixed and half is chance, lest all who lost one server come back to it at the same instant. The
// first try after a loss is for a cut of the own network, and yet need not be everybody's.
const FIRST_RETRY_WITHIN_MS = 500;
const spread = (delayMs: number) =>
  delayMs === 0 ? Math.random() * FIRST_RETRY_WITHIN_MS : delayMs * (0.5 + Math.random());
const TEMPORARY = new Set([
  'unreachable',
  'connection-lost',
  'timeout',
  'username-taken',
  'rate-limited',
  'password-attempts',
  'draining',
  'internal',
]);
// A first join that fails so is tried again; one whose name is taken asks the person.
const TEMPORARY_AT_FIRST = new Set(['unreachable', 'connection-lost', 'timeout', 'rate-limited']);
const PING_EVERY_MS = 10_000;
const PONG_WITHIN_MS = 5_000;
const TAKEN_OVER = 4001;
const GONE = 1006; // RFC 6455, section 7.4.1

// Where a server that ends sends its people, as far as it may be followed: a page from https opens no plain WebSocket.
function placeToGo(url: string | null | undefined, from: string): string {
  if (!url || !/^wss?:\/\//.test(url)) return from;
  return from.startsWith('wss:') && !url.startsWith('wss:') ? from : url;
}

export type SessionState =
  | { name: 'idle' }
  | { name: 'joining'; retry?: { retryAt: number; error: RotundaError } } // retry: it has failed, and will be tried again
  | { name: 'waiting' } // in the lobby, for a moderator
  | { name: 'joined' }
  | { name: 'lost'; attempt: number; retryAt: number } // retryAt: milliseconds since 1970
  | { name: 'ended'; error: RotundaError | null }; // null: left

interface SessionEvents {
  state: SessionState;
  // Once after each join, first or resumed, before any notification of it.
  joined: Joined;
  notification: { [Type in NotificationType]: { type: Type; data: Notifications[Type] } }[NotificationType];
}

type TokenStore = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;

export interface SessionOptions {
  token?: string; // where the server wants one
  password?: string; // where the room has one
  encrypts?: boolean; // from end to end: rooms that take nothing else want to know
  makeSocket?: MakeSocket;
  // Where the resume token lives, so that a reloaded page can take up its own session.
  tokenStore?: TokenStore;
  // Where it lives for a new tab that takes the place over, after a crash; used when `takeOver` says so.
  placeStore?: TokenStore;
  takeOver?: boolean;
  doorway?: Doorway; // has the first connection open already
  // What else a join is to ask for; null: nothing.
  // moving: to another process of a server that ends.
  joinWith?: (moving: boolean) => Promise<Partial<RequestData<'join-room'>>> | null;
  // After a move to another server: the connection to the former one is the caller's now, which leaves there and closes it.
  // Without this it is left at once.
  keepFormer?: (connection: Connection) => void;
  retryFirst?: boolean; // a first join that finds no server is tried again, as a lost one is; default: yes
}

const tokenKey = (roomId: string, username: string) => `rotunda:${roomId}:${username}`;

// Whether a place in this room under this name was this browser's, and may still be.
export function mayTakeOver(store: TokenStore | undefined, roomId: string, username: string): boolean {
  return store?.getItem(tokenKey(roomId, username)) != null;
}

// Throws unless the decision is to let this side in; null: the connection has ended.
function admitted(decision: LobbyDecision | null): void {
  if (decision === null) throw new RotundaError('connection-lost', 'The connection to the server was lost.');
  if (decision.state !== 'admitted')
    throw new RotundaError(decision.state, decision.message ?? '', 'join-room', decision.by);
}

export function leaveAndClose(connection: Connection): void {
  connection
    .request('leave-room', {})
    .catch(() => {})
    .finally(() => connection.close());
}

// Waits for something of a connection that is asked meanwhile whether it is still there.
async function alive<T>(connection: Connection, something: Promise<T>): Promise<T> {
  const timer = setInterval(() => {
    connection.request('ping', {}, PONG_WITHIN_MS).catch((error) => codeOf(error) === 'timeout' && connection.close());
  }, PING_EVERY_MS);
  return something.finally(() => clearInterval(timer));
}

export class Session extends Emitter<SessionEvents> {
  state: SessionState = { name: 'idle' };
  userId: string | null = null;
  iceServers: RTCIceServer[] = [];

  url: string; // of the server that it is at, or is to look for
  readonly roomId: string;
  readonly username: string;
  #options: SessionOptions;
  #connection: Connection | null = null;
  #coming: Connection | null = null; // that has not joined yet
  #token: string | undefined;
  #pingTimer: ReturnType<typeof setInterval> | undefined;
  #wake: (() => void) | null = null;
  #moving: Connection | null = null; // from this one, to another server
  #entering = false; // there, just now

  constructor(url: string, roomId: string, username: string, options: SessionOptions = {}) {
    super();
    this.url = url;
    this.roomId = roomId;
    this.username = username;
    this.#options = options;
    const stores = [options.tokenStore, options.takeOver ? options.placeStore : undefined];
    this.#token = stores.map((store) => store?.getItem(this.#tokenKey)).find((token) => token != null) ?? undefined;
  }

  async join(): Promise<Joined> {
    this.#set({ name: 'joining' });
    try {
      return await this.#enterFirst();
    } catch (error) {
      const known = error instanceof RotundaError ? error : new RotundaError('internal', String(error));
      if (!this.#over) this.#end(known);
      throw known;
    }
  }

  request<Type extends RequestType>(type: Type, data: RequestData<Type>): Promise<Answer<Type>> {
    if (this.#connection === null)
      return Promise.reject(new RotundaError('connection-lost', 'There is no connection to the server.', type));
    return this.#connection.request(type, data);
  }

  // Says goodbye if it can; the state is `ended` at once. A page that may only be reloading keeps its token, in case
  // the goodbye does not get through.
  leave({ keepToken = false } = {}): void {
    if (this.#over) return;
    const connection = this.#connection;
    this.#connection = null;
    this.#end(null, keepToken);
    this.#coming?.close();
    if (connection) leaveAndClose(connection);
  }

  // Do not wait for the countdown; or find out now whether the connection still works.
  retryNow(): void {
    if (this.#wake) this.#wake();
    else void this.#ping();
  }

  // As if the network had cut the WebSocket.
  cut(): void {
    this.#connection?.close();
  }

  async #enterFirst(): Promise<Joined> {
    for (const [attempt, delay] of RETRY_DELAYS_MS.entries()) {
      const { url } = this;
      try {
        return await this.#enter();
      } catch (error) {
        const away = this.url !== url; // a server that ends has named the next one
        const temporary = error instanceof RotundaError && (TEMPORARY_AT_FIRST.has(error.code) || away);
        const known = temporary ? error : null;
        const last = attempt === RETRY_DELAYS_MS.length - 1;
        if (this.#over || known === null || last || this.#options.retryFirst === false) throw error;
        const wait = spread(delay);
        this.#set({ name: 'joining', retry: { retryAt: Date.now() + wait, error: known } });
        await this.#sleep(wait);
        if (this.#over) throw new RotundaError('left', 'This side has left.');
      }
    }
    throw new RotundaError('unreachable', 'The server cannot be reached.');
  }

  // Anew, at `url`, when `moveTo` says so.
  async #enter(moveTo: string | null = null): Promise<Joined> {
    const early: SessionEvents['notification'][] = [];
    let open = false;
    const tell = (notification: SessionEvents['notification']) => {
      this.emit('notification', notification);
      if (notification.type === 'server-draining') void this.#move(notification.data.url);
    };
    let decide: ((decision: LobbyDecision | null) => void) | null = null;
    const handlers: Handlers = {
      notified: (type, data) => {
        if (open && this.#connection !== connection) return; // of the server that was left
        const notification = { type, data } as SessionEvents['notification'];
        if (type === 'lobby' && decide) return decide(data as unknown as LobbyDecision);
        if (type === 'kicked' || type === 'room-closed') this.#putOut(data as Notifications['kicked']);
        if (open) tell(notification);
        else early.push(notification);
      },
      closed: (code) => {
        decide?.(null);
        if (this.#connection !== connection) return;
        this.#connection = null;
        if (!this.#entering) void this.#lost(code); // else #move sees to it
      },
    };
    const { doorway, joinWith } = this.#options;
    const ready = doorway && moveTo === null ? await doorway.takeConnection() : null;
    ready?.handOver(handlers);
    const connection = ready ?? (await Connection.open(moveTo ?? this.url, handlers, this.#options.makeSocket));
    let joined: Joined;
    this.#coming = connection;
    try {
      if (this.#over) throw new RotundaError('left', 'This side has left.');
      const more = joinWith?.(moveTo !== null) ?? null;
      const data: RequestData<'join-room'> = {
        ...(more && (await more)),
        roomId: this.roomId,
        username: this.username,
        ...(this.#token === undefined || moveTo !== null ? {} : { resumeToken: this.#token }),
        ...(this.#options.token === undefined ? {} : { token: this.#options.token }),
        ...(this.#options.encrypts ? { e2ee: true } : {}),
        ...(this.#options.password === undefined ? {} : { password: this.#options.password }),
      };
      let answer = await connection.request('join-room', data);
      if ('state' in answer) {
        const before = this.state;
        if (moveTo === null) this.#set({ name: 'waiting' }); // else the call goes on at the other server
        admitted(await alive(connection, new Promise<LobbyDecision | null>((resolve) => (decide = resolve))));
        decide = null;
        if (this.#over) throw new RotundaError('left', 'This side has left.');
        if (moveTo === null) this.#set(before);
        answer = await connection.request('join-room', data);
        if ('state' in answer) throw new RotundaError('internal', 'The server has the session wait again.');
      }
      joined = unfold(answer);
      if (this.#over) throw new RotundaError('left', 'This side has left.');
    } catch (error) {
      connection.close();
      const away = early.find(({ type }) => type === 'server-draining');
      if (away?.type === 'server-draining' && codeOf(error) === 'draining' && moveTo === null)
        this.url = placeToGo(away.data.url, this.url);
      throw this.#over ? new RotundaError('left', 'This side has left.') : error;
    } finally {
      this.#coming = null;
    }
    const former = this.#connection;
    this.#connection = connection;
    if (moveTo !== null) this.url = moveTo;
    this.userId = joined.userId;
    this.iceServers = joined.iceServers;
    this.#token = joined.resumeToken;
    for (const store of this.#stores) store.setItem(this.#tokenKey, joined.resumeToken);
    clearInterval(this.#pingTimer);
    this.#pingTimer = setInterval(() => void this.#ping(), PING_EVERY_MS);
    const { keepFormer } = this.#options;
    if (former) keepFormer?.(former);
    this.#set({ name: 'joined' });
    this.emit('joined', joined);
    open = true;
    for (const notification of early) tell(notification);
    if (former && !keepFormer) leaveAndClose(former);
    return joined;
  }

  // The server ends: another process takes over, at the place that it names or behind the same address. The call goes on
  // here until somebody there lets this side in; a server that is gone before that is a lost connection.
  async #move(url: string | null | undefined): Promise<void> {
    const from = this.#connection;
    if (from === null || this.#moving === from) return;
    this.#moving = from; // a connection that was resumed meanwhile hears of it again, and moves by itself
    const to = placeToGo(url, this.url);
    for (const delay of RETRY_DELAYS_MS.filter((_, i) => i !== 1)) {
      await new Promise((resolve) => setTimeout(resolve, spread(delay)));
      if (this.#over || this.#connection === null || this.#connection !== from) break;
      this.#entering = true;
      const failure = await this.#enter(to).then(() => null, codeOf);
      this.#entering = false;
      if (this.#connection === null && !this.#over) void this.#lost(GONE);
      // Who is not let in there may stay until the end, and hears then why it cannot return.
      if (failure === null || !TEMPORARY.has(failure ?? '') || this.#connection !== from) break;
    }
    if (this.#moving === from) this.#moving = null;
  }

  // The place is gone: no return, and no other try.
  #putOut({ reason, message, by }: Notifications['kicked' | 'room-closed']): void {
    const code = reason === 'token-expired' || reason === 'room-closed' || reason === 'banned' ? reason : 'kicked';
    const connection = this.#connection;
    this.#connection = null;
    this.#end(new RotundaError(code, message ?? '', undefined, by));
    connection?.close();
  }

  // A connection that does not answer is dead, whatever the browser thinks of it.
  async #ping(): Promise<void> {
    const connection = this.#connection;
    await connection?.request('ping', {}, PONG_WITHIN_MS).catch((error) => {
      if (codeOf(error) === 'timeout') connection.close();
    });
  }

  async #lost(code: number): Promise<void> {
    clearInterval(this.#pingTimer);
    if (this.#over) return;
    if (code === TAKEN_OVER) {
      this.#end(new RotundaError('taken-over', 'The call continues in another tab.'));
      return;
    }
    for (const [attempt, delay] of RETRY_DELAYS_MS.entries()) {
      const wait = spread(delay);
      this.#set({ name: 'lost', attempt, retryAt: Date.now() + wait });
      await this.#sleep(wait);
      if (this.#over) return;
      try {
        await this.#enter();
        return;
      } catch (error) {
        if (this.#over) return;
        if (!TEMPORARY.has(codeOf(error) ?? '')) {
          this.#end(error instanceof RotundaError ? error : new RotundaError('internal', String(error)));
          return;
        }
      }
    }
    this.#end(new RotundaError('unreachable', 'The server cannot be reached.'));
  }

  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), ms);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
    });
  }

  #end(error: RotundaError | null, keepToken = false): void {
    clearInterval(this.#pingTimer);
    // Another tab that took the place over has a token of its own there.
    for (const store of keepToken ? [] : this.#stores)
      if (store.getItem(this.#tokenKey) === this.#token) store.removeItem(this.#tokenKey);
    this.#set({ name: 'ended', error });
    this.#wake?.();
  }

  get #over(): boolean {
    return this.state.name === 'ended';
  }

  get #tokenKey(): string {
    return tokenKey(this.roomId, this.username);
  }

  get #stores(): TokenStore[] {
    return [this.#options.tokenStore, this.#options.placeStore].filter((store) => store !== undefined);
  }

  #set(state: SessionState): void {
    this.state = state;
    this.emit('state', state);
  }
}
