#!/bin/bash
# in_root.sh TREE COMMAND...: runs it in that root file system, which base_of's archive filled, with the network of this
# machine. Mounts belong to the command and end with it.
set -eu
. "$(dirname "$0")/lib.sh"
tree=$1
shift
if [ "${IN_ROOT:-}" != inside ]; then
    IN_ROOT=inside exec unshare --mount --pid --fork --kill-child "$0" "$tree" "$@"
fi
cp --remove-destination /etc/resolv.conf /etc/hosts "$tree/etc/"
cp --remove-destination -L /etc/ssl/certs/ca-certificates.crt "$tree/etc/ssl/certs/"
[ ! -f "$npm_settings" ] || cp "$npm_settings" "$tree/root/.npmrc"
mount --bind "$tree" "$tree"
mount -t proc proc "$tree/proc"
mount --rbind /sys "$tree/sys"
mount --rbind /dev "$tree/dev"
# It becomes the root, as a machine's own is: in one that chroot(2) made nobody but root gets a user namespace.
cd "$tree"
pivot_root . .
umount --lazy .
exec chroot . env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
    LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt "$@"
