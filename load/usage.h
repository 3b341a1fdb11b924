// usage: what a process costs, as the kernel tells it (/proc/PID/stat). Linux.
#ifndef LOAD_USAGE_H
#define LOAD_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct usage {
    uint64_t user_us, system_us; // CPU time of all threads
    uint64_t resident_bytes;
};

bool usage_read(uint32_t pid, struct usage *out); // false: no such process; pid 0: this one
// The line of /proc/PID/stat; ticks_hz and page_bytes as sysconf has them.
bool usage_parse(const char *line, uint64_t ticks_hz, uint64_t page_bytes, struct usage *out);
// Raises the limit of open files as far as this user may; what it is then.
uint64_t usage_raise_files(uint64_t wanted);

#endif
