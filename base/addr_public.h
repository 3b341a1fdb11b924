// addr_public: whether an address is one of the internet at large, and not of a machine, a link, an
// organisation or a group: RFC 6890 and its registries, without the addresses of documentation, which lead
// nowhere. Addresses that have another one inside (6to4, Teredo, NAT64) do not count as public. Pure.
#ifndef BASE_ADDR_PUBLIC_H
#define BASE_ADDR_PUBLIC_H

#include "base/addr.h"

bool addr_is_public(const struct addr *address);

#endif
