// impair_queue: datagrams on their way through one direction of a bad network (impair.h), on the load's
// wheel.
#ifndef LOAD_IMPAIR_QUEUE_H
#define LOAD_IMPAIR_QUEUE_H

#include "load/impair.h"
#include "load/load.h"

struct impair_queue {
    struct load *load;
    struct impair impair;
    struct wheel_node timer;
    struct block *first, *last;
    void *ctx;
    // `datagram` has BLOCK_TAILROOM bytes behind it.
    void (*deliver)(void *ctx, uint8_t *datagram, size_t len, uint64_t now_us);
};

void impair_queue_init(struct impair_queue *q, struct load *load,
                       void (*deliver)(void *, uint8_t *, size_t, uint64_t), void *ctx);
void impair_queue_clear(struct impair_queue *q); // what is on its way is lost
// Delivers at once, later, or never.
void impair_queue_put(struct impair_queue *q, uint8_t *datagram, size_t len, uint64_t now_us);

#endif
