#include "server/descriptors.h"

#include "server/checks.h"

#include <sys/resource.h>

void descriptors_allow(uint32_t connections_max) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    rlim_t wanted = (rlim_t)connections_max + CHECKS_SPARE_FILES;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

uint32_t descriptors_connections(uint32_t connections_max, uint32_t others_max) {
    struct rlimit limit;
    uint64_t wanted = (uint64_t)connections_max + others_max;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted + CHECKS_SPARE_FILES)
        return connections_max;
    uint64_t left =
        limit.rlim_cur > 2 * CHECKS_SPARE_FILES ? limit.rlim_cur - CHECKS_SPARE_FILES : limit.rlim_cur / 2;
    return (uint32_t)(left * connections_max / wanted);
}
