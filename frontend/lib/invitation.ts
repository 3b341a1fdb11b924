// The token that lets its bearer in, where the server wants one: it comes in the link's fragment, which no log keeps, and
// stays in the tab's storage, so that a reload goes on.
const KEPT = 'rotunda:invitation';

interface Invitation {
  token: string;
  room: string; // the one that the token is for, and what it calls its bearer; as it says itself: the server judges
  name: string;
}

function parse(token: string): Invitation {
  try {
    const payload = token.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/');
    const claims = JSON.parse(new TextDecoder().decode(Uint8Array.from(atob(payload), (c) => c.charCodeAt(0))));
    return { token, room: String(claims.video?.room ?? ''), name: String(claims.name ?? claims.sub ?? '') };
  } catch {
    return { token, room: '', name: '' };
  }
}

// Takes it out of the address, so that who copies that gives away no place.
function fromAddress(): string | null {
  const fragment = new URLSearchParams(location.hash.slice(1));
  const token = fragment.get('token');
  if (token === null) return null;
  fragment.delete('token');
  const rest = String(fragment);
  history.replaceState(history.state, '', `${location.pathname}${location.search}${rest && `#${rest}`}`);
  return token;
}

export function invitation(): Invitation | null {
  if (typeof location === 'undefined') return null;
  let token = fromAddress();
  try {
    if (token !== null) sessionStorage.setItem(KEPT, token);
    token ??= sessionStorage.getItem(KEPT);
  } catch {
    // Without storage a reload needs the link again.
  }
  return token === null ? null : parse(token);
}
