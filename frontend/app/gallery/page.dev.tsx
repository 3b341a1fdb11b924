import { Gallery } from '@/gallery/gallery';

// In development alone (next.config.mjs): no such page is exported.
export default function Page() {
  return <Gallery />;
}
