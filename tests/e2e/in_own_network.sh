#!/bin/sh
# in_own_network.sh COMMAND...: runs it in a network namespace of its own, as root or not. There is loopback and one
# more interface, whose address is in ROTUNDA_TEST_ADDRESS: Firefox gathers no ICE candidates on loopback.
# Ends with 77 (skipped, for CTest) where namespaces are not allowed.
set -eu
address=10.77.0.1

if [ "${1:-}" = --inside ]; then
  shift
  ip link set lo up
  ip link add test0 type veth peer name test1
  ip address add $address/24 dev test0
  ip link set test0 up
  ip link set test1 up
  ip route add default via 10.77.0.2 # never used, but Firefox looks for it
  ROTUNDA_TEST_ADDRESS=$address exec "$@"
fi

if [ "$(id -u)" = 0 ]; then
  flags=--net
else
  flags='--user --map-root-user --net'
fi
if ! unshare $flags ip link add test0 type veth peer name test1; then
  echo "no network namespace with an interface of its own can be made here"
  exit 77
fi
exec unshare $flags "$0" --inside "$@"
