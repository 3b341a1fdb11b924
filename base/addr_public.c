#include "base/addr_public.h"

#include <string.h>

struct range {
    uint8_t base[4];
    unsigned bits;
};

static const struct range not_public_ip4[] = {
    {{0, 0, 0, 0}, 8},      // this network
    {{10, 0, 0, 0}, 8},     // private use
    {{100, 64, 0, 0}, 10},  // behind a provider's NAT
    {{127, 0, 0, 0}, 8},    // loopback
    {{169, 254, 0, 0}, 16}, // link-local; clouds tell their machines' secrets there
    {{172, 16, 0, 0}, 12},  // private use
    {{192, 0, 0, 0}, 24},   // protocol assignments
    {{192, 88, 99, 0}, 24}, // relays of 6to4
    {{192, 168, 0, 0}, 16}, // private use
    {{198, 18, 0, 0}, 15},  // benchmarks
    {{224, 0, 0, 0}, 4},    // multicast
    {{240, 0, 0, 0}, 4},    // reserved, and broadcast
};

// Within 2000::/3, outside of which nothing is public.
static const struct range not_public_ip6[] = {
    {{0x20, 0x01, 0, 0}, 32}, // Teredo
    {{0x20, 0x02, 0, 0}, 16}, // 6to4
};

static bool within(const uint8_t *ip, const struct range *range) {
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(ip, range->base, whole) != 0)
        return false;
    return rest == 0 || ((ip[whole] ^ range->base[whole]) >> (8 - rest)) == 0;
}

bool addr_is_public(const struct addr *address) {
    const struct range *list = address->family == 4 ? not_public_ip4 : not_public_ip6;
    size_t count = address->family == 4 ? sizeof not_public_ip4 / sizeof not_public_ip4[0]
                                        : sizeof not_public_ip6 / sizeof not_public_ip6[0];
    if (address->family != 4 && (address->family != 6 || (address->ip[0] & 0xe0) != 0x20))
        return false;
    for (size_t i = 0; i < count; i++)
        if (within(address->ip, &list[i]))
            return false;
    return true;
}
