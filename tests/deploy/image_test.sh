#!/bin/bash
# docker/compose.yml, with people beyond its host. Inside in_namespaces.sh and compose_up.sh.
set -eu
. "$(dirname "$0")/lib.sh"
engine_settings run
id=$(podman ps --quiet --filter ancestor=docker.io/library/rotunda)
origin=http://192.168.1.20:8080

[ "$(podman exec "$id" id -u)" = 10001 ] || fail "expected the server not to run as root"
! podman exec "$id" touch /etc/probe 2>/dev/null || fail "expected a read-only root file system"
nat=$(iptables-save -t nat | grep -cE 'DNAT.*:(8080|40000)$') || true
[ "$nat" = 3 ] || fail "expected three ports to be translated, got: $(iptables-save -t nat)"
ip netns exec outside node "$repo/tests/deploy/call.mjs" "$origin"

begun=$(date +%s%N)
podman stop --time 10 "$id" >/dev/null
took_ms=$((($(date +%s%N) - begun) / 1000000))
status=$(podman inspect --format '{{.State.ExitCode}}' "$id")
[ "$status" = 0 ] || fail "expected status 0 after SIGTERM, got $status"
[ "$took_ms" -lt 5000 ] || fail "expected an end soon after SIGTERM, took $took_ms ms"
podman logs "$id" 2>/dev/null | python3 -c '
import json, sys
events = [json.loads(line)["event"] for line in sys.stdin]
assert "server started" in events and "server stopped" in events, events'
say "image: not root, read-only, JSON log, ended by SIGTERM after $took_ms ms"
