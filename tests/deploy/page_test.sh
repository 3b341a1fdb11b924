#!/bin/bash
# The commands of docs/deploy.md that are not in the other parts, on a bare Debian: what to install on a VPS, what its
# own `docker compose` thinks of the compose files, and the kernel's limits.
set -eu
. "$(dirname "$0")/lib.sh"
here=$repo/tests/deploy
base=$(sed -n 's/^ARG DEBIAN=//p' "$repo/docker/Dockerfile")
suite=${base#debian:}
suite=${suite%-slim}
tree=$dir/root-page

rm -rf --one-file-system "$tree"
mkdir -p "$tree"
tar -C "$tree" -xf "$(base_of "$suite")"
mkdir -p "$tree/srv/rotunda"
cp -r "$repo/docker" "$tree/srv/rotunda/"
"$here/page.py" vps-install >"$tree/vps-install"
"$here/page.py" vps-buffers >"$tree/vps-buffers"
cat >"$tree/check" <<'END'
cd /srv/rotunda
. /vps-install
docker compose version
for file in docker/compose.yml docker/compose.tls.yml; do
    DOMAIN=meet.example.org docker compose -f $file config --quiet
done
if docker compose -f docker/compose.tls.yml config --quiet 2>/err; then exit 1; fi
grep DOMAIN /err
# The limits of a copy, not those of this machine.
mkdir /limits
cp /proc/sys/net/core/[rw]mem_max /limits/
mount --bind /limits /proc/sys/net/core
. /vps-buffers
[ "$(cat /limits/rmem_max /limits/wmem_max | sort -u)" = 8388608 ]
END
"$here/in_root.sh" "$tree" bash -eux /check >"$dir/page.log" 2>&1 || { tail -n 30 "$dir/page.log"; fail "docs/deploy.md; see $dir/page.log"; }
say "page: on bare $suite the packages install, and $(grep -m1 '^Docker Compose version' "$dir/page.log") accepts both compose files"
rm -rf --one-file-system "$tree"
