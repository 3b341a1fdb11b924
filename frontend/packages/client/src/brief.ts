// `joined` in the form that tells everything once, so that it fits what a new connection may send at once: what several
// consumers have in common stands beside them, what is usual is left out, and producers are told by their consumers alone.
// Here it becomes what `joined` is without that.
import type { Consumed, Joined, ProducerInfo } from './protocol.ts';

const producerOf = ({ producerId, userId, user, kind, type, producerPaused, appData }: Consumed): ProducerInfo => ({
  producerId,
  userId,
  user,
  kind,
  type,
  paused: producerPaused,
  appData,
});

export function unfold(joined: Joined): Joined {
  const { sharedParameters: sets, newConsumers: brief = [], ...rest } = joined;
  if (sets === undefined) return joined;
  const newConsumers = brief.map(
    ({ shared, rtpParameters, producerPaused = false, paused = false, held = false, ...others }): Consumed => ({
      ...others,
      producerPaused,
      paused,
      held,
      rtpParameters: shared === undefined ? rtpParameters : { ...sets[shared], ...rtpParameters },
    }),
  );
  return { ...rest, newConsumers, producers: [...joined.producers, ...newConsumers.map(producerOf)] };
}
