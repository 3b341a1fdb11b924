// Judges by getStats that what people send to each other arrives.

import { assert } from './expect.mjs';

// samples: [{ person, before, after }], statistics of each at two moments (sampleTwice). Every track that anyone sends
// arrives at everyone else: all of its pictures but `share` of them and a few at the edges, and sound that is no silence.
export function assertFlow(samples, { lost = 0, share = 0.9, slack = 2 } = {}) {
  for (const { person, before: b0, after: b1 } of samples) {
    for (const other of samples.filter((sample) => sample.person !== person)) {
      const { name } = other.person;
      const what = `${person.name} from ${name}`;
      const [v0, v1] = [b0.got[name].video, b1.got[name].video];
      const sent = other.after.sent.video.framesSent - other.before.sent.video.framesSent;
      const sentPerMs = sent / (other.after.t - other.before.t);
      const decoded = v1.frames - v0.frames;
      const expected = sentPerMs * (b1.t - b0.t);
      assert.ok(sent > 0, `${name} sends video`);
      assert.ok(decoded >= expected * share - slack, `${what}: expected about ${expected.toFixed(1)} frames, decoded ${decoded}`);
      assert.equal(v1.freezes, v0.freezes, `${what}: freezes`);
      assert.ok(v1.lost - v0.lost <= lost, `${what}: ${v1.lost - v0.lost} video packets lost, expected at most ${lost}`);
      const [a0, a1] = [b0.got[name].audio, b1.got[name].audio];
      assert.ok(a1.energy > a0.energy, `${what}: expected audio energy, got ${a0.energy} to ${a1.energy}`);
      assert.ok(a1.lost - a0.lost <= lost, `${what}: ${a1.lost - a0.lost} audio packets lost, expected at most ${lost}`);
    }
  }
}

// The media of everyone flows on while `body` does something to it.
export async function assertFlowWhile(people, body, limits) {
  const before = await Promise.all(people.map((person) => person.stats()));
  await body();
  const after = await Promise.all(people.map((person) => person.stats()));
  assertFlow(people.map((person, i) => ({ person, before: before[i], after: after[i] })), limits);
}
