#!/bin/bash
# other_debian.sh SUITE FOLDER PACKAGE...: builds this source optimised in a root file system of another Debian release,
# and runs the unit tests, the simulations and the shell tests there. As root. ./test calls it.
#
# The root is made by debootstrap in FOLDER/root and kept for the next time: until the list of packages changes, or a
# month. FOLDER/build has the build and CTest's report.xml. Mounts and network belong to the command and end with it.
# Ends with 77 where this machine lets nobody make a root file system or enter one.
set -eu
suite=$1
folder=$(realpath -m "$2")
shift 2
packages=("$@")
source=$(cd "$(dirname "$0")/.." && pwd)
root=$folder/root
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}

fail() { printf '%s\n' "$*" >&2; exit 1; }

if [ -z "${OTHER_DEBIAN:-}" ]; then
    unshare --mount --pid --net --fork true 2>/dev/null || { echo "no namespaces can be made here"; exit 77; }
    [ "$(chroot / echo entered 2>/dev/null)" = entered ] || { echo "chroot is not allowed here"; exit 77; }
    mkdir -p "$folder"
    probe=$(mktemp -u -p "$folder" device.XXXXXX)
    mknod "$probe" c 1 3 2>/dev/null && [ -r "$probe" ] && echo >"$probe" ||
        { rm -f "$probe"; echo "no device files can be made in $folder, which debootstrap needs"; exit 77; }
    rm -f "$probe"
fi

# enter COMMAND...: in the root file system, whose mounts are this process's own.
enter() {
    chroot "$root" env -i PATH=/usr/lib/ccache:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb LANG=C.UTF-8 \
        DEBIAN_FRONTEND=noninteractive CCACHE_DIR=/var/cache/ccache PYTHONDONTWRITEBYTECODE=1 "$@"
}

make_root() {
    rm -rf --one-file-system "$root"
    debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$folder/root.log" 2>&1 ||
        { tail -n 20 "$folder/root.log"; fail "debootstrap could not make Debian $suite; see $folder/root.log"; }
    echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/unsafe-io" # a root that is lost is made again
}

install_packages() {
    cp --remove-destination -L /etc/resolv.conf /etc/hosts "$root/etc/"
    { enter apt-get update -q && enter apt-get install -qq -y --no-install-recommends "${packages[@]}"; } \
        >"$folder/packages.log" 2>&1 ||
        { tail -n 20 "$folder/packages.log"; fail "apt-get failed in Debian $suite; see $folder/packages.log"; }
    rm -rf "$root"/var/cache/apt/archives/*.deb
}

prepare() {
    local stamp=$folder/root.stamp wanted="$suite ${packages[*]}"
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && [ -z "$(find "$stamp" -mtime +30)" ]; then return; fi
    rm -f "$stamp"
    make_root
    mount -t proc proc "$root/proc"
    install_packages
    umount "$root/proc"
    printf '%s\n' "$wanted" >"$stamp"
}

run_tests() {
    mkdir -p "$root/srv/rotunda" "$root/build" "$folder/build"
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount --bind "$source" "$root/srv/rotunda"
    mount -o remount,bind,ro "$root/srv/rotunda"
    mount --bind "$folder/build" "$root/build"
    ip link set lo up
    enter sh -c 'CC=gcc cmake -S /srv/rotunda -B /build -G Ninja -DCMAKE_BUILD_TYPE=Release -DROTUNDA_TESTS=ON \
        -DCMAKE_C_COMPILER_LAUNCHER=ccache && ninja -C /build' >"$folder/build.log" 2>&1 ||
        { grep -A 20 -m 3 -E '^FAILED|CMake Error' "$folder/build.log" || tail -n 40 "$folder/build.log"; return 1; }
    rm -f "$folder/build/report.xml"
    enter ctest --test-dir /build --output-on-failure --output-junit /build/report.xml -j "$(nproc)" \
        -R '^(unit|sim)/|^e2e/(cli|doctor)$' >"$folder/tests.log" 2>&1 || true # the report counts
    [ -s "$folder/build/report.xml" ] || { tail -n 20 "$folder/tests.log"; return 1; }
    sed -n '/^The following tests FAILED/,$p' "$folder/tests.log"
}

case ${OTHER_DEBIAN:-} in
'')
    OTHER_DEBIAN=prepare unshare --mount --pid --fork --kill-child "$0" "$suite" "$folder" "${packages[@]}"
    OTHER_DEBIAN=inside exec unshare --mount --pid --net --fork --kill-child "$0" "$suite" "$folder" "${packages[@]}"
    ;;
prepare) prepare ;;
inside) run_tests ;;
esac
