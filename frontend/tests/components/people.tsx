// People in a call, and the frame that components stand in.
import { Provider as TooltipProvider } from '@radix-ui/react-tooltip';
import { render } from '@testing-library/react';
import type { ReactElement } from 'react';
import type { Source } from '@rotunda/client';
import { useCall, withMedia, type CallStore, type Media, type Participant } from '@/lib/store';

export const person = (userId: string, isLocal = false): Participant => ({
  userId,
  name: userId,
  isLocal,
  away: false,
  media: {},
});

export function inCall(count: number, more: Partial<CallStore> = {}): void {
  const names = ['me', 'bob', 'cid', 'dan', ...Array.from({ length: count }, (_, i) => `p${i}`)].slice(0, count);
  const participants = names.map((name, i) => person(name, i === 0));
  useCall.setState({ phase: 'room', roomId: 'garden', session: { name: 'joined' }, participants, ...more });
}

export const has = (userId: string, source: Source, media: Partial<Media> | null) =>
  useCall.setState(({ participants }) => ({ participants: withMedia(participants, userId, source, media) }));

export const show = (element: ReactElement) =>
  render(element, { wrapper: ({ children }) => <TooltipProvider>{children}</TooltipProvider> });
