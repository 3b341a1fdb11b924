#include "load/usage.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

bool usage_parse(const char *line, uint64_t ticks_hz, uint64_t page_bytes, struct usage *out) {
    // The name in the second field may hold anything, parentheses too: the fields count from its last one.
    const char *rest = strrchr(line, ')');
    uint64_t user, system, pages;
    // Fields 14, 15 and 24 of proc(5).
    if (!rest || sscanf(rest + 1,
                        " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                        " %*d %*d %*d %*d %*d %*d %*u %*u %" SCNu64,
                        &user, &system, &pages) != 3)
        return false;
    *out = (struct usage){.user_us = user * 1000000 / ticks_hz,
                          .system_us = system * 1000000 / ticks_hz,
                          .resident_bytes = pages * page_bytes};
    return true;
}

bool usage_read(uint32_t pid, struct usage *out) {
    char path[64], line[1024];
    if (pid)
        snprintf(path, sizeof path, "/proc/%u/stat", pid);
    else
        snprintf(path, sizeof path, "/proc/self/stat");
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    bool ok = fgets(line, sizeof line, file) != NULL;
    fclose(file);
    return ok && usage_parse(line, (uint64_t)sysconf(_SC_CLK_TCK), (uint64_t)sysconf(_SC_PAGESIZE), out);
}

uint64_t usage_raise_files(uint64_t wanted) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    if (limit.rlim_cur >= wanted)
        return limit.rlim_cur;
    struct rlimit higher = {.rlim_cur = wanted,
                            .rlim_max = limit.rlim_max < wanted ? wanted : limit.rlim_max};
    if (setrlimit(RLIMIT_NOFILE, &higher) != 0) { // beyond the hard limit only root may go
        higher = (struct rlimit){.rlim_cur = limit.rlim_max, .rlim_max = limit.rlim_max};
        (void)setrlimit(RLIMIT_NOFILE, &higher);
    }
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}
