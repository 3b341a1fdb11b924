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

uint32_t descriptors_connections(uint32_t connections_max) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 ||
        limit.rlim_cur >= (rlim_t)connections_max + CHECKS_SPARE_FILES)
        return connections_max;
    return limit.rlim_cur > 2 * CHECKS_SPARE_FILES ? (uint32_t)(limit.rlim_cur - CHECKS_SPARE_FILES)
                                                   : (uint32_t)limit.rlim_cur / 2;
}
