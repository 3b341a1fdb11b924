// What moderators can do, and everybody with hands and reactions. An answer brings what the others hear as a notification.
import type { Kind, Role, Session } from '@rotunda/client';
import { stateOf } from '@rotunda/react';
import { showReaction, withRole, type Moderation } from './moderation';
import type { CallStore } from './store';

export class ModerationActions {
  readonly #store: CallStore;

  constructor(store: CallStore) {
    this.#store = store;
  }

  get #now(): Moderation {
    return this.#store.getState().moderation;
  }

  #change(part: Partial<Moderation>): void {
    this.#store.setState(({ moderation }) => ({ moderation: { ...moderation, ...part } }));
  }

  get #session(): Session {
    const { room } = this.#store.getState();
    if (room === null) throw new Error('no room');
    return room.session;
  }

  setHand = async (up: boolean): Promise<void> => {
    const { userId } = await this.#session.request(up ? 'raise-hand' : 'lower-hand', {});
    const others = this.#now.hands.filter((one) => one !== userId);
    this.#change({ hands: up ? [...others, userId] : others });
  };

  toggleHand = async (): Promise<void> => {
    const { room } = this.#store.getState();
    const me = room && stateOf(room).snapshot.participants.find(({ isLocal }) => isLocal);
    if (me) await this.setHand(!this.#now.hands.includes(me.userId));
  };

  lowerHand = async (target: string): Promise<void> => {
    await this.#session.request('lower-hand', { target });
    this.#change({ hands: this.#now.hands.filter((one) => one !== target) });
  };

  sendReaction = async (text: string): Promise<void> => {
    showReaction(this.#store, await this.#session.request('reaction', { text }));
  };

  setLocked = async (locked: boolean): Promise<void> => {
    await this.#session.request(locked ? 'lock-room' : 'unlock-room', {});
    this.#change({ locked });
  };

  // The mark comes with the notification that everybody gets, once it is so.
  setRecording = async (on: boolean): Promise<void> =>
    void (await this.#session.request(on ? 'start-recording' : 'stop-recording', {}));

  setLobby = async (enabled: boolean): Promise<void> => {
    await this.#session.request('set-lobby', { enabled });
    this.#change({ lobby: enabled, ...(enabled ? {} : { waiting: [] }) });
  };

  #forget(target: string): void {
    this.#change({ waiting: this.#now.waiting.filter(({ userId }) => userId !== target) });
  }

  admit = async (target: string): Promise<void> => {
    await this.#session.request('admit-user', { target });
    this.#forget(target);
  };

  deny = async (target: string): Promise<void> => {
    await this.#session.request('deny-user', { target });
    this.#forget(target);
  };

  admitAll = async (): Promise<void> => {
    await this.#session.request('admit-all', {});
    this.#change({ waiting: [] });
  };

  mute = async (target: string, kind: Kind): Promise<void> =>
    void (await this.#session.request('mute-user', { target, kind }));
  // Until allowUnmute; who is held comes with the notification that everybody gets.
  hold = async (target: string, kind: Kind): Promise<void> =>
    void (await this.#session.request('mute-user', { target, kind, hold: true }));
  allowUnmute = async (target: string, kind: Kind): Promise<void> =>
    void (await this.#session.request('allow-unmute', { target, kind }));
  muteAll = async (): Promise<void> => void (await this.#session.request('mute-all', { kind: 'audio' }));
  putOut = async (target: string): Promise<void> => void (await this.#session.request('kick-user', { target }));
  ban = async (target: string): Promise<void> => void (await this.#session.request('ban', { target }));
  closeRoom = async (): Promise<void> => void (await this.#session.request('close-room', {}));

  setRole = async (target: string, role: Role): Promise<void> => {
    await this.#session.request('set-role', { target, role });
    this.#change({ roles: withRole(this.#now.roles, target, role) });
  };
}
