'use client';
// Tile, stage and controls in all their states, side by side: to look at while one works on them, and to be compared with how
// they looked before (tests/e2e/gallery.test.mjs).
import { RotundaRoom, type RoomSnapshot } from '@rotunda/react';
import { useState, useSyncExternalStore, type ReactNode } from 'react';
import { Banners } from '@/components/banners';
import { Controls, TopBar } from '@/components/controls';
import { SidePanel } from '@/components/side-panel';
import { Stage } from '@/components/stage';
import { TileView } from '@/components/tile';
import { CallProvider, useCall } from '@/hooks/use-call';
import { NO_MODERATION } from '@/lib/moderation';
import type { CallState } from '@/lib/store';
import { callOf, heard, seen, shows, type Somebody } from './states';

const ME: Somebody = { name: 'Ada' };

interface ShownProps {
  name: string;
  people?: Somebody[];
  shown?: Partial<CallState>;
  there?: Partial<RoomSnapshot>;
  className?: string;
  children: ReactNode;
}

function InRoom({ children }: { children: ReactNode }) {
  return <RotundaRoom room={useCall(({ room }) => room)}>{children}</RotundaRoom>;
}

// One state, with its name.
function Shown({ name, people = [ME], shown, there, className = '', children }: ShownProps) {
  const [call] = useState(() => callOf(people, shown, there));
  return (
    <figure className="min-w-0">
      <figcaption className="pb-1 text-xs text-faint">{name}</figcaption>
      <CallProvider call={call}>
        <InRoom>
          <div className={`relative ${className}`}>{children}</div>
        </InRoom>
      </CallProvider>
    </figure>
  );
}

interface TileState {
  of: Somebody;
  local?: boolean;
  source?: 'camera' | 'screen';
  width?: number;
  pinned?: boolean;
  shown?: Partial<CallState>;
  there?: Partial<RoomSnapshot>;
}

const BOB = 'Bob';
const TILES: Record<string, TileState> = {
  picture: { of: { name: BOB, tracks: seen(210) } },
  'no camera': { of: { name: BOB, tracks: heard() } },
  'no camera, muted': { of: { name: BOB } },
  'held by the server': { of: { name: BOB, tracks: seen(30, { held: true }) } },
  'network gone': { of: { name: BOB, tracks: heard(), away: true } },
  'fair connection': { of: { name: BOB, tracks: heard({ score: 5 }) } },
  'poor connection': { of: { name: BOB, tracks: heard({ score: 1 }) } },
  'speaks softly': { of: { name: BOB, tracks: heard() }, there: { levels: { [BOB]: 1 } } },
  'speaks loudly': { of: { name: BOB, tracks: heard() }, there: { speaker: BOB, levels: { [BOB]: 4 } } },
  oneself: { of: { name: BOB, tracks: seen(120) }, local: true },
  'a screen': { of: { name: BOB, tracks: shows(280) }, source: 'screen', pinned: true },
  'one’s own screen': { of: { name: BOB, tracks: shows(80) }, source: 'screen', local: true },
  small: { of: { name: 'Maximiliane Mustermann', tracks: heard() }, width: 160 },
  tiny: { of: { name: 'محمد', tracks: heard({ score: 2 }) }, width: 120 },
};

function Tiles() {
  return (
    <div className="flex flex-wrap gap-3">
      {Object.entries(TILES).map(
        ([name, { of, local, source = 'camera', width = 250, pinned = false, shown, there }]) => {
          const rect = { left: 0, top: 0, width, height: (width * 9) / 16 };
          return (
            <Shown key={name} name={name} people={local ? [of] : [ME, of]} shown={shown} there={there}>
              <div className="relative" style={{ width: rect.width, height: rect.height }}>
                <TileView userId={of.name} source={source} rect={rect} pinned={pinned} unseen={false} />
              </div>
            </Shown>
          );
        },
      )}
    </div>
  );
}

const crowd = (count: number): Somebody[] => [
  ME,
  ...Array.from({ length: count - 1 }, (_, i) => ({ name: `Guest ${i + 1}`, tracks: i % 3 === 0 ? {} : heard() })),
];

function Stages() {
  const stage = 'flex h-64';
  return (
    <div className="grid gap-4 lg:grid-cols-2">
      <Shown name="alone" className={stage}>
        <Stage />
      </Shown>
      <Shown name="five" people={crowd(5)} className={stage} there={{ speaker: 'Guest 2', levels: { 'Guest 2': 3 } }}>
        <Stage />
      </Shown>
      <Shown name="more than fit" people={crowd(40)} className={stage}>
        <Stage />
      </Shown>
      <Shown
        name="who speaks, large"
        people={crowd(7)}
        className={stage}
        shown={{ view: 'speaker' }}
        there={{ lastSpeaker: 'Guest 3' }}
      >
        <Stage />
      </Shown>
    </div>
  );
}

function Bars() {
  const on: Somebody = { name: 'Ada', tracks: seen(200) };
  return (
    <div className="grid gap-4">
      <Shown name="everything on" people={[on, { name: BOB }]}>
        <TopBar />
        <Controls onLeave={() => {}} />
      </Shown>
      <Shown
        name="everything off; something unread, a hand up, the statistics"
        people={[ME, { name: BOB }]}
        shown={{ unread: 3, stats: true, view: 'speaker', moderation: { ...NO_MODERATION, hands: ['Ada'] } }}
      >
        <TopBar />
        <Controls onLeave={() => {}} />
      </Shown>
      <Shown
        name="troubles"
        people={[ME, { name: BOB }]}
        shown={{ paths: { send: 'ice', recv: 'ice' }, losses: { camera: 'ended' }, soundBlocked: true, draining: true }}
      >
        <Banners />
      </Shown>
      <Shown
        name="who is here, to a moderator"
        people={[on, { name: BOB, tracks: heard() }, { name: 'Cleo', away: true }]}
        className="flex h-96"
        shown={{
          panel: 'people',
          moderation: {
            ...NO_MODERATION,
            permissions: { ...NO_MODERATION.permissions, moderate: true },
            hands: [BOB],
            roles: { Cleo: 'viewer' },
            waiting: [{ userId: 'w', username: 'Dan' }],
          },
        }}
      >
        <SidePanel />
      </Shown>
    </div>
  );
}

const never = () => () => {};

export function Gallery() {
  // What it shows has tracks, which only a browser makes.
  const here = useSyncExternalStore(
    never,
    () => true,
    () => false,
  );
  if (!here) return null;
  return (
    <main id="gallery" className="mx-auto grid max-w-6xl gap-6 p-4">
      <h1 className="text-xl font-bold">Gallery</h1>
      <Tiles />
      <Stages />
      <Bars />
    </main>
  );
}
