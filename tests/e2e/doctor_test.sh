#!/bin/sh
# `rotunda doctor` on machines that are well and machines that are not: what it finds, and its exit status.
# usage: doctor_test.sh PATH/TO/rotunda
set -u
server=$1
here=$(dirname "$0")
. "$here/shell_kit.sh"
mkdir "$folder/web" && echo '<p>page</p>' >"$folder/web/index.html"

# doctor STATUS ARGS...: runs it on two ports of this test.
doctor() {
    status=$1
    shift
    timeout 60 "$server" doctor --listen "127.0.0.1:$http_port" --media-port "$media_port" --web-root "$folder/web" \
        --workers 2 --announce 127.0.0.1 "$@" >"$folder/out" 2>"$folder/err"
    got=$?
    [ "$got" = "$status" ] || fail "doctor $*: expected exit status $status, got $got"
    [ -s "$folder/err" ] && fail "doctor $*: expected nothing on stderr"
}

# has REGEX: a line of the output.
has() {
    grep -qE -e "$1" "$folder/out" || fail "expected a line \"$1\""
}

# shellcheck disable=SC2046
set -- $(free_ports 4)
http_port=$1 media_port=$2 stun_port=$3 turn_port=$4

# Files with secrets, where there are others; in a container it is not known.
echo 'team: 0123456789abcdef0123456789abcdef' >"$folder/keys"
chmod 755 "$folder"
for mode in 600:ok 644:warn 666:warn; do
    chmod "${mode%:*}" "$folder/keys"
    doctor 0 --keys "$folder/keys"
    has "^(skip|${mode#*:}) +secrets +keys $folder/keys: "
done
chmod 600 "$folder/keys"

# A machine that is well. Buffers and NTP differ from machine to machine, and are no failure.
doctor 0
for check in config clock file-limit udp-gso cipher libraries web-root listen-port media-port media-port-tcp call server; do
    has "^ok +$check +"
done
has "^ok +listen-port +TCP port $http_port of 127.0.0.1 is free\$"
has "^ok +media-port +UDP port $media_port is free\$"
has "^ok +call +127\.0\.0\.1: WebSocket, ICE, DTLS, and RTP both ways in [0-9]+ ms\$"
has "^warn +reach +only this machine itself can take part  fix: --announce IP"
has "^works, with warnings: .* 0 failures\$"

# JSON: parses, and has the form that the documentation promises.
doctor 0 --json
python3 - "$folder/out" <<'PY' || fail "--json: not as documented"
import json, sys
report = json.load(open(sys.argv[1]))
assert set(report) == {"version", "rotunda", "status", "counts", "findings"}, report.keys()
assert report["version"] == 2 and report["status"] == "warn", report["status"]
levels = [finding["level"] for finding in report["findings"]]
assert report["counts"] == {level: levels.count(level) for level in ("ok", "skip", "warn", "fail")}
for finding in report["findings"]:
    assert set(finding) == {"level", "check", "subject", "text", "fix"}, finding
    assert finding["text"] and (finding["fix"] or finding["level"] in ("ok", "skip")), finding
calls = [finding for finding in report["findings"] if finding["check"] == "call"]
assert [call["subject"] for call in calls] == ["127.0.0.1"], calls
PY

# Bad usage.
"$server" doctor --lisen 127.0.0.1:1 >"$folder/out" 2>"$folder/err"
[ $? = 2 ] || fail "doctor --lisen: expected exit status 2"
grep -q 'rotunda doctor: unknown setting "lisen"' "$folder/err" || fail "doctor --lisen: expected it to be named"
[ "$(wc -l <"$folder/err")" = 1 ] || fail "doctor --lisen: expected one line on stderr"
"$server" --help | grep -q 'rotunda doctor \[--json\]' || fail "--help: expected it to tell of the doctor"

# A stranger at each port.
background stranger python3 -c '
import socket, sys, time
kind = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
sockets = []
for name, port in zip(sys.argv[1::2], sys.argv[2::2]):
    s = socket.socket(socket.AF_INET, kind[name])
    s.bind(("127.0.0.1" if name == "tcp" else "0.0.0.0", int(port)))
    if name == "tcp":
        s.listen()
    sockets.append(s)
print("ready", flush=True)
sockets[0].accept()[0].sendall(b"220 mail.example ESMTP\r\n")
time.sleep(60)' tcp "$http_port" udp "$media_port"
stranger=$background_pid
wait_for "$background_out" ready "$stranger"
doctor 1
has "^FAIL +listen-port +TCP port $http_port of 127.0.0.1 is taken by .*  fix: stop it, or choose another port: --listen"
has "^FAIL +media-port +UDP port $media_port is taken by .*  fix: stop it, or choose another port: --media-port"
has "^ok +call +127\.0\.0\.1: WebSocket" # on other ports the server works
has "^something will not work: .* 2 failures\$"
kill "$stranger"
wait "$stranger" 2>/dev/null

# A Rotunda that runs is recognised, called, and left as it was.
serve --listen "127.0.0.1:$http_port" --media-port "$media_port" --announce 127.0.0.1 --web-root "$folder/web" \
    --workers 2
doctor 0
has "^ok +listen-port +Rotunda [0-9.]+ runs at TCP port $http_port"
has "^ok +media-port +UDP port $media_port is in use"
has "^ok +call +127\.0\.0\.1: WebSocket"
doctor 0 --announce 127.0.0.2
has "^warn +announce +the server that runs announces 127.0.0.1 with UDP port $media_port, which is not what"
stop

# Certificates: expired, of another key, signed by nobody that is known; the call is made all the same.
(
    cd "$folder" && exec >openssl.log 2>&1
    for name in key other; do openssl ecparam -name prime256v1 -genkey -noout -out $name.pem; done
    openssl req -x509 -new -key key.pem -subj /CN=meet.example -days 90 -out self.pem
) || fail "openssl: expected it to make certificates"
expired_certificate "$folder/key.pem" meet.example "$folder/expired.pem"
doctor 0 --tls-cert "$folder/self.pem" --tls-key "$folder/key.pem"
has "^ok +certificate +$folder/self.pem: of meet.example, until "
has "^warn +certificate +$folder/self.pem: signed by itself: browsers warn of it  fix: "
has "^ok +call +127\.0\.0\.1: WebSocket, ICE, DTLS, and RTP both ways"
doctor 1 --tls-cert "$folder/expired.pem" --tls-key "$folder/key.pem"
has "^FAIL +certificate +$folder/expired.pem: of meet.example; it expired on .*  fix: renew it, then send the server SIGHUP"
has "^ok +call +127\.0\.0\.1: WebSocket, ICE, DTLS, and RTP both ways"
doctor 1 --tls-cert "$folder/self.pem" --tls-key "$folder/other.pem"
has "^FAIL +certificate +.*is not the key of the certificate.*  fix: --tls-cert and --tls-key"

# Too few open files: fewer than the settings may need, and fewer than the server itself needs.
(
    ulimit -n 900
    doctor 0
    has "^warn +file-limit +900 open files are allowed and connections-max 10000 with tcp-connections-max 112 needs 12014  fix: .*LimitNOFILE=12014"
    # The quick part speaks at every start, of what is wrong alone.
    serve --listen "127.0.0.1:$http_port" --media-port "$media_port" --workers 2
    stop
    cp "$log" "$folder/out"
    has 'warn  self-check check="file-limit" subject="" found="900 open files are allowed.*fix=".*LimitNOFILE=12014'
    grep -E 'self-check check="(clock|udp-gso|cipher|libraries)"' "$log" && fail "expected silence about what is well"
    ulimit -n 100
    doctor 1
    has "^FAIL +file-limit +100 open files are allowed"
    exit "$failures"
)
failures=$?

# An announced address that is another's, as a STUN server sees it: nobody would get through.
background stun python3 "$here/stun_server.py" "$stun_port" 198.51.100.2
wait_for "$background_out" ready "$background_pid"
doctor 0 --announce auto --stun "127.0.0.1:$stun_port"
has "^ok +stun +127.0.0.1:$stun_port: it sees this machine at 198.51.100.2"
has "^ok +announce +198.51.100.2: public; this machine is behind NAT there"
has "^warn +call +198.51.100.2: .*no hairpin.*  fix: forward UDP port $media_port"
doctor 1 --announce 203.0.113.7 --stun "127.0.0.1:$stun_port"
has "^warn +announce +203.0.113.7: public, but the STUN server .* sees this machine at 198.51.100.2"
has "^FAIL +call +203.0.113.7: .*  fix: --announce auto,198.51.100.2"
doctor 1 --stun "127.0.0.1:$http_port"
has "^FAIL +stun +127.0.0.1:$http_port: .*  fix: another server in --stun"

# TURN: the secret is tried against the server, over UDP and TCP.
if command -v turnserver >/dev/null; then
    background turn turnserver -n --listening-ip=127.0.0.1 --relay-ip=127.0.0.1 --listening-port="$turn_port" --realm=example.org \
        --use-auth-secret --static-auth-secret=right --no-tls --no-dtls --no-cli --userdb="$folder/turndb" \
        --pidfile="$folder/turn.pid" --log-file=stdout
    turn=$background_pid
    until ss -Huln "sport = :$turn_port" | grep -q . && ss -Htln "sport = :$turn_port" | grep -q .; do
        kill -0 "$turn" || exit 1
        sleep 0.05
    done
    urls="turn:127.0.0.1:$turn_port,turn:127.0.0.1:$turn_port?transport=tcp,stun:127.0.0.1:$turn_port"
    doctor 0 --turn-urls "$urls" --turn-secret right
    has "^warn +turn +turn:127.0.0.1:$turn_port: the secret is right, but it relays from 127.0.0.1, which"
    has "^warn +turn +turn:127.0.0.1:$turn_port\?transport=tcp: the secret is right"
    has "^ok +stun +stun:127.0.0.1:$turn_port: it sees this machine at 127.0.0.1"
    doctor 1 --turn-urls "$urls" --turn-secret wrong
    has "^FAIL +turn +turn:127.0.0.1:$turn_port: it refuses credentials made from the secret .realm \"example.org\".  fix: the same secret"
    has "^FAIL +turn +turn:127.0.0.1:$turn_port\?transport=tcp: it refuses credentials"
    grep -q -e wrong "$folder/out" && fail "expected the secret to be kept"
    kill "$turn"
    wait "$turn" 2>/dev/null
    doctor 1 --turn-urls "turn:127.0.0.1:$turn_port" --turn-secret right
    has "^FAIL +turn +turn:127.0.0.1:$turn_port: nobody listens there"
else
    echo "ok 1 - rotunda doctor with a TURN server # SKIP there is no turnserver (coturn)"
fi

finish
