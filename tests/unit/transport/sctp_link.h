// Two associations back to back: what one sends comes to the other in the next step of a virtual clock.
#ifndef TESTS_SCTP_LINK_H
#define TESTS_SCTP_LINK_H

#include "transport/sctp_association.h"

#include <string.h>

#define LINK_PACKETS 2048
#define LINK_PACKET_BYTES 1500

struct sctp_packet {
    uint16_t len;
    uint8_t bytes[LINK_PACKET_BYTES];
};

struct sctp_end {
    struct association *association;
    struct sctp_packet *out; // on their way to the other one
    unsigned out_count;
    bool woken;
    uint64_t sent;
};

struct sctp_link {
    struct sctp_end a, b;
    uint64_t now_us;
    unsigned lose_every; // 0: nothing is lost
    unsigned counted;
};

static void end_sends(void *ctx, struct span packet) {
    struct sctp_end *end = ctx;
    end->sent++;
    if (end->out_count == LINK_PACKETS || packet.len > LINK_PACKET_BYTES)
        return;
    struct sctp_packet *p = &end->out[end->out_count++];
    p->len = (uint16_t)packet.len;
    memcpy(p->bytes, packet.ptr, packet.len);
}

static void end_wakes(void *ctx) {
    ((struct sctp_end *)ctx)->woken = true;
}

// `out`: LINK_PACKETS of them, the caller's.
static inline bool end_open(struct sctp_end *end, uint16_t streams, struct sctp_packet *out) {
    struct association_output output = {.ctx = end, .send = end_sends, .wake = end_wakes};
    *end = (struct sctp_end){.out = out};
    end->association = association_create(streams, streams, &output);
    return end->association != NULL;
}

static inline void end_close(struct sctp_end *end) {
    association_destroy(end->association);
    *end = (struct sctp_end){0};
}

// Gives what `from` has sent to `to`, but for what is lost.
static inline bool link_carry(struct sctp_link *link, struct sctp_end *from, struct sctp_end *to) {
    static struct sctp_packet taken[LINK_PACKETS];
    unsigned n = from->out_count;
    memcpy(taken, from->out, n * sizeof taken[0]);
    from->out_count = 0;
    for (unsigned i = 0; i < n; i++)
        if (to->association && (link->lose_every == 0 || ++link->counted % link->lose_every != 0))
            (void)association_input(to->association, span_of(taken[i].bytes, taken[i].len));
    return n > 0;
}

// Until nothing is under way any more; then the time passes.
static inline void link_step(struct sctp_link *link, uint64_t us) {
    for (bool some = true; some;) {
        some = link_carry(link, &link->a, &link->b);
        some |= link_carry(link, &link->b, &link->a);
    }
    link->now_us += us;
    sctp_library_advance(link->now_us);
}

// What it has next, whatever the state says in between; NOTHING: nothing.
static inline enum association_got end_next(struct sctp_end *end, struct association_message *out) {
    enum association_got got;
    do
        got = association_receive(end->association, out);
    while (got == ASSOCIATION_STATE);
    return got;
}

static inline void link_connect(struct sctp_link *link) {
    struct association_message message;
    association_connect(link->a.association);
    association_connect(link->b.association);
    for (int i = 0; i < 300; i++) {
        link_step(link, 10000);
        (void)end_next(&link->a, &message);
        (void)end_next(&link->b, &message);
        if (association_state(link->a.association) == DATA_STATE_CONNECTED &&
            association_state(link->b.association) == DATA_STATE_CONNECTED)
            return;
    }
}

#endif
