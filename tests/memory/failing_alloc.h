// failing_alloc: every unit test can run with an allocation that fails, chosen from outside
// (tests/memory/walk.py).
//
// The test programs are linked with --wrap, so what our own code allocates goes through failing_alloc.c;
// libraries allocate as ever. What a test itself allocates never fails: this header is put before its source.
// Without the environment variables below nothing is different.
//
//   FAIL_ALLOC=N         the N-th allocation of the code under test fails, the first being 1
//   FAIL_ALLOC_LOG=FILE  a line "N HASH" for each allocation at the end of the process: HASH stands for who
//   asked
#ifndef TESTS_MEMORY_FAILING_ALLOC_H
#define TESTS_MEMORY_FAILING_ALLOC_H

#include <stdlib.h>
#include <string.h>

// In a test: the n-th allocation from now on fails, in whatever thread, 1 being the next; 0: none.
void fail_allocation(unsigned long n);

void *spared_malloc(size_t size);
void *spared_calloc(size_t count, size_t size);
void *spared_realloc(void *old, size_t size);
char *spared_strdup(const char *text);

#define malloc(size) spared_malloc(size)
#define calloc(count, size) spared_calloc(count, size)
#define realloc(old, size) spared_realloc(old, size)
#undef strdup
#define strdup(text) spared_strdup(text)

#endif
