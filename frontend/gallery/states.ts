// People and calls that nobody is in, for the gallery: each is what a server would have made of them.
import { Room, type Source } from '@rotunda/client';
import { stateOf, withTrack, type Participant, type RoomSnapshot, type TrackState } from '@rotunda/react';
import { makeCall, type Call } from '@/hooks/use-call';
import type { CallState } from '@/lib/store';

const WIDTH = 320;
const HEIGHT = 180;

// A picture that stands still: what is compared must look the same each time.
function paintedTrack(hue: number): MediaStreamTrack {
  const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT });
  const pen = canvas.getContext('2d')!;
  const paint = () => {
    pen.fillStyle = `hsl(${hue} 45% 45%)`;
    pen.fillRect(0, 0, WIDTH, HEIGHT);
    pen.fillStyle = `hsl(${hue} 45% 70%)`;
    pen.beginPath();
    pen.arc(WIDTH / 2, HEIGHT * 0.42, HEIGHT * 0.22, 0, 2 * Math.PI);
    pen.arc(WIDTH / 2, HEIGHT * 1.1, HEIGHT * 0.45, 0, 2 * Math.PI);
    pen.fill();
  };
  paint();
  const [track] = canvas.captureStream().getVideoTracks();
  setInterval(paint, 200); // a canvas that nothing is drawn on gives no picture
  return track!;
}

function silentTrack(): MediaStreamTrack {
  return new AudioContext().createMediaStreamDestination().stream.getAudioTracks()[0]!;
}

type Tracks = Partial<Record<Source, Partial<TrackState>>>;

export interface Somebody {
  name: string;
  tracks?: Tracks;
  away?: boolean;
}

export const seen = (hue: number, more: Partial<TrackState> = {}): Tracks => ({
  camera: { track: paintedTrack(hue), producerId: `camera ${hue}`, score: 10, ...more },
  microphone: { track: silentTrack(), producerId: `microphone ${hue}` },
});

export const heard = (more: Partial<TrackState> = {}): Tracks => ({
  microphone: { track: silentTrack(), producerId: 'microphone', ...more },
});

export const shows = (hue: number): Tracks => ({
  ...seen(hue),
  screen: { track: paintedTrack(hue + 180), producerId: `screen ${hue}` },
});

// The first of them is oneself.
export function callOf(people: Somebody[], shown: Partial<CallState> = {}, there: Partial<RoomSnapshot> = {}): Call {
  const call = makeCall();
  const room = new Room('ws://nowhere.invalid/ws', 'garden', people[0]!.name);
  let participants: Participant[] = people.map(({ name, away = false }, i) => ({
    userId: name,
    name,
    isLocal: i === 0,
    away,
    tracks: {},
  }));
  for (const { name, tracks = {} } of people)
    for (const [source, track] of Object.entries(tracks))
      participants = withTrack(participants, name, source as Source, track);
  stateOf(room).set({ session: { name: 'joined' }, participants, ...there });
  call.store.setState({ room, phase: 'room', roomId: 'garden', ...shown });
  return call;
}
