#!/bin/bash
# compose_up.sh NAME COMMAND...: inside in_namespaces.sh: runs the commands called NAME of docs/deploy.md, as they stand,
# with Podman as the engine; they return once all services that others wait for are healthy. Then runs COMMAND. The images
# must be there (build_images.sh).
set -eu
. "$(dirname "$0")/lib.sh"
engine_settings run
name=$1
shift

export DOCKER_HOST=unix:///run/rotunda-deploy/engine.sock
podman system service --time 0 "$DOCKER_HOST" >/run/rotunda-deploy/engine.log 2>&1 &
for _ in $(seq 50); do [ ! -S "${DOCKER_HOST#unix://}" ] || break; sleep 0.1; done

# An engine runs the health checks by itself; Podman leaves that to systemd, which is not here.
(while sleep 1; do for id in $(podman ps --quiet); do podman healthcheck run "$id" || true; done; done) \
    >/run/rotunda-deploy/health.log 2>&1 &

logs() {
    for id in $(podman ps --all --quiet); do
        echo "== $(podman inspect --format '{{.Name}}' "$id")"
        podman logs "$id" 2>&1
    done >"$dir/services.log"
    say "the services' logs are in $dir/services.log"
}
commands=$("$repo/tests/deploy/page.py" "$name")
if ! (cd "$repo" && PATH=$repo/tests/deploy/shims:$PATH timeout 120 bash -euc "$commands") >/run/rotunda-deploy/up.log 2>&1; then
    cat /run/rotunda-deploy/up.log
    logs
    tail -n 20 /run/rotunda-deploy/engine.log
    fail "docs/deploy.md, $name: $commands"
fi
status=0
"$@" || status=$?
[ $status = 0 ] || logs
podman rm --all --force --time 2 >/dev/null 2>&1 || true
exit $status
