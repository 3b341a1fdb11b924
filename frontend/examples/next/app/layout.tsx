export const metadata = { title: 'Rotunda with Next.js' };

export default function Layout({ children }: { children: React.ReactNode }) {
  return (
    <html lang="en">
      <body style={{ height: '100dvh', margin: 0, display: 'flex', flexDirection: 'column' }}>{children}</body>
    </html>
  );
}
