// In place of next/link where the gallery is shown without Next.js (tests/e2e/gallery.test.mjs).
import type { ComponentProps } from 'react';

export default function PlainLink({ prefetch: _, ...props }: ComponentProps<'a'> & { prefetch?: boolean }) {
  return <a {...props} />;
}
