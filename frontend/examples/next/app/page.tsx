'use client';
// A call with a chat and tiles of its own making.
import {
  RoomAudio,
  RotundaRoom,
  startAudio,
  useActiveSpeaker,
  useChat,
  useParticipants,
  VideoTile,
} from '@rotunda/react';
import { useEffect, useState, type FormEvent } from 'react';

function Tiles() {
  const participants = useParticipants();
  const speaker = useActiveSpeaker();
  return (
    <main style={{ flex: 1, display: 'grid', gap: 8, gridTemplateColumns: 'repeat(auto-fit, minmax(240px, 1fr))' }}>
      {participants.map(({ userId, name, isLocal, tracks: { camera } }) => (
        <figure
          key={userId}
          data-name={name}
          style={{ margin: 0, minHeight: 0, outline: userId === speaker?.userId ? '3px solid teal' : 'none' }}
        >
          <VideoTile track={camera ?? null} mirrored={isLocal} label={name} style={{ height: 'calc(100% - 2em)' }} />
          <figcaption>{name}</figcaption>
        </figure>
      ))}
    </main>
  );
}

function Chat() {
  const { messages, send } = useChat();
  const [text, setText] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text !== '') void send(text).then(() => setText(''));
  };
  return (
    <form onSubmit={submit}>
      {messages.slice(-3).map(({ from, text: said, timestamp }) => (
        <p key={timestamp + said} className="said">{`${from}: ${said}`}</p>
      ))}
      <input aria-label="Message" value={text} onChange={({ target }) => setText(target.value)} />
    </form>
  );
}

export default function Page() {
  const [entrance, setEntrance] = useState<{ url: string; roomId: string; username: string } | null>(null);
  const [blocked, setBlocked] = useState(false);
  // The address is the browser's alone: where the page is made there is none.
  useEffect(() => {
    const query = new URLSearchParams(location.search);
    const url = query.get('url') ?? `${location.protocol.replace('http', 'ws')}//${location.host}/ws`;
    setEntrance({
      url,
      roomId: query.get('room') ?? 'garden',
      username: query.get('name') ?? `guest ${Math.floor(Math.random() * 1000)}`,
    });
  }, []);
  if (entrance === null) return null;
  return (
    <RotundaRoom {...entrance} audio video onError={console.error}>
      {blocked && (
        <button
          onClick={() => {
            startAudio();
            setBlocked(false);
          }}
        >
          Start the sound
        </button>
      )}
      <Tiles />
      <Chat />
      <RoomAudio onBlocked={() => setBlocked(true)} />
    </RotundaRoom>
  );
}
