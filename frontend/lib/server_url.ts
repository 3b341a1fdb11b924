// The server that this page was loaded from, unless the build names another.
export function serverUrl(): string {
  const named = process.env.NEXT_PUBLIC_ROTUNDA_URL;
  if (named) return named;
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
}
