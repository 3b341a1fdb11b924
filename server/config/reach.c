#include "server/config/reach.h"

#include "server/config/container.h"

#include <string.h>

struct widest {
    enum address_scope v4, v6;
};

static struct widest widest_of(const struct announce *announce) {
    struct widest widest = {ADDRESS_UNUSABLE, ADDRESS_UNUSABLE};
    for (unsigned i = 0; i < announce->count; i++) {
        enum address_scope scope = address_scope_of(announce->list[i].text);
        enum address_scope *so_far = strchr(announce->list[i].text, ':') ? &widest.v6 : &widest.v4;
        *so_far = scope > *so_far ? scope : *so_far;
    }
    return widest;
}

static bool any_named(const struct announce *announce) {
    for (unsigned i = 0; i < announce->count; i++) {
        if (announce->list[i].origin == ANNOUNCE_NAMED)
            return true;
    }
    return false;
}

void reach_judge(struct reach *out, const struct announce *announce, bool container) {
    struct widest widest = widest_of(announce);
    *out = (struct reach){.container = container};
    if (any_named(announce) || widest.v4 == ADDRESS_PUBLIC)
        return;
    out->limited = true;
    out->fix = "--announce auto,PUBLIC_IP";
    out->fix_meaning =
        "the address that your router or provider shows to the internet; UDP must be forwarded";
    if (widest.v6 == ADDRESS_PUBLIC) {
        out->reaches = "clients with IPv6, and this private network; nobody else on the internet";
    } else if (widest.v4 < ADDRESS_PRIVATE && widest.v6 < ADDRESS_PRIVATE) {
        out->reaches = "this machine alone; nobody else";
        out->fix = "--announce IP";
        out->fix_meaning = "an address of this machine that others can reach";
    } else if (container) {
        out->reaches = "other containers of this machine; nobody outside it";
        out->fix = "ROTUNDA_ANNOUNCE=IP";
        out->fix_meaning = "the address of the machine that runs the container; several with commas";
    } else {
        out->reaches = "this private network; nobody on the internet";
    }
}

bool reach_in_container(void) {
    return container_find("") != NULL;
}
