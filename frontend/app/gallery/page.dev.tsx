'use client';
import dynamic from 'next/dynamic';

// It paints its pictures on canvases, which only a browser has.
const Gallery = dynamic(() => import('@/gallery/gallery').then(({ Gallery: Shown }) => Shown), { ssr: false });

// In development alone (next.config.mjs): no such page is exported.
export default function Page() {
  return <Gallery />;
}
