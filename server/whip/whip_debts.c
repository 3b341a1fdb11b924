// What comings and goings have cost others lately, by network: a session is made by one request, so that
// leaving would be a new budget (hub_verbs.h) if nobody remembered.
#include "server/whip/whip_internal.h"

#include <string.h>

// An IPv6 address counts by its /64, as everywhere.
static struct net_address network_of(const struct net_address *address) {
    struct net_address network = *address;
    if (!net_address_is_v4(&network))
        memset(network.bytes + 8, 0, 8);
    return network;
}

static struct debt *place_of(struct whip *whip, const struct net_address *network) {
    uint32_t hash = 2166136261;
    for (size_t i = 0; i < sizeof network->bytes; i++)
        hash = (hash ^ network->bytes[i]) * 16777619;
    return &whip->debts[(hash ^ hash >> 16) % DEBTS_MAX];
}

static bool is_known(const struct whip *whip, const struct net_address *address) {
    return !whip->io.known || whip->io.known(whip->io.ctx, address);
}

uint64_t whip_debt(struct whip *whip, const struct net_address *address) {
    struct net_address network = network_of(address);
    const struct debt *debt = place_of(whip, &network);
    bool same = memcmp(&debt->network, &network, sizeof network) == 0;
    return same && is_known(whip, address) ? debt->due_us : 0;
}

// Of two that share a place, the one that owes longer is remembered.
void whip_owe(struct whip *whip, const struct net_address *address, uint64_t due_us) {
    struct net_address network = network_of(address);
    struct debt *debt = place_of(whip, &network);
    if (due_us > whip->now_us && due_us > debt->due_us && is_known(whip, address))
        *debt = (struct debt){.network = network, .due_us = due_us};
}
