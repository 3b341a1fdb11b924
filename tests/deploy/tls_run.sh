#!/bin/bash
# docker/compose.tls.yml as it is, but that a certificate authority of our own, reached under the name of the one that
# Caddy uses, gives the certificate. Inside in_namespaces.sh.
set -eu
. "$(dirname "$0")/lib.sh"
engine_settings run
here=$repo/tests/deploy

cat >/run/authority.Caddyfile <<'END'
{
	admin off
	local_certs
	skip_install_trust
}
acme-v02.api.letsencrypt.org {
	tls internal
	rewrite /directory /acme/local/directory
	acme_server
}
END
mkdir /run/authority
podman run --detach --name authority --network ns:/run/netns/outside --user 0 --volume /run/authority:/data \
    --volume /run/authority.Caddyfile:/etc/caddy/Caddyfile:ro docker.io/library/rotunda-caddy >/dev/null
made=/run/authority/caddy/pki/authorities/local/root.crt
for _ in $(seq 100); do [ ! -s $made ] || break; sleep 0.1; done
export CA=/run/authority.crt # which everyone may read
install -m 0644 $made $CA || { podman logs authority; fail "there is no certificate authority"; }
cat >/run/authority.yml <<'END'
services:
  caddy:
    volumes: ["${CA}:/etc/ssl/certs/ca-certificates.crt:ro"]
END
COMPOSE_MORE=/run/authority.yml "$here/compose_up.sh" vps-up "$here/tls_test.sh"
