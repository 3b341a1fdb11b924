#!/usr/bin/env python3
"""Wraps the prose of Markdown files at 120 characters; code, tables, headings and HTML stay as they are.

usage: wrap.py FILE...
"""
import re
import sys
import textwrap

WIDTH = 120
MARK = re.compile(r"^(\s*)([-*+]|\d+\.)\s+")
KEEP = re.compile(r"^\s*(\||#|<|```|~~~|\[[^]]+\]:|!\[|---$|$)|^ {4,}\S")


def flush(lines, out):
    if not lines:
        return
    mark = MARK.match(lines[0])
    first = mark.group(0) if mark else re.match(r"\s*(> )?", lines[0]).group(0)
    rest = " " * len(first) if mark else first
    words = " ".join(line[len(first):] if i == 0 else line.strip().removeprefix("> ") for i, line in enumerate(lines))
    # A code span is one word, so that no line begins or ends inside it.
    text = re.sub(r"`[^`]*`", lambda span: span.group(0).replace(" ", "\0"), words)
    out.extend(line.replace("\0", " ") for line in textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False))
    lines.clear()


def wrap(text):
    out, lines, fenced = [], [], False
    for line in text.split("\n"):
        fence = line.lstrip().startswith(("```", "~~~"))
        if fenced or fence or (KEEP.match(line) and not (lines and MARK.match(lines[0]) and line.startswith(" ") and line.strip())):
            flush(lines, out)
            out.append(line)
            fenced ^= fence
        elif MARK.match(line):
            flush(lines, out)
            lines.append(line)
        else:
            lines.append(line)
            if line.endswith("  "):
                flush(lines, out)
    flush(lines, out)
    return "\n".join(out)


def main():
    for name in sys.argv[1:]:
        with open(name, encoding="utf-8") as file:
            text = file.read()
        wrapped = wrap(text)
        if wrapped != text:
            with open(name, "w", encoding="utf-8") as file:
                file.write(wrapped)


if __name__ == "__main__":
    main()
