#!/usr/bin/env python3
"""Draws a run of rotunda-load as an SVG.

usage: plot.py RESULTS.json [PICTURE.svg]

RESULTS.json is what `rotunda-load --json` wrote; docs/load-testing.md describes it. Standard library alone.
"""
import json
import sys
from xml.sax.saxutils import escape

WIDTH, PANEL, LEFT, RIGHT, TOP, GAP = 900, 100, 70, 150, 70, 36
COLOURS = ("#1f6feb", "#d1453b", "#2a9d5c")

# Title, then the series: member of a sample, what it is called.
PANELS = (
    ("participants", (("participants", "present"),)),
    ("packets a second", (("rtp_in", "received"), ("rtp_out", "sent"))),
    ("one-way delay, ms", (("delay_p50_ms", "p50"), ("delay_p99_ms", "p99"))),
    ("loss before repair, %", (("loss_percent", "loss"),)),
    ("freezes that began", (("freezes", "freezes"),)),
    ("CPU, % of a core", (("server_cpu_percent", "server"), ("generator_cpu_percent", "generator"))),
    ("memory of the server, MB", (("server_memory_mb", "resident"),)),
)


def nice_top(value):
    """The next number of the form 1, 2, 5 times a power of ten."""
    top = 1e-3
    while True:
        for factor in (1, 2, 5):
            if value <= top * factor:
                return top * factor
        top *= 10


def line(points, colour):
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polyline points="{text}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def panel(title, series, samples, y0, x_of):
    """One diagram whose upper edge is y0; None when nothing of it was measured."""
    known = [(key, name) for key, name in series if any(s.get(key) is not None for s in samples)]
    if not known:
        return None
    top = nice_top(max(s[key] for key, _ in known for s in samples if s.get(key) is not None))
    out = [f'<text x="{LEFT}" y="{y0 - 6}" font-weight="bold">{escape(title)}</text>']
    for share in (0, 0.5, 1):
        y = y0 + PANEL * (1 - share)
        out.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y}" y2="{y}" stroke="#ddd"/>')
        out.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{top * share:g}</text>')
    for i, (key, name) in enumerate(known):
        colour = COLOURS[i % len(COLOURS)]
        points = [(x_of(s["at_s"]), y0 + PANEL * (1 - s[key] / top)) for s in samples if s.get(key) is not None]
        out.append(line(points, colour))
        out.append(f'<text x="{WIDTH - RIGHT + 10}" y="{y0 + 14 + 16 * i}" fill="{colour}">{escape(name)}</text>')
    return "\n".join(out)


def headline(run):
    settings, metrics = run["settings"], run["metrics"]

    def value(name):
        metric = metrics.get(name, {})
        return "-" if metric.get("value") is None else f'{metric["value"]:.3g} {metric["unit"]}'.strip()

    return (
        f'{settings["rooms"]} x {settings["participants"]} participants, {settings["publishers"]} publish; '
        f'join p99 {value("join_p99")}, delay p99 {value("delay_p99")}, loss {value("loss")}, '
        f'CPU a packet {value("server_cpu_per_packet")}'
    )


def draw(run):
    samples = run["samples"]
    if not samples:
        sys.exit("plot.py: there are no samples to draw")
    last = max(s["at_s"] for s in samples)

    def x_of(at_s):
        return LEFT + (WIDTH - LEFT - RIGHT) * at_s / last

    body, y = [], TOP
    for title, series in PANELS:
        drawn = panel(title, series, samples, y, x_of)
        if drawn:
            body.append(drawn)
            y += PANEL + GAP
    axis = y - GAP + 18
    for i in range(6):
        at_s = last * i / 5
        body.append(f'<text x="{x_of(at_s):.1f}" y="{axis}" text-anchor="middle">{at_s:.0f} s</text>')
    warning = " THE GENERATOR WAS THE BOTTLENECK" if run.get("generator_limited") else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{axis + 20}" '
        f'font-family="sans-serif" font-size="12">\n<rect width="100%" height="100%" fill="white"/>\n'
        f'<text x="{LEFT}" y="24">{escape(headline(run))}</text>\n'
        f'<text x="{LEFT}" y="42" fill="#d1453b">{warning}</text>\n' + "\n".join(body) + "\n</svg>\n"
    )


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    try:
        with open(sys.argv[1], encoding="utf-8") as file:
            run = json.load(file)
        picture = draw(run)
    except (OSError, ValueError, KeyError, TypeError) as error:
        sys.exit(f"plot.py: {sys.argv[1]}: {error!r}")
    if len(sys.argv) == 2:
        sys.stdout.write(picture)
        return
    with open(sys.argv[2], "w", encoding="utf-8") as file:
        file.write(picture)


if __name__ == "__main__":
    main()
