import { expect, test } from 'vitest';
import { linksIn } from '@/lib/links';

test.each([
  ['no link', []],
  ['see https://example.org/a?b=c#d.', ['https://example.org/a?b=c#d']],
  ['(http://example.org/x_(y))', ['http://example.org/x_(y)']],
  ['www.example.org, and HTTPS://EXAMPLE.ORG/!', ['https://www.example.org', 'HTTPS://EXAMPLE.ORG/']],
  ['javascript:alert(1) data:text/html,x ftp://x.org', []],
  ['https://', []],
  ['xhttps://example.org', []],
  ['<https://example.org>', ['https://example.org']],
])('%s', (text, links) => {
  const parts = linksIn(text);
  expect(parts.map(({ href }) => href).filter((href) => href !== null)).toEqual(links);
  expect(parts.map(({ text: part }) => part).join('')).toBe(text);
});
