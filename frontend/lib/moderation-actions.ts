// What moderators can do, and everybody with hands and reactions. An answer brings what the others hear as a notification.
import type { Kind, Role } from '@rotunda/client';
import { showReaction, withRole, type Moderation } from './moderation';
import { useCall } from './store';

const now = (): Moderation => useCall.getState().moderation;
const change = (part: Partial<Moderation>) =>
  useCall.setState(({ moderation }) => ({ moderation: { ...moderation, ...part } }));

const session = () => {
  const { room } = useCall.getState();
  if (room === null) throw new Error('no room');
  return room.session;
};

export async function setHand(up: boolean): Promise<void> {
  const { userId } = await session().request(up ? 'raise-hand' : 'lower-hand', {});
  const others = now().hands.filter((one) => one !== userId);
  change({ hands: up ? [...others, userId] : others });
}

export async function toggleHand(): Promise<void> {
  const me = useCall.getState().participants.find(({ isLocal }) => isLocal);
  if (me) await setHand(!now().hands.includes(me.userId));
}

export async function lowerHand(target: string): Promise<void> {
  await session().request('lower-hand', { target });
  change({ hands: now().hands.filter((one) => one !== target) });
}

export async function sendReaction(text: string): Promise<void> {
  showReaction(useCall, await session().request('reaction', { text }));
}

export async function setLocked(locked: boolean): Promise<void> {
  await session().request(locked ? 'lock-room' : 'unlock-room', {});
  change({ locked });
}

export async function setLobby(enabled: boolean): Promise<void> {
  await session().request('set-lobby', { enabled });
  change({ lobby: enabled, ...(enabled ? {} : { waiting: [] }) });
}

const forget = (target: string) => change({ waiting: now().waiting.filter(({ userId }) => userId !== target) });

export async function admit(target: string): Promise<void> {
  await session().request('admit-user', { target });
  forget(target);
}

export async function deny(target: string): Promise<void> {
  await session().request('deny-user', { target });
  forget(target);
}

export async function admitAll(): Promise<void> {
  await session().request('admit-all', {});
  change({ waiting: [] });
}

export const mute = async (target: string, kind: Kind): Promise<void> =>
  void (await session().request('mute-user', { target, kind }));
export const muteAll = async (): Promise<void> => void (await session().request('mute-all', { kind: 'audio' }));
export const putOut = async (target: string): Promise<void> => void (await session().request('kick-user', { target }));
export const ban = async (target: string): Promise<void> => void (await session().request('ban', { target }));
export const closeRoom = async (): Promise<void> => void (await session().request('close-room', {}));

export async function setRole(target: string, role: Role): Promise<void> {
  await session().request('set-role', { target, role });
  change({ roles: withRole(now().roles, target, role) });
}
