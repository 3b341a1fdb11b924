#include "server/descriptors.h"

#include <assert.h>
#include <sys/resource.h>

static uint64_t min_u64(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint32_t tcp_preset(uint64_t files) {
    uint64_t share = min_u64(files / DESCRIPTORS_TCP_SHARE, DESCRIPTORS_TCP_PRESET_MAX);
    return share ? (uint32_t)share : 1;
}

void descriptors_need(const struct config *config, uint64_t files_allowed, struct descriptor_needs *out) {
    *out = (struct descriptor_needs){.connections = config->connections_max,
                                     .agents = config_ice_sockets(config)};
    if (config->ice_tcp == CONFIG_ICE_TCP_OFF)
        return;
    out->tcp_preset = config->tcp_connections_max == 0;
    out->tcp = out->tcp_preset ? tcp_preset(files_allowed) : config->tcp_connections_max;
}

uint64_t descriptors_sum(const struct descriptor_needs *needs) {
    return (uint64_t)needs->connections + needs->tcp + needs->agents + DESCRIPTORS_SPARE;
}

uint64_t descriptors_enough(const struct descriptor_needs *needs) {
    if (!needs->tcp_preset)
        return descriptors_sum(needs);
    uint64_t others = descriptors_sum(needs) - needs->tcp;
    uint64_t files = others + others / (DESCRIPTORS_TCP_SHARE - 1) + 1; // the least with others + files / 8
    return min_u64(files, others + DESCRIPTORS_TCP_PRESET_MAX);
}

void descriptors_share(const struct descriptor_needs *needs, uint64_t files, struct descriptor_shares *out) {
    *out = (struct descriptor_shares){.connections = needs->connections, .tcp = needs->tcp};
    if (files >= descriptors_sum(needs))
        return;
    uint64_t left = files > 2 * DESCRIPTORS_SPARE ? files - DESCRIPTORS_SPARE : files / 2;
    uint64_t others = (uint64_t)needs->connections + needs->agents;
    assert(others > 0);
    if (needs->tcp_preset) {
        out->tcp = (uint32_t)min_u64(needs->tcp, tcp_preset(files));
        left -= min_u64(left, out->tcp);
    } else {
        others += needs->tcp;
        out->tcp = (uint32_t)min_u64(needs->tcp, left * needs->tcp / others);
    }
    out->connections = (uint32_t)min_u64(needs->connections, left * needs->connections / others);
}

void descriptors_allow(const struct config *config, struct descriptor_shares *out) {
    struct rlimit limit;
    struct descriptor_needs needs;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = limit.rlim_max = RLIM_INFINITY;
    descriptors_need(config, limit.rlim_max, &needs);
    limit.rlim_cur = (rlim_t)min_u64(descriptors_sum(&needs), limit.rlim_max);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        limit.rlim_cur = RLIM_INFINITY;
    descriptors_share(&needs, limit.rlim_cur, out);
}
