#!/bin/sh
# `rotunda doctor` in a network of its own: behind a router that does not lead it back to itself, and behind a firewall.
# usage: in_own_network.sh doctor_network_test.sh PATH/TO/rotunda
set -u
server=$1
. "$(dirname "$0")/shell_kit.sh"
here=$ROTUNDA_TEST_ADDRESS
unset ROTUNDA_TEST_ADDRESS # it is no setting
mkdir "$folder/web" && echo '<p>page</p>' >"$folder/web/index.html"

# doctor STATUS ARGS...
doctor() {
    status=$1
    shift
    timeout 60 "$server" doctor --web-root "$folder/web" --workers 2 "$@" >"$folder/out" 2>&1
    got=$?
    [ "$got" = "$status" ] || fail "doctor $*: expected exit status $status, got $got"
}

# has REGEX: a line of the output.
has() {
    grep -qE -e "$1" "$folder/out" || fail "expected a line \"$1\""
}

# The router is there and swallows what is sent to the public address.
ip neighbour replace 10.77.0.2 lladdr 02:00:00:00:00:02 dev test0 nud permanent

doctor 0 --announce auto
has "^ok +announce +$here: private, at an interface"
has "^ok +call +$here: WebSocket, ICE, DTLS, and RTP both ways"
has "^warn +reach +.*  fix: .*IP"

doctor 0 --announce "$here,203.0.113.7"
has "^ok +call +$here: WebSocket, ICE, DTLS, and RTP both ways"
has "^ok +announce +203.0.113.7: public, not at an interface of this machine: NAT must forward UDP port 40000"
has "^warn +call +203.0.113.7: nothing answers ICE checks sent to UDP port 40000\. .*no hairpin.*  fix: forward UDP port 40000"
has "^works, with warnings: "

doctor 1 --announce "media.invalid,$here"
has '^FAIL +announce +"media.invalid" does not resolve: .*  fix: '
has "^ok +call +$here: WebSocket, ICE, DTLS, and RTP both ways"

if nft add table inet doctor 2>/dev/null && nft add chain inet doctor in '{ type filter hook input priority 0; }' &&
    nft add rule inet doctor in udp dport 40000 drop; then
    doctor 1 --announce "$here"
    has "^FAIL +call +127.0.0.1: nothing answers ICE checks sent to UDP port 40000  fix: a firewall .* let in UDP port 40000"
else
    echo "ok 1 - rotunda doctor behind a firewall # SKIP nft makes no rules here"
fi

finish
