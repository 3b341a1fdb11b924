// Who may do what, who waits, whose hand is up: what the store knows of it. What can be done: moderation-actions.ts.
import type { Joined, Kind, Knock, LobbyDecision, LobbyNews, Permissions, Reaction, Role, Room } from '@rotunda/client';
import type { CallStore } from './store';

const REACTION_SHOWN_MS = 4000;
const REACTIONS_SHOWN = 12; // at once; who floods the room with them covers nothing

export interface Shown {
  id: number;
  userId: string;
  name: string;
  text: string;
}

export interface Moderation {
  permissions: Permissions;
  roles: Record<string, Role>; // by userId, of those who are no participant
  held: Record<string, Kind[]>; // by userId: who is muted until a moderator lets them unmute
  locked: boolean;
  recording: boolean; // the room is being recorded
  lobby: boolean; // who comes waits for a moderator
  waiting: Knock[]; // moderators know of them alone
  hands: string[]; // userIds; who raised first comes first
  reactions: Shown[]; // that are shown now
}

export const NO_MODERATION: Moderation = {
  permissions: {
    publish: ['microphone', 'camera', 'screen', 'screen-audio'],
    subscribe: true,
    data: true,
    moderate: false,
  },
  roles: {},
  held: {},
  locked: false,
  recording: false,
  lobby: false,
  waiting: [],
  hands: [],
  reactions: [],
};

function without<Value>(all: Record<string, Value>, userId: string): Record<string, Value> {
  const { [userId]: _, ...others } = all;
  return others;
}

export const withHeld = (all: Record<string, Kind[]>, userId: string, held: Kind[] = []): Record<string, Kind[]> =>
  held.length === 0 ? without(all, userId) : { ...all, [userId]: held };

export const withRole = (roles: Record<string, Role>, userId: string, role: Role | undefined): Record<string, Role> =>
  role === undefined || role === 'participant' ? without(roles, userId) : { ...roles, [userId]: role };

const atJoin = (joined: Joined): Partial<Moderation> => ({
  permissions: joined.permissions ?? NO_MODERATION.permissions,
  roles: Object.fromEntries(
    [...(joined.peers ?? []), { userId: joined.userId, role: joined.role }].flatMap(({ userId, role }) =>
      role && role !== 'participant' ? [[userId, role]] : [],
    ),
  ),
  held: Object.fromEntries(
    [...(joined.peers ?? []), { userId: joined.userId, held: joined.held }].flatMap(({ userId, held }) =>
      held ? [[userId, held]] : [],
    ),
  ),
  locked: joined.locked ?? false,
  recording: joined.recording ?? false,
  hands: joined.hands ?? [],
  lobby: false, // moderators hear of it at once
  waiting: [],
});

function lobbyAfter(now: Moderation, news: LobbyDecision | LobbyNews): Partial<Moderation> {
  if ('waiting' in news) return { lobby: news.enabled, waiting: news.waiting };
  if ('knocked' in news)
    return { waiting: [...now.waiting.filter(({ userId }) => userId !== news.knocked.userId), news.knocked] };
  if ('gone' in news) return { waiting: now.waiting.filter(({ userId }) => userId !== news.gone) };
  return {};
}

let shown = 0;

// For a moment.
export function showReaction({ setState: set }: CallStore, { userId, user, text }: Reaction): void {
  const id = ++shown;
  const change = (reactions: (now: Shown[]) => Shown[]) =>
    set(({ moderation }) => ({ moderation: { ...moderation, reactions: reactions(moderation.reactions) } }));
  change((now) => [...now, { id, userId, name: user, text }].slice(-REACTIONS_SHOWN));
  setTimeout(() => change((now) => now.filter((one) => one.id !== id)), REACTION_SHOWN_MS);
}

// Lets the store follow what moderators do in a room. Returns what ends that.
export function followModeration(room: Room, store: CallStore): () => void {
  const { setState: set, getState: get } = store;
  const change = (part: Partial<Moderation>) => set(({ moderation }) => ({ moderation: { ...moderation, ...part } }));
  const now = () => get().moderation;
  const offs = [
    room.session.on('joined', (joined) => change(atJoin(joined))),
    room.session.on('notification', ({ type, data }) => {
      switch (type) {
        case 'user-joined':
          return change({
            roles: withRole(now().roles, data.userId, data.role),
            held: withHeld(now().held, data.userId, data.held),
          });
        case 'user-left':
          return change({
            roles: without(now().roles, data.userId),
            held: without(now().held, data.userId),
            hands: now().hands.filter((one) => one !== data.userId),
          });
        case 'held-changed': {
          const before = now().held[data.userId] ?? [];
          change({ held: withHeld(now().held, data.userId, data.held) });
          if (data.userId === room.userId && data.held.length < before.length)
            set(({ news }) => ({
              news: { text: 'mayUnmute', name: data.by, said: '', count: (news?.count ?? 0) + 1 },
            }));
          return;
        }
        case 'room-locked':
        case 'room-unlocked':
          return change({ locked: type === 'room-locked' });
        case 'recording-changed':
          return change({ recording: data.recording });
        case 'permissions-changed':
          change({ permissions: data.permissions });
          if (data.e2eeRequired && !room.encrypted)
            set(({ news }) => ({ news: { text: 'sealed', name: '', said: '', count: (news?.count ?? 0) + 1 } }));
          return;
        case 'hand-raised':
          return change({ hands: [...now().hands.filter((one) => one !== data.userId), data.userId] });
        case 'hand-lowered':
          return change({ hands: now().hands.filter((one) => one !== data.userId) });
        case 'role-changed':
          change({
            roles: withRole(now().roles, data.userId, data.role),
            permissions: data.permissions ?? now().permissions,
          });
          if (!now().permissions.moderate) change({ waiting: [], lobby: false });
          if (data.permissions)
            set(({ news }) => ({
              news: { text: `role.${data.role}`, name: data.by, said: '', count: (news?.count ?? 0) + 1 },
            }));
          return;
        case 'lobby':
          return change(lobbyAfter(now(), data));
        case 'reaction':
          return showReaction(store, data);
      }
    }),
  ];
  return () => offs.forEach((off) => off());
}
