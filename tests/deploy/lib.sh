# What the parts of tests/deploy share. Sourced, by bash, with `set -eu`.
#
# DEPLOY_DIR (default /var/tmp/rotunda-deploy) keeps root file systems and images between runs; it may be
# deleted at any time that nothing runs. The machine's own CA certificates, resolver and npm settings are lent to what
# is built and installed, so that package registries are reached as from the machine itself.

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
dir=${DEPLOY_DIR:-/var/tmp/rotunda-deploy}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
security=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
npm_settings=$(npm config get userconfig 2>/dev/null || true)

say() { printf '%s\n' "deploy: $*"; }
fail() { printf '%s\n' "deploy: FAILED: $*" >&2; exit 1; }

# base_of SUITE: prints the archive of a minimal Debian, with security updates as every installed one has them (Firefox of
# Debian 12 is an older release without them), thinned out as Debian's slim images are.
base_of() {
    local tree=$dir/$1 archive=$dir/$1-updated.tar
    if [ ! -f "$archive" ]; then
        rm -rf --one-file-system "$tree"
        debootstrap --variant=minbase --include=ca-certificates "$1" "$tree" "$mirror" >"$dir/$1.log" 2>&1 ||
            fail "debootstrap of $1; see $dir/$1.log"
        echo "deb $security $1-security main" >>"$tree/etc/apt/sources.list"
        rm -rf "$tree"/usr/share/{doc,man,info,locale}/* "$tree"/var/cache/apt/archives/*.deb "$tree"/var/lib/apt/lists/*
        printf 'path-exclude %s\n' '/usr/share/doc/*' '/usr/share/man/*' '/usr/share/locale/*' \
            >"$tree/etc/dpkg/dpkg.cfg.d/slim"
        echo force-unsafe-io >"$tree/etc/dpkg/dpkg.cfg.d/docker-apt-speedup" # as the images have it
        tar -C "$tree" -cf "$archive.new" . && mv "$archive.new" "$archive"
        rm -rf --one-file-system "$tree"
    fi
    echo "$archive"
}

# The container engine's settings: `build` keeps images and its own state in $dir; `run`, inside in_namespaces.sh, has
# what it starts in /run, which ends with the namespaces, and takes the images from $dir.
engine_settings() {
    local place=$dir/engine-$1 state=$dir/engine-$1 graph=$dir/images more=
    [ "$1" = build ] || state=/run/rotunda-deploy graph=/run/rotunda-deploy/graph more="[storage.options]
additionalimagestores = [\"$dir/images\"]"
    mkdir -p "$place" "$state/networks"
    export CONTAINERS_STORAGE_CONF=$place/storage.conf CONTAINERS_CONF=$place/containers.conf
    printf '[storage]\ndriver = "overlay"\nrunroot = "%s/storage"\ngraphroot = "%s"\n%s\n' "$state" "$graph" "$more" \
        >"$CONTAINERS_STORAGE_CONF"
    cat >"$CONTAINERS_CONF" <<END
[containers]
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
static_dir = "$state/static"
tmp_dir = "$state/tmp"
volume_path = "$state/volumes"
[network]
network_backend = "netavark"
network_config_dir = "$state/networks"
END
}
