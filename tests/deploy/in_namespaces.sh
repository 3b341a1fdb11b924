#!/bin/bash
# in_namespaces.sh COMMAND...: runs it, as root, on a "host" of its own: network, mounts and processes that end with it.
# Beside the host is the network namespace `outside`, where people are: the host is 198.51.100.1 and 192.168.1.20, they
# are 198.51.100.2 and 192.168.1.2. No other network can be reached. A name server outside knows meet.example.org and
# the certificate authority.
set -eu
if [ "${1:-}" != --inside ]; then
    exec unshare --net --mount --pid --fork --kill-child --mount-proc "$0" --inside "$@"
fi
shift
umask 022
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /run/lock /run/rotunda-deploy/networks
echo "127.0.0.1 localhost" >/run/hosts
echo "nameserver 198.51.100.2" >/run/resolv.conf
mount --bind /run/hosts /etc/hosts
mount --bind /run/resolv.conf /etc/resolv.conf

ip link set lo up
ip netns add outside
ip link add host0 type veth peer name outside0 netns outside
ip address add 198.51.100.1/24 dev host0
ip address add 192.168.1.20/24 dev host0
ip link set host0 up
ip netns exec outside sh -c 'ip link set lo up; ip address add 198.51.100.2/24 dev outside0
    ip address add 192.168.1.2/24 dev outside0; ip link set outside0 up
    ip route add default via 198.51.100.1'
ip netns exec outside "$(dirname "$0")/names.py" 198.51.100.2 meet.example.org=198.51.100.1 \
    acme-v02.api.letsencrypt.org=198.51.100.2 &
echo 1 >/proc/sys/net/ipv4/ip_forward
"$@"
