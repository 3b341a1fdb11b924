#!/bin/sh
# rotunda-load against the real server on loopback: a clean run, a lossy one that is repaired, and refusals.
# usage: load_test.sh PATH/TO/rotunda PATH/TO/rotunda-load
set -u
server=$1
load=$2
. "$(dirname "$0")/shell_kit.sh"

# start ARGS...: runs the server; sets pid and url.
start() {
    serve --listen 127.0.0.1:0 --media-port 0 --announce 127.0.0.1 --workers 2 --log-level warn "$@"
    url=$(sed -n 's|^  open  *http://\(127.0.0.1:[0-9]*\)/$|ws://\1/ws|p' "$running")
}

# expect STATUS TEXT ARGS...: runs the load; its output must hold TEXT.
expect() {
    status=$1 text=$2
    shift 2
    timeout 90 "$load" "$@" >"$folder/out" 2>"$folder/err"
    got=$?
    [ "$got" = "$status" ] || fail "rotunda-load $*: expected exit status $status, got $got"
    cat "$folder/out" "$folder/err" | grep -qF -e "$text" || fail "rotunda-load $*: expected \"$text\""
    if [ "$status" = 2 ] && [ "$(wc -l <"$folder/err")" != 1 ]; then
        fail "rotunda-load $*: expected one line on stderr"
    fi
}

start --log-level info
# Four people, all of it checked packet by packet. Audio and video, simulcast, every codec takes its turn below.
expect 0 "4 of 4 joins, 0 failed" --url "$url" --participants 4 --duration 5 --server-pid "$pid" \
    --json "$folder/clean.json" --expect 'joined>=4,failed<1,loss<=0%,faults<1,frames>900,request_errors<1'
python3 - "$folder/clean.json" <<'EOF' || fail "clean.json: not as documented"
import json, sys
run = json.load(open(sys.argv[1]))
assert run["version"] == 1 and len(run["samples"]) >= 5, run.keys()
for name in ("join_p99", "delay_p50", "first_key_frame_p50", "server_cpu_per_packet", "generator_cpu"):
    metric = run["metrics"][name]
    assert metric["value"] > 0 and metric["unit"], name
EOF
plot=$(dirname "$0")/../../load/plot.py
python3 "$plot" "$folder/clean.json" "$folder/clean.svg" && grep -q '</svg>' "$folder/clean.svg" || fail "plot.py"

# Over TCP; AV1 below also to readers who take 600 kbit/s of more.
expect 0 "faults < 1 : met" --url "$url" --participants 3 --duration 2 --codec h264 --simulcast 3 --video 1200 \
    --audio off --ice tcp --expect 'failed<1,loss<=0%,faults<1,frames>200'
expect 0 "faults < 1 : met" --url "$url" --participants 3 --duration 2 --codec vp9 --temporal 3 --pause 1 \
    --sockets each --expect 'failed<1,loss<=0%,faults<1,frames>50'
expect 0 "faults < 1 : met" --url "$url" --participants 3 --duration 2 --codec av1 --audio dtx --churn 4 \
    --ice tcp --bandwidth 600 --expect 'failed<1,faults<1,frames>100'
expect 0 "faults < 1 : met" --url "$url" --participants 3 --duration 2 --ice full --simulcast 2 \
    --expect 'failed<1,loss<=0%,faults<1,frames>200'

# The server's first addresses lead nowhere: the next ones are tried.
stop
earlier=$log
start --announce 192.0.2.1,2001:db8::1,127.0.0.9,127.0.0.1
for ice in checks full; do
    expect 0 "4 of 4 joins, 0 failed" --url "$url" --participants 4 --duration 2 --ice $ice \
        --expect 'failed<1,loss<=0%,faults<1,frames>100'
done
stop
start --log-level info

# Two per cent are lost each way: audio stays lossy, video is made whole again.
expect 0 "loss_video < 0.1 %: met" --url "$url" --participants 4 --duration 5 --loss 0.02 --delay 5 \
    --expect 'failed<1,faults<1,loss_video_before>0.5%,loss_video<0.1%,packets_repaired>10,retransmissions_sent>0,nacks_received>0,transport_cc_sent>0,transport_cc_received>0,frames>900'

expect 0 "rotunda-load " --version
expect 0 "usage: rotunda-load" -h

# A threshold that is missed, and what cannot run.
expect 1 "MISSED" --url "$url" --participants 2 --duration 1 --expect 'frames>1000000'
expect 2 "Connection refused" --url ws://127.0.0.1:1/ws
expect 2 "there is no metric \"los\"" --url "$url" --expect 'los<1'
echo '{"romms": 1}' >"$folder/bad.json"
expect 2 "bad.json: unknown setting \"romms\"" --url "$url" --scenario "$folder/bad.json"
# The one line about each room tells how it went: what the lossy one lost, and how far away its people were.
stop
python3 - "$earlier" "$log" <<'EOF' || fail "room closed: not as expected"
import re, sys
rooms = [dict(re.findall(r"(\w+)=(\d+)", line)) for path in sys.argv[1:] for line in open(path) if "room closed" in line]
assert len(rooms) >= 7 and all(int(room["packets"]) > 100 for room in rooms), rooms
assert any(int(room["packets_lost"]) > 10 and int(room["worst_round_trip_ms"]) >= 10 for room in rooms), rooms
assert any(int(room["packets_lost"]) == 0 for room in rooms), rooms
EOF

start --participants-max 2 --ice-tcp off
expect 2 "no address for media" --url "$url" --participants 1 --duration 1 --ice tcp
expect 2 "join refused: room-full" --url "$url" --participants 3 --duration 1
stop

finish
