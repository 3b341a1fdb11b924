// A WebSocket whose server side is the test.
export interface Sent {
  type: string;
  id: number;
  data: Record<string, unknown>;
}

export class ScriptedSocket {
  static all: ScriptedSocket[] = [];
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  sent: Sent[] = [];
  closedWith: number | null = null;

  constructor(readonly url: string) {
    ScriptedSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(code = 1000): void {
    if (this.closedWith !== null) return;
    this.closedWith = code;
    this.onclose?.({ code, reason: '' });
  }

  // ---- what the test does as the server ----

  open(): void {
    this.onopen?.();
  }

  says(type: string, data: object = {}, id?: number): void {
    this.onmessage?.({ data: JSON.stringify({ type, data, ...(id === undefined ? {} : { id }) }) });
  }

  raw(text: string): void {
    this.onmessage?.({ data: text });
  }

  // Answers the last request of this type.
  answers(type: string, answerType: string, data: object): void {
    const request = this.sent.findLast((sent) => sent.type === type);
    if (request === undefined) throw new Error(`no ${type} was sent; sent: ${JSON.stringify(this.sent)}`);
    this.says(answerType, data, request.id);
  }

  drops(code = 1006): void {
    this.close(code);
  }
}

export const makeSocket = (url: string) => new ScriptedSocket(url) as unknown as WebSocket;

export const lastSocket = (): ScriptedSocket => {
  const socket = ScriptedSocket.all.at(-1);
  if (socket === undefined) throw new Error('no socket was opened');
  return socket;
};

// Drops the last socket; resolves once there is one in its place.
export async function dropAndRetry(): Promise<void> {
  const before = ScriptedSocket.all.length;
  lastSocket().drops();
  while (ScriptedSocket.all.length === before) await new Promise((resolve) => setTimeout(resolve));
}

// Lets promises that are settled run.
export const settle = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

export const joined = (more: object = {}) => ({
  roomId: 'garden',
  userId: 'me',
  users: ['ann'],
  peers: [],
  routerRtpCapabilities: { codecs: [], headerExtensions: [] },
  producers: [],
  iceServers: [],
  resumeToken: 'token-1',
  chat: [],
  resumed: false,
  ...more,
});
