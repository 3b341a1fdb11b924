// entropy: random bytes from the operating system, fit for keys, ids and seeds.
#ifndef BASE_ENTROPY_H
#define BASE_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

// Fills buf. The system call cannot fail for these sizes (at most 256 bytes) once the kernel is seeded.
void entropy_fill(void *buf, size_t len);

uint32_t entropy_u32(void);
uint64_t entropy_u64(void);

// Writes `len` characters of [a-z0-9] (5.17 bits each) and no terminator.
void entropy_text(char *out, size_t len);

#endif
