#include "base/entropy.h"

#include <assert.h>
#include <errno.h>
#include <sys/random.h>

void entropy_fill(void *buf, size_t len) {
    assert(len <= 256);
    ssize_t n;
    do {
        n = getrandom(buf, len, 0);
    } while (n < 0 && errno == EINTR);
    assert(n == (ssize_t)len);
}

uint32_t entropy_u32(void) {
    uint32_t v;
    entropy_fill(&v, sizeof v);
    return v;
}

uint64_t entropy_u64(void) {
    uint64_t v;
    entropy_fill(&v, sizeof v);
    return v;
}

void entropy_text(char *out, size_t len) {
    static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    size_t done = 0;
    while (done < len) {
        uint8_t raw[64];
        entropy_fill(raw, sizeof raw);
        for (size_t i = 0; i < sizeof raw && done < len; i++)
            if (raw[i] < 252) // 252 = 7 * 36: no character is likelier than another
                out[done++] = alphabet[raw[i] % 36];
    }
}
