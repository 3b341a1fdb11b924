#!/bin/bash
# Builds docker/Dockerfile's images with Buildah, from a Debian that debootstrap made: no registry, no daemon.
set -eu
. "$(dirname "$0")/lib.sh"
engine_settings build
base=$(sed -n 's/^ARG DEBIAN=//p' "$repo/docker/Dockerfile")
suite=${base#debian:}
archive=$(base_of "${suite%-slim}")

if ! podman image exists "docker.io/library/$base"; then
    podman import --quiet "$archive" "docker.io/library/$base" >/dev/null
fi
lent=(--volume /etc/ssl/certs:/etc/ssl/certs:O)
[ ! -f "$npm_settings" ] || lent+=(--volume "$npm_settings:/root/.npmrc:ro")
for target in package caddy turn ''; do
    name=rotunda${target:+-$target}
    begun=$SECONDS
    buildah bud --quiet --isolation chroot --network host --layers --format docker --ulimit "nofile=$(ulimit -Hn)" \
        "${lent[@]}" ${target:+--target "$target"} --tag "docker.io/library/$name" --file "$repo/docker/Dockerfile" "$repo" \
        >"$dir/build-$name.log" 2>&1 || { tail -n 40 "$dir/build-$name.log"; fail "the image $name; see $dir/build-$name.log"; }
    say "image $name: $(podman image inspect --format '{{.Size}}' "$name" | awk '{ printf "%d MB", $1 / 1e6 }'), built in $((SECONDS - begun)) s"
done
