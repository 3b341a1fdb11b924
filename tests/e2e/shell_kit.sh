# What the shell tests share. Sourced, with `set -u`, after `server` names the program.
#
# A test never waits on a file that an earlier program may have filled: each start of a server writes to files of its
# own, which `running` (standard output) and `log` (standard error) name. What is expected of a server is awaited; only
# what it said before it ended may be looked up at once.

folder=$(mktemp -d)
failures=0
pids= # what must not outlive the test
running=$folder/none log=$folder/none
trap 'for one in $pids; do kill -9 "$one" 2>/dev/null; done; rm -rf "$folder"' EXIT

fail() {
    failures=$((failures + 1))
    printf 'FAILED: %s\n' "$*"
    for stream in "$folder/out" "$folder/err" "$running" "$log"; do
        [ -f "$stream" ] && sed "s|^|    ${stream##*/}: |" "$stream"
    done
}

# finish: the test's last word.
finish() {
    [ "$failures" = 0 ] || exit 1
    echo "all as expected"
    exit 0
}

# wait_for FILE REGEX [PID]: until FILE holds such a line. Ends the test when that takes 20 s or PID has ended.
wait_for() {
    tries=0
    until grep -qs -e "$2" "$1"; do
        tries=$((tries + 1))
        if [ $tries -gt 400 ] || { [ -n "${3:-}" ] && ! kill -0 "$3" 2>/dev/null && ! grep -qs -e "$2" "$1"; }; then
            fail "expected \"$2\" in ${1##*/}"
            exit 1
        fi
        sleep 0.05
    done
}

# background NAME COMMAND...: runs it; sets background_pid, and background_out, a file of its own.
background() {
    background_out=$(mktemp -p "$folder" "$1.XXXXXX")
    shift
    "$@" >"$background_out" 2>"$background_out.err" &
    background_pid=$!
    pids="$pids $background_pid"
}

# serve ARGS...: runs the server until it has said all that it says at a start; sets pid, running, log.
# With --log-format json, `log` is what stands on standard output and `running` what stands on standard error.
serve() {
    background server "$server" "$@"
    pid=$background_pid running=$background_out log=$background_out.err
    case "$*" in
    *"--log-format json"*) log=$background_out running=$background_out.err ;;
    esac
    case "$*" in
    *"--log-level warn"*) wait_for "$running" '^  firewall' "$pid" ;; # where the log keeps silent, the banner speaks
    *) wait_for "$log" 'server started' "$pid" ;;
    esac
}

# stop [SIGNAL]: ends the server of serve; it must end with status 0.
stop() {
    kill -s "${1:-TERM}" "$pid"
    wait "$pid"
    got=$?
    [ "$got" = 0 ] || fail "the server after SIG${1:-TERM}: expected exit status 0, got $got"
    pid=
}

# free_ports COUNT: ports that nobody uses, TCP and UDP.
free_ports() {
    python3 - "$1" <<'PY'
import socket, sys
taken = []
while len(taken) < int(sys.argv[1]):
    tcp, udp = socket.socket(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    tcp.bind(("127.0.0.1", 0))
    try:
        udp.bind(("0.0.0.0", tcp.getsockname()[1]))
    except OSError:
        continue
    taken.append((tcp, udp))
print(*[tcp.getsockname()[1] for tcp, _ in taken])
PY
}

# expired_certificate KEY NAME OUT: a certificate of the private key KEY for NAME that was valid for a day in 2020.
# `openssl ca` alone takes dates of the past in every release: 3.5 refuses `-days -1`, 3.0 has no -not_after.
expired_certificate() {
    ca=$(mktemp -d -p "$folder")
    printf '%s\n' '[ca]' 'default_ca=own' '[own]' "database=$ca/index" "new_certs_dir=$ca" "serial=$ca/serial" \
        'default_md=sha256' 'policy=any' '[any]' 'commonName=supplied' >"$ca/config"
    : >"$ca/index"
    echo 01 >"$ca/serial"
    openssl req -new -key "$1" -subj "/CN=$2" -out "$ca/request" 2>"$ca/said" &&
        openssl ca -batch -selfsign -config "$ca/config" -keyfile "$1" -in "$ca/request" -out "$3" -notext \
            -startdate 200101000000Z -enddate 200102000000Z 2>>"$ca/said" && return 0
    cat "$ca/said"
    fail "expected openssl to make an expired certificate"
    return 1
}
