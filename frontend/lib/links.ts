// Finds links in what people write: whole addresses, and those that begin with www.
export interface Part {
  text: string;
  href: string | null; // null: words
}

const LINK = /\b(?:https?:\/\/|www\.)[^\s<>"]+/gi;
const OPENED: Record<string, string> = { ')': '(', ']': '[', '}': '{' };

const count = (text: string, char: string) => text.split(char).length - 1;

// What ends a sentence is not of the address; nor is a bracket that was opened before it.
function withoutTail(link: string): string {
  let text = link;
  for (;;) {
    const last = text.at(-1) ?? '';
    const opening = OPENED[last];
    const tail = opening === undefined ? /[.,;:!?'’”»…*_]/.test(last) : count(text, last) > count(text, opening);
    if (!tail) return text;
    text = text.slice(0, -1);
  }
}

export function linksIn(text: string): Part[] {
  const parts: Part[] = [];
  let from = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const link = withoutTail(found);
    const href = /^www\./i.test(link) ? `https://${link}` : link;
    if (!URL.canParse(href)) continue;
    if (index > from) parts.push({ text: text.slice(from, index), href: null });
    parts.push({ text: link, href });
    from = index + link.length;
  }
  if (from < text.length || parts.length === 0) parts.push({ text: text.slice(from), href: null });
  return parts;
}
