#!/bin/bash
# docker/compose.tls.yml, with people beyond its host. Started by tls_run.sh; CA is the certificate authority's file.
set -eu
. "$(dirname "$0")/lib.sh"
engine_settings run
origin=https://meet.example.org
outside() { ip netns exec outside env HOME=/run/people NODE_EXTRA_CA_CERTS="$CA" "$@"; }
status_of() { outside node -e 'fetch(process.argv[1]).then((r) => console.log(r.status), (e) => console.log(String(e.cause ?? e)))' "$1"; }

mkdir -p /run/people/.pki/nssdb
certutil -d sql:/run/people/.pki/nssdb -N --empty-password
certutil -d sql:/run/people/.pki/nssdb -A -t C,, -n authority -i "$CA"

for _ in $(seq 60); do
    got=$(status_of $origin/)
    [ "$got" != 200 ] || break
    sleep 0.5
done
[ "$got" = 200 ] || fail "expected the page at $origin/ under a good certificate, got $got"
got=$(status_of $origin/metrics)
[ "$got" = 404 ] || fail "expected no metrics at $origin, got $got"
got=$(outside node -e 'fetch("http://meet.example.org/", { redirect: "manual" }).then((r) => console.log(r.status, r.headers.get("location")))')
[ "$got" = "308 $origin/" ] || fail "expected a redirection to https, got $got"
outside node "$repo/tests/deploy/call.mjs" $origin host

if ! grep -q ROTUNDA_TURN_URLS "$repo/docker/compose.tls.yml"; then exit 0; fi
# Where no UDP gets through to the server, media takes the way over the TURN server.
iptables -t raw -I PREROUTING -i host0 -p udp --dport 40000 -j DROP
outside node "$repo/tests/deploy/call.mjs" $origin relay
iptables -t raw -I PREROUTING -i host0 -p udp -j DROP
outside node "$repo/tests/deploy/call.mjs" $origin relay

turn=$(podman ps --quiet --filter ancestor=docker.io/library/rotunda-turn)
before=$(podman exec "$turn" cat /var/lib/turn-secret/secret)
podman restart "$turn" >/dev/null 2>&1
[ ${#before} -ge 32 ] && [ "$(podman exec "$turn" cat /var/lib/turn-secret/secret)" = "$before" ] ||
    fail "expected the secret to outlast a restart"
say "tls: certificate by ACME, https, call by UDP, by TURN over UDP and by TURN over TCP; the secret is kept"
