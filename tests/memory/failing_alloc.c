#include "tests/memory/failing_alloc.h"

#include <execinfo.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#undef malloc
#undef calloc
#undef realloc
#undef strdup

#define LOGGED_MAX 200000
#define FRAMES 8 // of those who asked, which tell one use of a container from another

// The linker's names of what is wrapped, and of what takes its place.
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__wrap_strdup(const char *text);

static atomic_ulong asked;
static unsigned long fails; // 0: none
static atomic_ulong fails_for_test;
static const char *log_path;
static uint32_t *hashes;

static void write_log(void) {
    FILE *file = fopen(log_path, "w");
    unsigned long count = asked < LOGGED_MAX ? asked : LOGGED_MAX;
    for (unsigned long i = 0; file && i < count; i++)
        fprintf(file, "%lu %08x\n", i + 1, hashes[i]);
    if (file)
        fclose(file);
}

__attribute__((constructor)) static void read_environment(void) {
    const char *text = getenv("FAIL_ALLOC");
    void *frames[FRAMES];
    fails = text ? strtoul(text, NULL, 10) : 0;
    log_path = getenv("FAIL_ALLOC_LOG");
    hashes = log_path ? __real_calloc(LOGGED_MAX, sizeof *hashes) : NULL;
    if (!hashes)
        return;
    (void)backtrace(frames, FRAMES); // allocates the first time
    atexit(write_log);
}

static uint32_t hash_of_callers(void) {
    void *frames[FRAMES];
    int count = backtrace(frames, FRAMES);
    uint64_t hash = 0;
    for (int i = 2; i < count; i++) // less this function and the wrapper
        hash = (hash ^ (uintptr_t)frames[i]) * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(hash >> 32);
}

// Whether this allocation is the one that fails.
static bool must_fail(void) {
    unsigned long number = atomic_fetch_add(&asked, 1) + 1;
    if (hashes && number <= LOGGED_MAX)
        hashes[number - 1] = hash_of_callers();
    return number == fails || number == atomic_load(&fails_for_test);
}

void fail_allocation(unsigned long n) {
    atomic_store(&fails_for_test, n ? atomic_load(&asked) + n : 0);
}

void *__wrap_malloc(size_t size) {
    return must_fail() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
    return must_fail() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size) {
    return must_fail() ? NULL : __real_realloc(old, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size) {
    return must_fail() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text) {
    return must_fail() ? NULL : __real_strdup(text);
}

void *spared_malloc(size_t size) {
    return __real_malloc(size);
}

void *spared_calloc(size_t count, size_t size) {
    return __real_calloc(count, size);
}

void *spared_realloc(void *old, size_t size) {
    return __real_realloc(old, size);
}

char *spared_strdup(const char *text) {
    return __real_strdup(text);
}
