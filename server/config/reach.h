// reach: who gets through to the announced addresses, and the one setting that fixes it when that is too few.
//
// It judges what the machine found out by itself. An address that the operator named is taken as meant: a
// conference on one's own network is nothing to warn of.
#ifndef SERVER_REACH_H
#define SERVER_REACH_H

#include "server/config/announce.h"

struct reach {
    bool limited;            // the rest is set only then
    bool container;          // as asked
    const char *reaches;     // who gets through, and who does not
    const char *fix;         // the setting, as one writes it here ("--announce auto,PUBLIC_IP")
    const char *fix_meaning; // what to put there
};

// The texts live for ever.
void reach_judge(struct reach *out, const struct announce *announce, bool container);

// Whether this process runs in a container (Docker, Podman, Kubernetes, systemd-nspawn), as far as these
// tell.
bool reach_in_container(void);

#endif
