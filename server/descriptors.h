// descriptors: how many files the server may open, and how many connections that is. Once, at the start.
#ifndef SERVER_DESCRIPTORS_H
#define SERVER_DESCRIPTORS_H

#include <stdint.h>

// As many descriptors as so many connections may need; no more, because tables are sized by the limit. When
// they are too few, the self-check says so.
void descriptors_allow(uint32_t connections_max);
// No more connections than there are descriptors for, beside so many others: each kind gets its share. The
// next one then hears so, in place of waiting for nothing.
uint32_t descriptors_connections(uint32_t connections_max, uint32_t others_max);

#endif
