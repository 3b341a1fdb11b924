// What must stand out from what: the ratios of WCAG 2.2, from the page's own colours.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const css = readFileSync(new URL('../app/globals.css', import.meta.url), 'utf8');

function theme(selector: string): Record<string, string> {
  const block = css.slice(css.indexOf(selector)).match(/\{([^{}]*)\}/)![1]!;
  return Object.fromEntries(
    [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, value]) => [name!, value!]),
  );
}

const light = theme(':root {');
const themes = {
  light,
  'dark by the system': { ...light, ...theme(":root:not([data-theme='light'])") },
  'dark by choice': { ...light, ...theme(":root[data-theme='dark']") },
};

function luminance(color: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(color.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

function contrast(a: string, b: string): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high! + 0.05) / (low! + 0.05);
}

const PAIRS = [
  ['text', 'page', 4.5],
  ['text', 'raised', 4.5],
  ['faint', 'page', 4.5],
  ['faint', 'surface', 4.5],
  ['accent', 'surface', 4.5],
  ['on-accent', 'accent', 4.5],
  ['danger-text', 'surface', 4.5],
  ['field', 'surface', 3],
  ['accent', 'page', 3],
] as const;

test.each(Object.entries(themes))('%s', (_, colors) => {
  for (const [front, back, least] of PAIRS)
    expect(contrast(colors[front]!, colors[back]!), `${front} on ${back}`).toBeGreaterThanOrEqual(least);
  expect(contrast('#ffffff', colors.danger!), 'white on danger').toBeGreaterThanOrEqual(4.5);
  // The ring of who speaks has two colours: on whatever is below or beside it, one of them is seen.
  for (const below of [colors.page!, colors.tile!, '#ffffff', '#000000', '#777777'])
    expect(
      Math.max(contrast(colors['ring-outer']!, below), contrast(colors['ring-inner']!, below)),
      `ring on ${below}`,
    ).toBeGreaterThanOrEqual(3);
});
