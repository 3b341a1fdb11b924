#!/usr/bin/env python3
"""Compares docker/ and packaging/ with what the server, the sources and Debian offer; needs no container engine.

check.py PATH/TO/rotunda. Every finding is one line. tests/deploy/run goes further: it builds and runs all of it.
"""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

import dockerfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SERVER = os.path.abspath(sys.argv[1])
HELP = subprocess.run([SERVER, "--help"], capture_output=True, text=True, check=True).stdout
STAGES = dockerfile.read(os.path.join(ROOT, "docker/Dockerfile"))
COMPOSES = ("docker/compose.yml", "docker/compose.tls.yml")
SECRET = tempfile.NamedTemporaryFile("w", suffix=".secret")
SECRET.write("a-secret-of-the-test\n")
SECRET.flush()
VARIABLES = {"DOMAIN": "meet.example.org", "ANNOUNCE": "203.0.113.7"}


def path(name):
    return os.path.join(ROOT, name)


def preset(setting):
    """The default that --help shows."""
    return re.search(rf"--{setting} \S+\n\s+.*\[(\S+)\]", HELP).group(1)


def refusal(flags=(), env=None):
    """What the server says against these settings; None if it takes them. A secret's file is one of our own."""
    env = dict(env or {})
    if "ROTUNDA_TURN_SECRET_FILE" in env:
        env["ROTUNDA_TURN_SECRET_FILE"] = SECRET.name
    clean = {name: value for name, value in os.environ.items() if not name.startswith("ROTUNDA_")}
    run = subprocess.run([SERVER, "--check-config", *flags], env={**clean, **env}, capture_output=True, text=True,
                         check=False)
    return None if run.returncode == 0 else run.stderr.strip()


def left_out(name):
    """Whether .dockerignore keeps it out of the build: the last pattern that matches decides."""
    out = False
    for line in open(path(".dockerignore"), encoding="utf-8"):
        pattern = line.strip()
        if not pattern or pattern.startswith("#"):
            continue
        keep = pattern.startswith("!")
        pattern = pattern.lstrip("!").rstrip("/")
        parts = name.split("/")
        heads = ["/".join(parts[: i + 1]) for i in range(len(parts))]
        if any(fnmatch.fnmatch(head, pattern.removeprefix("**/")) for head in heads):
            out = not keep
    return out


def debian_has(package):
    show = subprocess.run(["apt-cache", "show", "--quiet=0", package], capture_output=True, text=True, check=False)
    return show.returncode == 0 and show.stdout.strip() != ""


def check_build():
    seen = set()
    for stage in set(STAGES.values()):
        if not re.fullmatch(r"debian:\w+-slim", stage.base):
            yield f"stage {stage.name}: FROM {stage.base}, expected Debian's slim image"
        for source, names, _ in stage.copies:
            if source is not None and source not in STAGES:
                yield f"stage {stage.name}: COPY --from={source}, which is no stage"
            for name in names if source is None else ():
                if not os.path.exists(path(name)):
                    yield f"stage {stage.name}: COPY {name}, which does not exist"
                elif left_out(name.rstrip("/")):
                    yield f"stage {stage.name}: COPY {name}, which .dockerignore leaves out"
        seen.update(stage.packages())
        for variable in stage.env:
            if variable.startswith("ROTUNDA_") and (message := refusal(env={variable: stage.env[variable]})):
                yield f"stage {stage.name}: ENV {variable}: {message}"
    if len(seen) < 15:
        yield f"expected to find the packages that the Dockerfile installs, found {sorted(seen)}"
    known = {package for package in seen if debian_has(package)}
    if not known:
        print("ok 2 - the packages that the Dockerfile installs # SKIP apt-cache has no lists here")
        return
    for package in sorted(seen - known):
        yield f"the Dockerfile installs {package}, which apt-cache does not know"


def check_image():
    image = STAGES[None]
    offered = {f"{preset('listen').rsplit(':', 1)[1]}/tcp", f"{preset('media-port')}/udp", f"{preset('media-port')}/tcp"}
    if image.exposed != offered:
        yield f"the image exposes {sorted(image.exposed)}, the server offers {sorted(offered)}"
    if image.env.get("ROTUNDA_LOG_FORMAT") != "json":
        yield "the image's log is not JSON"
    for flag in re.findall(r"--[\w-]+", " ".join(image.health or [])):
        if flag not in HELP:
            yield f"HEALTHCHECK uses {flag}, which rotunda --help does not know"
    for name in (None, "caddy", "turn"):
        stage = STAGES[name]
        if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", stage.user or ""):
            yield f"stage {name}: USER {stage.user}, expected numbers other than 0, which Kubernetes can check"
        if not stage.health or not stage.entrypoint:
            yield f"stage {name}: expected HEALTHCHECK and ENTRYPOINT"


def config_of(name, variables):
    """The file as docker-compose understands it: (parsed, error)."""
    env = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    run = subprocess.run(["docker-compose", "-f", path(name), "config"], env={**env, **variables}, capture_output=True,
                         text=True, check=False)
    return (yaml.safe_load(run.stdout), None) if run.returncode == 0 else (None, run.stderr.strip())


def published(service):
    """{"80/tcp"}: container ports; they must have the same number outside, for the server tells it to clients."""
    for port in service.get("ports", []):
        if isinstance(port, dict):
            yield str(port["published"]), f"{port['target']}/{port['protocol']}"
        else:
            outside, _, inside = str(port).partition(":")
            yield outside, inside


def check_service(name, service, stage, config):
    build = service["build"]
    context = os.path.normpath(os.path.join(path("docker"), build["context"]))
    if context != os.path.normpath(ROOT) or not os.path.isfile(os.path.join(context, build["dockerfile"])):
        yield f"{name}: builds {build}, which is not here"
    inside = set()
    for outside, port in published(service):
        inside.add(port)
        if outside != port.split("/")[0]:
            yield f"{name}: port {port} is {outside} outside"
    if not inside <= stage.exposed:
        yield f"{name}: publishes {sorted(inside)}, the image exposes {sorted(stage.exposed)}"
    for key, wanted in (("read_only", True), ("restart", "unless-stopped"), ("cap_drop", ["ALL"])):
        if service.get(key) != wanted:
            yield f"{name}: {key} is {service.get(key)}, expected {wanted}"
    if not service.get("mem_limit"):
        yield f"{name}: has no mem_limit"
    for other in service.get("depends_on", {}):
        if other not in config["services"]:
            yield f"{name}: depends on {other}, which is no service"
    env = {key: str(value) for key, value in (service.get("environment") or {}).items() if value is not None}
    if name == "rotunda" and (message := refusal(env={k: v for k, v in env.items() if k.startswith("ROTUNDA_")})):
        yield f"{name}: {message}"
    made = " ".join(stage.runs) + " ".join(target for _, _, target in stage.copies)
    for volume in service.get("volumes", []):
        source, target = (volume["source"], volume["target"]) if isinstance(volume, dict) else volume.split(":")[:2]
        if os.path.isabs(source) or source.startswith("."):
            if not os.path.exists(os.path.join(path("docker"), source)):
                yield f"{name}: mounts {source}, which does not exist"
        elif source not in config["volumes"]:
            yield f"{name}: volume {source} is not declared"
        if target not in made:
            yield f"{name}: mounts at {target}, which the image does not have"


def check_compose():
    for name in COMPOSES:
        raw = yaml.safe_load(open(path(name), encoding="utf-8"))
        config, error = config_of(name, VARIABLES)
        if error:
            yield f"{name}: docker-compose says: {error}"
            continue
        for service_name, service in raw["services"].items():
            target = service["build"].get("target")
            if target not in STAGES:
                yield f"{name}: {service_name} is built from {target}, which is no stage"
            else:
                parsed = config["services"][service_name]
                yield from (f"{name}: {finding}" for finding in check_service(
                    service_name, {**parsed, "build": service["build"]}, STAGES[target], config))
        text = open(path(name), encoding="utf-8").read()
        unknown = set(re.findall(r"\$\{(\w+)", text)) - set(VARIABLES)
        if unknown:
            yield f"{name}: variables {sorted(unknown)} that nobody explains"
    alone, _ = config_of(COMPOSES[0], {})
    ports = sorted(inside for _, inside in published(alone["services"]["rotunda"])) if alone else None
    if ports != ["40000/tcp", "40000/udp", "8080/tcp"]:
        yield f"{COMPOSES[0]} without variables: publishes {ports}, expected that of pages and media's, UDP and TCP"
    _, error = config_of(COMPOSES[1], {})
    if "DOMAIN" not in (error or ""):
        yield f"{COMPOSES[1]} without DOMAIN: expected an error that names it, got {error!r}"


def check_kubernetes():
    """The manifest parses, and names ports, paths and settings that there are."""
    name = "docker/kubernetes.yml"
    parts = {part["kind"]: part for part in yaml.safe_load_all(open(path(name), encoding="utf-8"))}
    if set(parts) != {"Deployment", "Service", "Ingress"}:
        yield f"{name}: has {sorted(parts)}"
        return
    pod = parts["Deployment"]["spec"]["template"]
    container = pod["spec"]["containers"][0]
    ports = {f"{port['containerPort']}/{port['protocol'].lower()}" for port in container["ports"]}
    admin = next((env["value"] for env in container["env"] if env["name"] == "ROTUNDA_ADMIN_LISTEN"), ":")
    inside = {f"{admin.rsplit(':', 1)[1]}/tcp"}
    if ports - inside != STAGES[None].exposed or not inside <= ports:
        yield f"{name}: ports {sorted(ports)}, the image exposes {sorted(STAGES[None].exposed)}"
    names = {port["name"] for port in container["ports"]}
    offered = open(path("server/app_http.c"), encoding="utf-8").read()
    for probe in ("livenessProbe", "readinessProbe"):
        asked = container[probe]["httpGet"]
        if asked["port"] not in names or f'"{asked["path"]}"' not in offered:
            yield f"{name}: {probe} asks {asked}, which is not served"
    if "memory" not in container["resources"].get("limits", {}):
        yield f"{name}: no limit of memory"
    for env in container["env"]:
        if message := refusal(env={env["name"]: env.get("value", "203.0.113.7")}):
            yield f"{name}: {message}"
    service = parts["Service"]
    if any(port["targetPort"] != "http" for port in service["spec"]["ports"]):
        yield f"{name}: the Service leads to more than the public port"
    if service["spec"]["selector"] != pod["metadata"]["labels"] or service["spec"]["ports"][0]["targetPort"] not in names:
        yield f"{name}: the Service does not lead to the Deployment"
    for rule in parts["Ingress"]["spec"]["rules"]:
        backend = rule["http"]["paths"][0]["backend"]["service"]
        if (backend["name"], backend["port"]["name"]) != (service["metadata"]["name"], service["spec"]["ports"][0]["name"]):
            yield f"{name}: the Ingress does not lead to the Service"


def check_settings_file():
    """Each example in packaging/rotunda.conf is allowed, and each default in it is the server's."""
    lines = open(path("packaging/rotunda.conf"), encoding="utf-8").read().split("\n")
    examples = [line[1:] for line in lines if re.match(r"#[\w-]+ = ", line)]
    if len(examples) < 4:
        yield f"packaging/rotunda.conf: {len(examples)} examples"
    for example in examples:
        name, value = example.split(" = ")
        if name == "record-dir":  # the unit makes it, on a machine where that is installed
            unit = open(path("packaging/rotunda.service.in"), encoding="utf-8").read()
            if value.removeprefix("/var/lib/") not in re.search(r"^StateDirectory=(.*)$", unit, re.M).group(1).split():
                yield f"packaging/rotunda.conf: {value} is no folder that the unit lets the service write to"
            value = tempfile.gettempdir()
        if message := refusal([f"--{name}", value]):
            yield f"packaging/rotunda.conf: {message}"


def check_unit():
    """The figure in docs/deploy.md is what systemd says of the unit; another version may be half a point off."""
    if not shutil.which("systemd-analyze"):
        print("ok 3 - systemd-analyze security # SKIP there is no systemd-analyze here")
        return
    unit = open(path("packaging/rotunda.service.in"), encoding="utf-8").read()
    if "\nNotifyAccess=main\n" not in unit:
        yield "packaging/rotunda.service.in: systemd would not hear how long drain-time takes (NotifyAccess=main)"
    with tempfile.TemporaryDirectory() as folder:
        name = os.path.join(folder, "rotunda.service")
        with open(name, "w", encoding="utf-8") as file:
            file.write(unit.replace("@prefix@/@bin@", "/usr/bin").replace("@etc@", "/etc/rotunda").replace("@prefix@/@doc@", "/usr"))
        run = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true", name], capture_output=True,
                             text=True, check=False)
    found = re.search(r"exposure level for rotunda.service: ([\d.]+)", run.stdout)
    told = re.search(r"rates the unit ([\d.]+)", open(path("docs/deploy.md"), encoding="utf-8").read())
    if not found or not told:
        yield f"no figure from systemd-analyze ({run.stderr.strip()}) or none in docs/deploy.md"
    elif abs(float(found.group(1)) - float(told.group(1))) > 0.5:
        yield f"docs/deploy.md says that systemd rates the unit {told.group(1)}, it is {found.group(1)}"


def main():
    findings = []
    for check in (check_build, check_image, check_compose, check_kubernetes, check_settings_file, check_unit):
        if check is check_compose and not shutil.which("docker-compose"):
            print("ok 1 - docker-compose config # SKIP there is no docker-compose here")
            continue
        findings += check()
    for finding in findings:
        print(finding)
    print(f"deploy: {len(findings)} findings, expected none")
    return 1 if findings else 0


sys.exit(main())
