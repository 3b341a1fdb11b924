// The server that this page was loaded from, unless the build names another.
export function serverUrl(): string {
  const named = process.env.NEXT_PUBLIC_ROTUNDA_URL;
  if (named) return named;
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
}

// ?relay=1 in the address, for trying: media takes the TURN server that the server names, or no way at all.
export function icePolicy(): RTCIceTransportPolicy | undefined {
  return new URLSearchParams(location.search).get('relay') === '1' ? 'relay' : undefined;
}
