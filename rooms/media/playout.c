// How long receivers are asked to wait for what is lost (rtp/playout_delay.h): as long as repairs take, of
// the way to them and of the publisher's way to us.
#include "rooms/media/media_objects.h"

#define REPAIRS_SMOOTHED 4
#define REPAIRS_PACKETS 20 // that one look is about, at least

// ---- from the publisher

// Beyond the round trip: until a gap is seen, and until the picture is decoded and shown.
#define UP_WAIT_US 40000
// From 1.5 % on so many repeats are lost too that there must be time to ask a second time.
#define UP_AGAIN 983

static void stream_measure(struct producer_stream *s) {
    uint64_t asked = s->nack_packet_count - s->repairs.asked, packets = s->stats.packets - s->repairs.packets;
    if (packets < REPAIRS_PACKETS)
        return;
    uint64_t share = asked * UINT16_MAX / packets;
    int32_t off = (int32_t)(share < UINT16_MAX ? share : UINT16_MAX) - s->repairs.loss;
    s->repairs.loss = (uint16_t)(s->repairs.loss + off / REPAIRS_SMOOTHED);
    s->repairs.asked = s->nack_packet_count;
    s->repairs.packets = s->stats.packets;
}

static uint32_t stream_wait_us(const struct producer_stream *s, uint64_t now_us) {
    if (s->repairs.loss < REPAIR_LOSSY)
        return 0;
    uint32_t rtt_us = round_trip_us(&s->producer->endpoint->round_trip, now_us);
    rtt_us = rtt_us ? rtt_us : ROUND_TRIP_UNKNOWN_US;
    return UP_WAIT_US + rtt_us * (s->repairs.loss >= UP_AGAIN ? 2 : 1);
}

void producer_tick_repairs(struct producer *p, uint64_t now_us) {
    if (!p->endpoint)
        return; // it is told over the link
    for (unsigned i = 0; i < p->params.stream_count; i++) {
        stream_measure(&p->streams[i]);
        p->streams[i].repairs.wait_us = stream_wait_us(&p->streams[i], now_us);
    }
}

// ---- to a receiver

// Beyond the round trip: its copy (repair.h), and until the picture is decoded and shown.
#define DOWN_WAIT_US (REPAIR_COPY_US + 38000)

static uint32_t consumer_wait_us(const struct consumer *c) {
    if (repair_loss(c) < REPAIR_LOSSY)
        return 0;
    return DOWN_WAIT_US + (c->stats.rtt_us ? c->stats.rtt_us : RTT_DEFAULT_US);
}

static uint64_t at_most(uint64_t value, uint64_t most) {
    return value < most ? value : most;
}

void consumer_tick_playout(struct consumer *c) {
    const struct producer *p = c->producer;
    if (producer_is_audio(p) || c->params.ext.ids[EXT_PLAYOUT_DELAY] == 0 || c->current == LAYER_NONE)
        return;
    uint64_t us = (uint64_t)consumer_wait_us(c) + p->streams[c->current].repairs.wait_us;
    uint64_t most_us = (uint64_t)PLAYOUT_MOST * PLAYOUT_UNIT_US;
    c->playout_delay = playout_delay_look(&c->waits, (uint32_t)at_most(us, most_us));
}
