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

# Where no UDP gets through to the server, media takes TCP to it; where nothing gets through to that port, the way over
# the TURN server: once over UDP alone, once over TCP.
iptables -t raw -A PREROUTING -i host0 -p udp -j DROP
outside node "$repo/tests/deploy/call.mjs" $origin 'direct over tcp'
iptables -t raw -F PREROUTING
iptables -t raw -A PREROUTING -i host0 -p udp --dport 40000 -j DROP
iptables -t raw -A PREROUTING -i host0 -p tcp --dport 40000 -j DROP
iptables -t raw -A PREROUTING -i host0 -p tcp --dport 3478 -j DROP
outside node "$repo/tests/deploy/call.mjs" $origin 'relay over udp'
iptables -t raw -F PREROUTING
iptables -t raw -A PREROUTING -i host0 -p udp -j DROP
iptables -t raw -A PREROUTING -i host0 -p tcp --dport 40000 -j DROP
outside node "$repo/tests/deploy/call.mjs" $origin 'relay over tcp'
iptables -t raw -F PREROUTING

# Nothing but Rotunda and other relays can be reached through the TURN server, whoever asks.
turn=$(podman ps --quiet --filter ancestor=docker.io/library/rotunda-turn)
relay() { podman exec "$turn" sh -c "timeout 20 turnutils_uclient -v -W \"\$(cat /var/lib/turn-secret/secret)\" -u x -n 1 -m 2 $* \$(cat /etc/hostname)"; }
relay -y >/run/turn.log 2>&1 || true
grep -q 'tot_recv_msgs=[1-9]' /run/turn.log || fail "expected a way from relay to relay, for calls of two: $(tail -n 20 /run/turn.log)"
for peer in 198.51.100.2 10.89.0.1 127.0.0.1; do
    relay -e $peer >/run/turn.log 2>&1 || true
    grep -q 'error 403' /run/turn.log || fail "expected that the TURN server relays nothing to $peer: $(cat /run/turn.log)"
done

for _ in $(seq 60); do
    ailing=$(podman ps --quiet | xargs podman inspect --format '{{.Name}}: {{.State.Health.Status}}' | grep -v ': healthy$') || break
    sleep 0.5
done
[ -z "$ailing" ] || fail "expected that all services are healthy, got $ailing"

# The doctor, as docs/deploy.md calls it.
rotunda=$(podman ps --quiet --filter ancestor=docker.io/library/rotunda)
podman exec "$rotunda" start rotunda doctor >/run/doctor.txt 2>&1 ||
    fail "expected a doctor without findings that stop calls, got: $(cat /run/doctor.txt)"
grep -q '^ok  *call  *127.0.0.1' /run/doctor.txt || fail "expected a call with itself: $(cat /run/doctor.txt)"

# A name that does not resolve: one line, status 2.
status=0
said=$(podman run --rm --env DOMAIN=nowhere.invalid --entrypoint start docker.io/library/rotunda rotunda 2>&1 | grep '^start:') || true
podman run --rm --env DOMAIN=nowhere.invalid --entrypoint start docker.io/library/rotunda rotunda >/dev/null 2>&1 || status=$?
case "$status $said" in
"2 start: DOMAIN: nowhere.invalid does not resolve"*) ;;
*) fail "expected one line and status 2 for a name that does not resolve, got $status: $said" ;;
esac

before=$(podman exec "$turn" cat /var/lib/turn-secret/secret)
podman restart "$turn" >/dev/null 2>&1
[ ${#before} -ge 32 ] && [ "$(podman exec "$turn" cat /var/lib/turn-secret/secret)" = "$before" ] ||
    fail "expected the secret to outlast a restart"
say "tls: certificate by ACME, https, call by UDP, by TCP, by TURN over UDP and by TURN over TCP; the secret is kept"
