#!/bin/bash
# package_test.sh SUITE: follows docs/deploy.md on a bare Debian: builds the package there, installs it in another bare
# Debian, and runs the service from it.
set -eu
. "$(dirname "$0")/lib.sh"
here=$repo/tests/deploy
suite=$1
archive=$(base_of "$suite")

fresh_root() { # NAME
    rm -rf --one-file-system "$dir/root-$1"
    mkdir -p "$dir/root-$1"
    tar -C "$dir/root-$1" -xf "$archive"
}
# follow ROOT FOLDER NAME: runs the page's commands called NAME there, as they stand.
# Somebody with a name builds the package.
follow() {
    local begun=$SECONDS
    "$here/page.py" "$3" >"$dir/root-$1/run-this"
    "$here/in_root.sh" "$dir/root-$1" bash -c "export DEBFULLNAME=Packager DEBEMAIL=packager@example.org
        cd $2 && set -ex && . /run-this" >"$dir/$suite-$3.log" 2>&1 ||
        { tail -n 30 "$dir/$suite-$3.log"; fail "docs/deploy.md, $3, on $suite; see $dir/$suite-$3.log"; }
    say "$suite: the page's commands \"$3\" worked, $((SECONDS - begun)) s"
}

fresh_root build
mkdir -p "$dir/root-build/srv/rotunda"
(cd "$repo" && git ls-files -z | tar --null --files-from - -cf - | tar -C "$dir/root-build/srv/rotunda" -xf -)
follow build /srv/rotunda package-build

if command -v lintian >/dev/null; then
    lintian --fail-on error,warning "$dir"/root-build/srv/rotunda/build/rotunda{,-record}_*.deb >"$dir/$suite-lintian.log" 2>&1 ||
        { cat "$dir/$suite-lintian.log"; fail "lintian finds faults in the packages built on $suite"; }
    say "$suite: lintian finds neither an error nor a warning"
fi

fresh_root clean
mkdir "$dir/root-clean/srv/package"
cp "$dir"/root-build/srv/rotunda/build/rotunda*.deb "$dir/root-clean/srv/package/"
follow clean /srv/package package-install
follow clean /srv/package record-install
install -m 0755 "$here/shims/systemctl" "$dir/root-clean/usr/local/bin/systemctl"
cat >"$dir/root-clean/check" <<'END'
dpkg-query -W -f '${Package} ${Version}, depends on: ${Depends}\n' rotunda
for file in /usr/share/rotunda/load/scenarios/room-25.json /usr/share/rotunda/load/plot.py; do [ -s $file ]; done
. /run-this
user=$(stat -c %U "/proc/$(cat /run/rotunda.pid)")
[ "$user" = rotunda ] || { echo "runs as $user"; exit 1; }
exec 3<>/dev/tcp/127.0.0.1/8080
printf 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n' >&3
page=$(cat <&3)
case "$page" in *"200 OK"*"<html"*) ;; *) echo "no page: $page"; exit 1 ;; esac

. /run-record
rotunda-record --version
runuser -u rotunda -- test -w /var/lib/rotunda/recordings
rotunda --config /etc/rotunda/rotunda.conf --check-health

live=/etc/letsencrypt/live/meet.example.org
mkdir -p $live /etc/letsencrypt/renewal-hooks/deploy
certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" -days 30 \
        -keyout $live/privkey.pem -out $live/fullchain.pem 2>/dev/null
}
shown() { openssl s_client -connect 127.0.0.1:8080 </dev/null 2>/dev/null | openssl x509 -noout -subject; }
certificate first
. /run-tls
rotunda --config /etc/rotunda/rotunda.conf --check-health
case "$(shown)" in *first) ;; *) echo "expected the certificate \"first\", got $(shown)"; exit 1 ;; esac
. /run-tls-renewal
certificate second
RENEWED_LINEAGE=$live /etc/letsencrypt/renewal-hooks/deploy/rotunda
for _ in $(seq 50); do case "$(shown)" in *second) break ;; esac; sleep 0.1; done
case "$(shown)" in *second) ;; *) echo "expected the certificate \"second\", got $(shown)"; exit 1 ;; esac

systemctl stop rotunda
apt-get purge -y -qq rotunda rotunda-record >/dev/null
[ ! -e /usr/bin/rotunda ] && [ ! -e /usr/bin/rotunda-record ] && [ ! -e /var/lib/rotunda ] && [ ! -e /etc/rotunda ] && ! getent passwd rotunda
END
"$here/page.py" service >"$dir/root-clean/run-this"
"$here/page.py" record >"$dir/root-clean/run-record"
"$here/page.py" tls >"$dir/root-clean/run-tls"
"$here/page.py" tls-renewal >"$dir/root-clean/run-tls-renewal"
# A network of its own: the ports may be taken here.
unshare --net sh -c 'ip link set lo up; exec "$@"' sh "$here/in_root.sh" "$dir/root-clean" bash -eu /check \
    >"$dir/$suite-check.log" 2>&1 || { cat "$dir/$suite-check.log"; fail "the service from the package, on $suite"; }
say "$suite: $(head -n 1 "$dir/$suite-check.log")"
say "$suite: the service ran as its unit says, served the page by http and https, may write where recordings go, took a renewed certificate, $(grep -h '^ended' "$dir/$suite-check.log" | tail -n 1), and purged without a trace"
rm -rf --one-file-system "$dir/root-build" "$dir/root-clean"
