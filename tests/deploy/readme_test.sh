#!/bin/bash
# readme_test.sh SUITE root|user: the README's two commands on a bare Debian, as root or as a user with sudo. `./run`
# installs what is missing, builds and starts as it stands there, and two browsers of this machine hold a call with it;
# then `./test --quick` where README_TEST names a flag or test (README_TEST=--quick), or all of it (README_TEST=all).
# Needs TCP port 8080 and UDP port 40000 of this machine.
set -eu
. "$(dirname "$0")/lib.sh"
here=$repo/tests/deploy
suite=$1
who=$2
wanted=${README_TEST:-}
name=readme-$suite-$who
tree=$dir/root-$name
log=$dir/$name.log
sources=/srv/rotunda

prepare() {
    rm -rf --one-file-system "$tree"
    mkdir -p "$tree"
    tar -C "$tree" -xf "$(base_of "$suite")"
    if [ "$who" = user ]; then
        "$here/in_root.sh" "$tree" sh -euxc 'apt-get update -q; apt-get install -qq -y --no-install-recommends sudo
            rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb
            useradd --create-home --home-dir /srv/ann --shell /bin/bash ann
            echo "ann ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/ann' >"$log" 2>&1 || { tail -n 20 "$log"; fail "a user with sudo"; }
        [ ! -f "$npm_settings" ] || cp "$npm_settings" "$tree/srv/ann/.npmrc"
    fi
    git clone --quiet "$repo" "$tree$sources"
    [ "$who" = root ] || chown -R "$(stat -c %u:%g "$tree/srv/ann")" "$tree/srv/ann" "$tree$sources"
}

# as COMMAND: in the root file system, by whom it is about, in the folder of the sources.
as() {
    local become=(sh -c)
    [ "$who" = root ] || become=(runuser -u ann -- env HOME=/srv/ann sh -c)
    "$here/in_root.sh" "$tree" "${become[@]}" "cd $sources && $1"
}

call() {
    for port in "tcp:8080" "udp:40000"; do
        [ -z "$(ss -Hln --"${port%:*}" sport = ":${port#*:}")" ] || fail "port ${port#*:} of this machine is taken"
    done
    rm -f "$tree/tmp/stop"
    as './run & pid=$!
        while [ ! -e /tmp/stop ] && kill -0 $pid 2>/dev/null; do sleep 0.2; done
        kill -TERM $pid; wait $pid' >"$log" 2>&1 &
    local inside=$! begun=$SECONDS status=0
    until curl -fs -o /dev/null http://127.0.0.1:8080/readyz; do
        kill -0 $inside 2>/dev/null || { tail -n 30 "$log"; fail "./run on $suite by $who; see $log"; }
        [ $((SECONDS - begun)) -lt 3000 ] || { touch "$tree/tmp/stop"; tail -n 30 "$log"; fail "./run on $suite by $who does not end"; }
        sleep 1
    done
    say "$suite, $who: ./run on a bare system serves after $((SECONDS - begun)) s"
    node "$here/call.mjs" http://127.0.0.1:8080 || status=$?
    touch "$tree/tmp/stop"
    wait $inside || { tail -n 30 "$log"; fail "./run on $suite by $who ended badly"; }
    [ $status = 0 ] || { tail -n 30 "$log"; fail "the call on $suite by $who"; }
    changed=$(git -c "safe.directory=$tree$sources" -C "$tree$sources" status --porcelain)
    [ -z "$changed" ] || fail "./run leaves in the source tree: $changed"
}

tests() {
    local flags=$wanted begun=$SECONDS status=0
    [ "$flags" != all ] || flags=''
    as "./test $flags" >"$dir/$name-test.log" 2>&1 || status=$?
    say "$suite, $who: ./test${flags:+ $flags}, status $status, $((SECONDS - begun)) s: $(tail -n 1 "$dir/$name-test.log")"
    [ $status = 0 ] || fail "./test $flags on $suite by $who; see $dir/$name-test.log"
}

prepare
call
[ -z "$wanted" ] || tests
[ -n "${README_KEEP:-}" ] || rm -rf --one-file-system "$tree"
