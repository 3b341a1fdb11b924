import type { Metadata, Viewport } from 'next';
import { Shell } from '@/components/shell';
import './globals.css';

export const metadata: Metadata = {
  title: 'Rotunda',
  description: 'A room to see, hear and understand each other',
  icons: { icon: '/icon.svg' },
  manifest: '/manifest.webmanifest',
  appleWebApp: { capable: true, title: 'Rotunda', statusBarStyle: 'black-translucent' },
};

export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  viewportFit: 'cover',
  interactiveWidget: 'resizes-content', // a keyboard on the screen leaves the chat above it
  themeColor: [
    { media: '(prefers-color-scheme: light)', color: '#f3f4f8' },
    { media: '(prefers-color-scheme: dark)', color: '#10131a' },
  ],
};

export default function Layout({ children }: { children: React.ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <body>
        <Shell>{children}</Shell>
      </body>
    </html>
  );
}
