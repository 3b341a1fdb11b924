// Rows of viewer.mjs as a picture (SVG): the link's rate and queue, and what each viewer saw, second by second.

const WIDTH = 720;
const PANEL = 110;
const LEFT = 56;
const TOP = 34;
const GAP = 38;
const COLORS = ['#2563eb', '#c2410c', '#15803d', '#7c3aed', '#0e7490', '#be185d'];

const escape = (text) => text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c]);

// The next of 1, 2, 5, 10, ... that is not below.
function round(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

function panel(index, title, lines, seconds) {
  const y = TOP + index * (PANEL + GAP);
  const most = round(Math.max(1, ...lines.flatMap(({ values }) => values)));
  const x = (second) => LEFT + ((WIDTH - LEFT - 12) * second) / Math.max(1, seconds - 1);
  const at = (value) => y + PANEL * (1 - value / most);
  const out = [`<text x="${LEFT}" y="${y - 6}" class="title">${escape(title)}</text>`];
  for (const share of [0, 0.5, 1])
    out.push(
      `<line x1="${LEFT}" x2="${WIDTH - 12}" y1="${at(most * share)}" y2="${at(most * share)}" class="grid"/>`,
      `<text x="${LEFT - 6}" y="${at(most * share) + 4}" class="end">${most * share}</text>`,
    );
  for (let second = 0; second < seconds; second += 10)
    out.push(`<text x="${x(second)}" y="${y + PANEL + 14}" class="middle">${second}</text>`);
  lines.forEach(({ name, values, dashed }, i) => {
    const points = values.map((value, second) => `${x(second).toFixed(1)},${at(value).toFixed(1)}`).join(' ');
    const dash = dashed ? ' stroke-dasharray="4 4"' : '';
    out.push(
      `<polyline points="${points}" stroke="${COLORS[i % COLORS.length]}"${dash}/>`,
      `<text x="${WIDTH - 12}" y="${y - 6 + 12 * i}" class="end" fill="${COLORS[i % COLORS.length]}">${escape(name)}</text>`,
    );
  });
  return out.join('\n');
}

// names: of the people whose rows these are; capacity: the link's kbit/s in a second, 0: no limit; direction: of the
// link.
export function plot(title, rows, names, { capacity = () => 0, direction = 'down' } = {}) {
  const seconds = rows.length;
  const rate = { name: 'passed', values: rows.map((row) => (row[direction].bytes * 8) / 1000) };
  const limit = { name: 'link', values: rows.map(({ second }) => capacity(second)), dashed: true };
  const seen = (key) =>
    names.flatMap((viewer, who) =>
      Object.keys(rows.at(-1).seen[who] ?? {}).map((of) => ({
        name: `${viewer} sees ${of}`,
        values: rows.map((row) => row.seen[who][of]?.[key] ?? 0),
      })),
    );
  const panels = [
    ['kbit/s on the link', limit.values.some((value) => value > 0) ? [rate, limit] : [rate]],
    ['queue before the link, ms, the longest of each second', [{ name: '', values: rows.map((row) => row[direction].queueMaxMs) }]],
    ['frames a second', seen('frames')],
    ['lines of the picture', seen('height')],
  ];
  const height = TOP + panels.length * (PANEL + GAP) + 4;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}">
<style>
  svg { background: #fff; font: 11px sans-serif; }
  polyline { fill: none; stroke-width: 1.6; }
  .grid { stroke: #d4d4d8; }
  .end { text-anchor: end; }
  .middle { text-anchor: middle; }
  .title { font-weight: 600; }
  .head { font-size: 13px; font-weight: 600; }
</style>
<text x="${LEFT}" y="14" class="head">${escape(title)}</text>
${panels.map(([name, lines], index) => panel(index, name, lines, seconds)).join('\n')}
</svg>
`;
}
