// A call in one component: everybody's picture as large as it fits, everybody's sound.
import { Grid, RoomAudio, RotundaRoom, startAudio, useConnectionState } from '@rotunda/react';
import { useState } from 'react';
import { createRoot } from 'react-dom/client';

const query = new URLSearchParams(location.search);
const url = query.get('url') ?? `${location.protocol.replace('http', 'ws')}//${location.host}/ws`;
const username = query.get('name') ?? `guest ${Math.floor(Math.random() * 1000)}`;

function State() {
  const { name } = useConnectionState();
  return name === 'joined' ? null : <p role="status">{name}</p>;
}

function App() {
  const [blocked, setBlocked] = useState(false);
  const [problem, setProblem] = useState('');
  return (
    <RotundaRoom
      url={url}
      roomId={query.get('room') ?? 'garden'}
      username={username}
      audio
      video
      onError={(error) => setProblem(String(error))}
    >
      <State />
      {problem && <p role="alert">{problem}</p>}
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
      <Grid />
      <RoomAudio onBlocked={() => setBlocked(true)} />
    </RotundaRoom>
  );
}

createRoot(document.getElementById('root')!).render(<App />);
