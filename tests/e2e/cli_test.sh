#!/bin/sh
# The server as a person at a shell meets it: refusals, exit statuses, a busy port, signals.
# usage: cli_test.sh PATH/TO/rotunda
set -u
server=$1
. "$(dirname "$0")/shell_kit.sh"

# expect STATUS STREAM TEXT ARGS...: runs the server; STREAM (out or err) must hold TEXT.
expect() {
    status=$1 stream=$2 text=$3
    shift 3
    timeout 10 "$server" "$@" >"$folder/out" 2>"$folder/err"
    got=$?
    [ "$got" = "$status" ] || fail "rotunda $*: expected exit status $status, got $got"
    grep -qF -e "$text" "$folder/$stream" || fail "rotunda $*: expected \"$text\" on std$stream"
    if [ "$status" = 2 ] && [ "$(wc -l <"$folder/err")" != 1 ]; then
        fail "rotunda $*: expected one line on stderr"
    fi
}

# start ARGS...: runs the server on ports of its own; sets pid, http_port, media_port.
start() {
    serve --listen 127.0.0.1:0 --media-port 0 --workers 2 "$@"
    http_port=$(sed -n 's/.*http_port"\{0,1\}[=:]\([0-9]*\).*/\1/p' "$log")
    media_port=$(sed -n 's/.*server started.*media_port"\{0,1\}[=:]\([0-9]*\).*/\1/p' "$log")
}

# said FILE TEXT: that the server has said it: at its start, or before it ended.
said() {
    grep -qF -e "$2" "$1" || fail "expected \"$2\" in ${1##*/}"
}

# stop_soon SIGNAL: the server must end with status 0 in under 2 seconds, as promised.
stop_soon() {
    began=$(date +%s%N)
    stop "$1"
    took_ms=$((($(date +%s%N) - began) / 1000000))
    [ "$took_ms" -lt 2000 ] || fail "SIG$1: expected an end within 2000 ms, took $took_ms ms"
    said "$log" 'server stopped'
}

expect 0 out "usage: rotunda" --help
expect 0 out "usage: rotunda" -h
expect 0 out "rotunda " -V
for word in rotunda libwebsockets libuv jansson libsrtp2 OpenSSL libnice; do
    expect 0 out "$word " --version
done
# The recorder, which is beside it.
recorder=$(dirname "$server")/rotunda-record
for flag in -V --version; do
    "$recorder" $flag | grep -q '^rotunda-record [0-9].*FFmpeg' || fail "rotunda-record $flag: expected its version"
done
"$recorder" -h | grep -q '^usage: rotunda-record' || fail "rotunda-record -h: expected its usage"
"$recorder" --dir 2>&1 | grep -q '^rotunda-record: --dir needs a value' || fail "rotunda-record --dir: expected a refusal"
expect 0 out "The settings are fine" --check-config --workers 2
expect 2 err 'unknown setting "lisen" (from the command line); did you mean listen?' --lisen 127.0.0.1:1
expect 2 err 'workers: "0" (from --workers) is not allowed; it must be a number from 1 to 64' --workers 0
expect 2 err '"8080" is not a flag' 8080
expect 2 err 'cannot be read: No such file' --config /nowhere/rotunda.conf
printf 'workers = 2\nmedia-prot = 1\n' >"$folder/bad.conf"
expect 2 err "unknown setting \"media-prot\" (from $folder/bad.conf line 2); did you mean media-port?" \
    --config "$folder/bad.conf" --check-config
printf '\357\273\277workers = 2 # behind the mark of an editor\nlog-format = json\n' >"$folder/good.conf"
expect 0 out "The settings are fine" --config "$folder/good.conf" --check-config
ROTUNDA_MEDIA_PORT=70000 expect 2 err 'media-port: "70000" (from ROTUNDA_MEDIA_PORT) is not allowed'

# Where the page is: a folder that is not there is refused, one without a page is warned of.
for check in --check-config --listen=127.0.0.1:0; do
    expect 2 err 'web-root: "/nowhere" cannot be read: No such file' "$check" --media-port 0 --web-root /nowhere
    expect 2 err 'record-dir: no folder can be made in "/nowhere": No such file' "$check" --media-port 0 --record-dir /nowhere
    expect 2 err "record-dir: no folder can be made in \"$server\": Not a directory" "$check" --media-port 0 --record-dir "$server"
done
expect 0 out "The settings are fine" --check-config --record-dir "$folder"
mkdir "$folder/empty"
expect 0 out "The settings are fine" --check-config --web-root "$folder/empty"
start --web-root "$folder/empty"
said "$running" "There is no web page in $folder/empty, so / answers 404."
stop_soon TERM
expect 2 err 'it must be an IP address or localhost, with a port' --listen example.org:8080
start --log-format json --web-root "$folder/empty"
said "$log" '"event":"no web page"'
stop_soon TERM

# Addresses that cannot be listened on: one line that names the address.
expect 2 err "cannot listen on 192.0.2.1:1 (TCP)" --listen 192.0.2.1:1 --media-port 0

# Addresses for media: what is refused, and what cannot be found out.
expect 2 err 'announce: "media.example.org:40000" (from --announce) is not allowed' --announce media.example.org:40000
expect 2 err 'announce: "10.0.0.1,0.0.0.0" (from --announce) is not allowed' --announce 10.0.0.1,0.0.0.0
expect 2 err 'stun: "stun.example.org:99999" (from --stun) is not allowed' --stun stun.example.org:99999
expect 2 err 'stun: "stun.example.org" would not be asked, because announce has no auto in it' \
    --stun stun.example.org --announce 10.0.0.1 --check-config
expect 2 err 'stun: "rotunda.invalid" does not resolve' --stun rotunda.invalid --listen 127.0.0.1:0 --media-port 0
expect 2 err 'stun: 127.0.0.1:1 is there, but does not serve STUN; name another server, or this machine' \
    --stun 127.0.0.1:1 --listen 127.0.0.1:0 --media-port 0

start
said "$running" "  media      UDP port $media_port of 127.0.0.1"
expect 2 err "cannot listen on 127.0.0.1:$http_port (TCP): Address already in use; rotunda (pid $pid) listens there" \
    --listen "127.0.0.1:$http_port" --media-port 0
expect 2 err "UDP port $media_port: Address already in use; rotunda (pid $pid) has it: stop it, or choose another" \
    --listen 127.0.0.1:0 --media-port "$media_port"
stop_soon TERM

# The health check asks the server that its own settings name.
start
expect 0 out "The server serves" --check-health --listen "127.0.0.1:$http_port"
kill -s STOP "$pid"
expect 1 err "rotunda: the server at 0.0.0.0:$http_port does not answer" --check-health --listen "0.0.0.0:$http_port"
kill -s CONT "$pid"
stop_soon TERM
expect 1 err "rotunda: no server at 127.0.0.1:$http_port: Connection refused" --check-health --listen "127.0.0.1:$http_port"


# Certificates: each file that is wrong is named, with --check-config too, and nothing starts.
# certificate NAME DAYS: NAME.crt, valid so many days, and NAME.key.
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$folder/$1.key" -out "$folder/$1.crt" \
        -days "$2" -subj /CN=localhost 2>/dev/null || fail "expected openssl to make a certificate"
}
certificate good 30
certificate other 30
echo hello >"$folder/text"
for check in --check-config --listen=127.0.0.1:0; do
    set -- "$check" --media-port 0 --tls-cert
    expect 2 err "tls-cert: \"$folder/good.crt\" is of no use without tls-key" "$@" "$folder/good.crt"
    expect 2 err "tls-cert: \"$folder/none\" cannot be read: No such file" "$@" "$folder/none" --tls-key "$folder/good.key"
    expect 2 err "tls-cert: \"$folder/text\" is no PEM file with a cert" "$@" "$folder/text" --tls-key "$folder/good.key"
    expect 2 err "tls-key: \"$folder/text\" is no PEM file with a private" "$@" "$folder/good.crt" --tls-key "$folder/text"
    expect 2 err "tls-key: \"$folder/other.key\" is not the key of the" "$@" "$folder/good.crt" --tls-key "$folder/other.key"
done
expect 0 out "The settings are fine" --check-config --tls-cert "$folder/good.crt" --tls-key "$folder/good.key"
start --tls-cert "$folder/good.crt" --tls-key "$folder/good.key"
said "$running" "  open       https://localhost:$http_port/"
said "$running" "  tls        for localhost, valid until "
expect 0 out "The server serves" --check-health --listen "127.0.0.1:$http_port" --tls-cert "$folder/good.crt" \
    --tls-key "$folder/good.key"
kill -s HUP "$pid"
wait_for "$log" 'certificate reloaded' "$pid"
stop_soon TERM
# A certificate that has expired is used, with a warning.
expired_certificate "$folder/good.key" localhost "$folder/old.crt"
start --tls-cert "$folder/old.crt" --tls-key "$folder/good.key"
said "$log" 'browsers will refuse the certificate reason="it expired on '
stop_soon TERM

# TURN: the secret goes with the URLs, and is shown nowhere.
turn=turn:turn.example.org
expect 2 err 'turn-urls: "turn.example.org" (from --turn-urls) is not allowed; it must be 1 to 8 URLs' --turn-urls turn.example.org
expect 2 err 'turn-urls: a TURN server is of no use without turn-secret or turn-secret-file' --turn-urls $turn
expect 2 err 'turn-secret: a secret is of no use without a TURN server in turn-urls' --turn-secret hush
expect 2 err 'turn-secret: what --turn-secret says is not allowed; it must be 1 to 255 bytes' --turn-urls $turn --turn-secret ''
expect 2 err 'turn-secret-file: "/nowhere/secret" cannot be read: No such file' --turn-urls $turn --turn-secret-file /nowhere/secret
: >"$folder/secret"
expect 2 err "turn-secret-file: \"$folder/secret\" is empty" --turn-urls $turn --turn-secret-file "$folder/secret"
ROTUNDA_TURN_SECRET='' expect 2 err 'turn-urls: a TURN server is of no use without' --turn-urls $turn
echo very-secret >"$folder/secret"
expect 0 out "The settings are fine" --check-config --turn-urls $turn --turn-secret-file "$folder/secret"
start --turn-urls $turn --turn-secret-file "$folder/secret" --log-level debug
stop_soon TERM
grep -q very-secret "$log" "$running" && fail "expected the secret to be shown nowhere"

# Logs for machines: nothing but events, one JSON object a line.
start --log-format json --announce 127.0.0.1,2001:db8::1
said "$log" "\"event\":\"media announced\",\"address\":\"127.0.0.1\",\"port\":$media_port,\"scope\":\"this machine\""
said "$log" "\"event\":\"media announced\",\"address\":\"2001:db8::1\",\"port\":$media_port,\"scope\":\"public\""
[ -s "$running" ] && fail "expected nothing on stderr with --log-format json"
stop_soon INT
grep -v '^{.*}$' "$log" && fail "expected one JSON object a line"

finish
