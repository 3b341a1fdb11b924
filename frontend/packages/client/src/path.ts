// Whether a transport's media finds its way, and if not, which leg of the way fails. The transport itself goes on trying.

// ice: packets do not pass; dtls: they do, but the keys could not be agreed on; media: all is agreed on, and nothing comes.
export type Leg = 'ice' | 'dtls' | 'media';

export const PATH_PATIENCE_MS = 6_000;

export class PathWatch {
  #ice = 'new'; // as the server sees them
  #dtls = 'new';
  #leg: Leg | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tell: (leg: Leg | null) => void;
  #flows: () => Promise<boolean>;

  // tell: each change, null when all is well again. flows: whether media that should pass does; true when there is none.
  constructor(tell: (leg: Leg | null) => void, flows: () => Promise<boolean>) {
    this.#tell = tell;
    this.#flows = flows;
  }

  serverSees(iceState: string, dtlsState: string): void {
    this.#ice = iceState;
    this.#dtls = dtlsState;
  }

  // The transport's own state, each time it changes.
  becomes(state: 'new' | 'connecting' | 'connected' | 'disconnected' | 'failed' | 'closed'): void {
    if (state === 'new' || state === 'closed') return this.close();
    if (state === 'connected') {
      clearTimeout(this.#timer);
      if (this.#leg !== 'media') this.#set(null);
      this.#timer = setTimeout(() => void this.#probe(), PATH_PATIENCE_MS);
    } else if (this.#timer === undefined || this.#connected) {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#set(this.#brokenLeg()), PATH_PATIENCE_MS);
    }
    this.#connected = state === 'connected';
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#connected = false;
    this.#set(null);
  }

  #connected = false;

  #brokenLeg(): Leg {
    return this.#ice === 'connected' && this.#dtls !== 'connected' ? 'dtls' : 'ice';
  }

  async #probe(): Promise<void> {
    const flows = await this.#flows().catch(() => true);
    if (!this.#connected) return;
    this.#set(flows ? null : 'media');
    if (!flows) this.#timer = setTimeout(() => void this.#probe(), PATH_PATIENCE_MS);
  }

  #set(leg: Leg | null): void {
    if (leg === this.#leg) return;
    this.#leg = leg;
    this.#tell(leg);
  }
}
