// What a stay in a room tells whoever shows it, and the words that it uses.
import type { types } from 'mediasoup-client';
import type { Leg } from './path.ts';
import type {
  AppData,
  ChatMessage,
  DataProducerInfo,
  EncryptionState,
  Kind,
  Notifications,
  ProducerInfo,
  Source,
} from './protocol.ts';

export type { EncryptionState } from './protocol.ts';

export interface LocalTrack {
  track: MediaStreamTrack | null; // null: switched off, so that the camera's light is out
  paused: boolean;
}

export interface RemoteTrack {
  consumer: types.Consumer;
  producerId: string;
  userId: string;
  kind: Kind;
  source: Source;
  type: ProducerInfo['type'];
  appData: AppData;
  paused: boolean; // by who sends it
}

// What a picture is to be received for: nothing (null), or a tile this many device pixels wide.
export type Demand = { width: number } | null;

export type Direction = 'send' | 'recv';

export interface RoomEvents {
  ready: { resumed: boolean }; // everything is set up, or caught up
  entered: undefined; // what is received is set up; what is sent may follow
  'peer-joined': { userId: string; username: string; isNew: boolean };
  'peer-left': { userId: string; username: string; moved?: boolean }; // moved: comes again at once, under another userId
  'peer-renamed': { userId: string; username: string }; // by a program that manages the room; oneself, too
  track: RemoteTrack;
  'track-ended': RemoteTrack;
  paused: { userId: string; source: Source; paused: boolean };
  local: { source: Source; local: LocalTrack | null }; // what this side sends has changed; null: nothing any more
  layers: { producerId: string; spatialLayer: number | null; temporalLayer: number | null };
  score: { userId: string; source: Source; score: number };
  speaker: { userId: string | null };
  levels: Notifications['audio-levels']['levels'];
  chat: ChatMessage;
  'chat-history': ChatMessage[];
  transport: { direction: Direction; state: types.ConnectionState };
  path: { direction: Direction; leg: Leg | null }; // media finds no way, and which leg of it fails; null: it does again
  encryption: { userId: string; source: Source; state: EncryptionState | null }; // of what comes, each change; null: no more
  away: { userId: string; away: boolean }; // nothing comes from there any more; or it does again
  draining: { deadline: string | number | null; url?: string | null };
  muted: { kind: Kind; by: string; hold?: boolean }; // by a moderator; hold: until one lets this side unmute
  metadata: { metadata: string | null }; // of the room: Room.metadata
  data: DataProducerInfo; // somebody may be heard by a data channel
  'data-ended': { dataProducerId: string }; // one's own too, if the server has closed it
  // A message could not be decrypted, and is left out: once for each channel and reason; DataChannels.unreadable counts them.
  // Of a room's channel nobody knows who sent it.
  'data-unreadable': {
    dataConsumerId: string;
    userId: string | null;
    label: string;
    state: Extract<EncryptionState, 'wrong-key' | 'not-encrypted'>;
  };
  'data-consumer-ended': { dataConsumerId: string; reason?: string }; // `too-slow`, for one
}
