// Frames that are complete in time, which is not when they are shown: a transform at the sender notes when a frame
// leaves the encoder, one at the receiver when all of its packets are there, before any buffer that smooths playing.
// Both read the same machine's clock, and find a frame by what it contains.

// Runs in a page before its own scripts: all pictures that it sends and receives are looked at, from the first frame on,
// as later transforms do not get any. In the worker: a frame's key is its length and a hash of some of it.
export function lookAtFrames() {
  const source = `
    const notes = [];
    onmessage = () => postMessage(notes.splice(0));
    function keyOf(data) {
      const bytes = new Uint8Array(data);
      let hash = 2166136261;
      const step = Math.max(1, bytes.length >> 9);
      for (let i = 0; i < bytes.length; i += step) hash = Math.imul(hash ^ bytes[i], 16777619);
      return bytes.length + ':' + (hash >>> 0);
    }
    onrtctransform = ({ transformer: { readable, writable, options } }) => {
      readable.pipeThrough(new TransformStream({
        transform(frame, controller) {
          const { synchronizationSource: ssrc, temporalIndex = 0 } = frame.getMetadata();
          const at = performance.timeOrigin + performance.now();
          notes.push({ of: options.of, key: keyOf(frame.data), at, ssrc, temporal: temporalIndex });
          controller.enqueue(frame);
        },
      })).pipeTo(writable);
    };
  `;
  const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
  const look = (at, of) => (at.transform = new RTCRtpScriptTransform(worker, { of }));
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...rest) {
      super(...rest);
      this.addEventListener('track', ({ track, receiver }) => track.kind === 'video' && look(receiver, 'received'));
    }
    addTransceiver(what, ...rest) {
      const transceiver = super.addTransceiver(what, ...rest);
      if (what?.kind === 'video') look(transceiver.sender, 'sent');
      return transceiver;
    }
  };
  window.framesNoted = () =>
    new Promise((resolve) => {
      worker.addEventListener('message', ({ data }) => resolve(data), { once: true });
      worker.postMessage(null);
    });
}

// All that were noted since the last call.
export const framesNoted = (person) => person.evaluate(() => window.framesNoted());

// Of what `sent` noted and what came of it: how many of those that were to come (of the layers that came, while they
// came) were whole within each of `withinMs`; `late`: what those took that were not within the first of these; `never`:
// the temporal layers of those that did not come at all.
export function wholeInTime(sent, got, withinMs) {
  const frames = sent.filter(({ of }) => of === 'sent');
  const byKey = new Map(frames.map((frame, index) => [frame.key, { ...frame, index }]));
  const came = got.map(({ key, at }) => ({ at, frame: byKey.get(key) })).filter(({ frame }) => frame !== undefined);
  came.sort((a, b) => a.frame.index - b.frame.index);
  const took = new Map(came.map(({ at, frame }) => [frame.index, at - frame.at]));
  const count = { all: 0, whole: 0, inTime: withinMs.map(() => 0), late: [], never: [] };
  for (let from = 0, to; from < came.length; from = to) {
    const { ssrc } = came[from].frame; // as long as it is one layer
    for (to = from + 1; to < came.length && came[to].frame.ssrc === ssrc; ) to++;
    const run = came.slice(from, to).map(({ frame }) => frame);
    const temporal = Math.max(...run.map((frame) => frame.temporal));
    for (let index = run[0].index; index <= run.at(-1).index; index++) {
      if (frames[index].ssrc !== ssrc || frames[index].temporal > temporal) continue;
      count.all++;
      if (!took.has(index)) {
        count.never.push(frames[index].temporal);
        continue;
      }
      count.whole++;
      withinMs.forEach((ms, i) => (count.inTime[i] += took.get(index) <= ms));
      if (took.get(index) > withinMs[0]) count.late.push(Math.round(took.get(index)));
    }
  }
  return count;
}
