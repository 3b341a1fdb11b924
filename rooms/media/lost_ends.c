#include "rooms/media/lost_ends.h"

#include "base/clock.h"

// It may have sent what is missing.
static bool stream_is_silent(const struct producer_stream *s, uint64_t since_us) {
    return s->nack && s->ssrc != 0 && nack_tracker_started(s->nack) && s->stats.last_packet_us < since_us &&
           since_us - s->stats.last_packet_us < LOST_ENDS_IDLE_US;
}

// How many may have, and the last of them.
static unsigned silent_streams(const struct endpoint *ep, uint64_t since_us, struct producer_stream **last) {
    unsigned count = 0;
    LIST_EACH(node, &ep->producers) {
        struct producer *p = LIST_ENTRY(node, struct producer, link);
        for (unsigned i = 0; p->params.kind == MEDIA_VIDEO && !p->paused && i < p->params.stream_count; i++)
            if (stream_is_silent(&p->streams[i], since_us)) {
                *last = &p->streams[i];
                count++;
            }
    }
    return count;
}

// What is missing may be repeats of so many.
static unsigned repeats_expected(const struct endpoint *ep, uint64_t since_us, uint64_t now_us) {
    uint64_t by_us = since_us - round_trip_us(&ep->round_trip, now_us) * 3 / 4;
    unsigned count = 0;
    LIST_EACH(node, &ep->producers) {
        struct producer *p = LIST_ENTRY(node, struct producer, link);
        for (unsigned i = 0; i < p->params.stream_count; i++)
            if (p->streams[i].nack)
                count += nack_tracker_asked(p->streams[i].nack, by_us);
    }
    return count;
}

static void lost_ends_fired(struct wheel_node *node, uint64_t now_us) {
    struct endpoint *ep = LIST_ENTRY(node, struct endpoint, ends_timer);
    struct number_gap *gap = &ep->gap;
    struct producer_stream *s = NULL;
    unsigned missing = number_gap_unexplained(gap), repeats = repeats_expected(ep, gap->since_us, now_us),
             streams;
    missing -= repeats < missing ? repeats : missing;
    uint64_t waited_us = now_us - gap->since_us;
    if (missing == 0 || waited_us > LOST_ENDS_AWAIT_US ||
        (streams = silent_streams(ep, gap->since_us, &s)) == 0) {
        number_gap_begin_anew(gap);
        return;
    }
    if (streams > 1 || waited_us < nack_tracker_reorder_us(s->nack)) {
        wheel_arm(ep->fw->wheel, node, now_us + LOST_ENDS_LOOK_US);
        return;
    }
    number_gap_begin_anew(gap);
    if (nack_tracker_expect(s->nack, missing, true, now_us) && now_us < s->nack_timer.due_us)
        wheel_arm(ep->fw->wheel, &s->nack_timer, now_us);
}

void lost_ends_init(struct endpoint *ep) {
    wheel_node_init(&ep->ends_timer, lost_ends_fired);
}

void lost_ends_close(struct endpoint *ep) {
    wheel_cancel(ep->fw->wheel, &ep->ends_timer);
}

void lost_ends_watch(struct endpoint *ep, uint64_t now_us) {
    if (ep->ends_timer.due_us == TIME_NEVER)
        wheel_arm(ep->fw->wheel, &ep->ends_timer, now_us + LOST_ENDS_LOOK_US);
}
