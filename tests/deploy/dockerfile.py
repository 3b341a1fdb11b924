"""Reads docker/Dockerfile: its stages and what they offer. Knows the instructions that are used there, and refuses
others."""

import json
import re
import shlex

KNOWN = {"ARG", "FROM", "RUN", "COPY", "WORKDIR", "ENV", "USER", "EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT"}


class Stage:
    def __init__(self, base, name):
        self.base, self.name = base, name
        self.runs, self.copies = [], []  # copies: (stage or None, sources, target)
        self.env, self.exposed, self.user = {}, set(), None
        self.health, self.entrypoint = None, None

    def packages(self):
        """What its apt-get installs from Debian."""
        words = []
        for run in self.runs:
            for match in re.finditer(r"apt-get install ([^&|;]*)", run):
                words += [word for word in match.group(1).split() if not word.startswith(("-", "/", "$"))]
            words += re.findall(r"\bfaster=([\w-]+)", run)
        return words


def instructions(text):
    """(keyword, rest) of each instruction, with continued lines joined and comments left out."""
    lines = [line for line in text.split("\n") if not line.lstrip().startswith("#")]
    for line in re.sub(r"\\\n", " ", "\n".join(lines)).split("\n"):
        if line.strip():
            keyword, _, rest = line.strip().partition(" ")
            yield keyword.upper(), re.sub(r"\s+", " ", rest).strip()


def read(path):
    """name -> Stage; the last one, which `docker build` makes, is also there as None."""
    stages, args = {}, {}
    stage = None
    for keyword, rest in instructions(open(path, encoding="utf-8").read()):
        if keyword not in KNOWN:
            raise ValueError(f"{path}: {keyword} is not known to tests/deploy/dockerfile.py")
        if keyword == "ARG" and stage is None:
            name, _, value = rest.partition("=")
            args[name] = value
        elif keyword == "FROM":
            words = [word for word in rest.split() if not word.startswith("--")]
            base = re.sub(r"\$\{?(\w+)\}?", lambda match: args[match.group(1)], words[0])
            stage = Stage(base, words[2] if len(words) > 2 else None)
            stages[stage.name] = stages[None] = stage
        elif keyword == "RUN":
            stage.runs.append(rest)
        elif keyword == "COPY":
            words = rest.split()
            source = words.pop(0)[len("--from="):] if words[0].startswith("--from=") else None
            stage.copies.append((source, words[:-1], words[-1]))
        elif keyword == "ENV":
            stage.env.update(word.split("=", 1) for word in shlex.split(rest))
        elif keyword == "EXPOSE":
            stage.exposed.update(rest.split())
        elif keyword == "USER":
            stage.user = rest
        elif keyword == "HEALTHCHECK":
            stage.health = json.loads(rest[rest.index("CMD ") + 4:])
        elif keyword == "ENTRYPOINT":
            stage.entrypoint = json.loads(rest)
    return stages
