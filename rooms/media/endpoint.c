// What rooms know of one transport: which SSRC is which stream, and what it is made of.
#include "rooms/media/congestion.h"
#include "rooms/media/feedback.h"
#include "rooms/media/lost_ends.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define SSRC_ESTABLISHED_PACKETS 2  // that an SSRC has sent, before it has a place to keep
#define SSRC_SILENT_US 500000       // a learnt one that is silent for so long yields to another
#define SSRC_TOLD_SILENT_US 5000000 // and one that its publisher told

struct endpoint *forwarder_open_endpoint(struct forwarder *fw, struct transport_id id, void *peer) {
    assert(id.v != 0 && !forwarder_endpoint(fw, id));
    struct endpoint *ep = calloc(1, sizeof *ep);
    if (!ep)
        return NULL;
    *ep = (struct endpoint){.fw = fw, .id = id, .peer = peer};
    do {
        ep->sender_ssrc = (uint32_t)forwarder_random(fw);
    } while (ep->sender_ssrc == 0);
    list_init(&ep->producers);
    list_init(&ep->consumers);
    feedback_endpoint_init(ep);
    lost_ends_init(ep);
    ep->handle = slots_add(fw->endpoints, ep);
    if (!ep->handle || hmap_put(fw->endpoint_ids, &id, ep->handle) != ERR_OK) {
        endpoint_close(ep);
        return NULL;
    }
    fw->counters.endpoints++;
    return ep;
}

bool forwarder_endpoint_publishes(const struct endpoint *ep) {
    return !list_empty(&ep->producers);
}

void endpoint_close(struct endpoint *ep) {
    struct forwarder *fw = ep->fw;
    loudest_endpoint_close(ep);
    LIST_EACH(node, &ep->consumers) {
        consumer_close(LIST_ENTRY(node, struct consumer, link));
    }
    LIST_EACH(producer_node, &ep->producers) {
        producer_close(LIST_ENTRY(producer_node, struct producer, link));
    }
    assert(ep->ssrc_count == 0);
    congestion_close(ep);
    lost_ends_close(ep);
    wheel_cancel(fw->wheel, &ep->arrivals_timer);
    wheel_cancel(fw->wheel, &ep->ceiling_timer);
    wheel_cancel(fw->wheel, &ep->estimate_timer);
    wheel_cancel(fw->wheel, &ep->report_timer);
    if (ep->handle) {
        if (hmap_remove(fw->endpoint_ids, &ep->id) != HMAP_NONE)
            fw->counters.endpoints--;
        slots_remove(fw->endpoints, ep->handle);
    }
    fw->deaf_endpoints -= ep->sound.share > 0;
    twcc_recorder_destroy(ep->twcc);
    ccfb_recorder_destroy(ep->ccfb);
    free(ep->estimate);
    free(ep->ssrcs);
    free(ep);
}

void forwarder_close_endpoint(struct forwarder *fw, struct endpoint *ep) {
    assert(ep->fw == fw);
    (void)fw;
    endpoint_close(ep);
}

static void endpoint_update_consumers(struct endpoint *ep, uint64_t now_us) {
    if (endpoint_sends(ep))
        loudest_fill(ep, now_us);
    LIST_EACH(node, &ep->consumers) {
        consumer_update_active(LIST_ENTRY(node, struct consumer, link), now_us);
    }
}

void forwarder_endpoint_connected(struct forwarder *fw, struct endpoint *ep, uint64_t now_us) {
    assert(ep->fw == fw);
    (void)fw;
    if (ep->connected)
        return;
    ep->connected = true;
    endpoint_update_consumers(ep, now_us);
}

void forwarder_endpoint_reachable(struct forwarder *fw, struct endpoint *ep, bool reachable,
                                  uint64_t now_us) {
    assert(ep->fw == fw);
    (void)fw;
    if (reachable != ep->unreachable)
        return;
    ep->unreachable = !reachable;
    endpoint_update_consumers(ep, now_us);
}

void forwarder_endpoint_path_changed(struct forwarder *fw, struct endpoint *ep, uint64_t now_us) {
    assert(ep->fw == fw);
    (void)fw;
    if (ep->congestion)
        congestion_path_changed(ep->congestion, now_us);
}

// ---- SSRCs

static unsigned ssrc_home(uint32_t ssrc) {
    return (ssrc * UINT32_C(2654435761)) >> 25; // 7 bits
}
_Static_assert(ENDPOINT_SSRC_SLOTS == 128, "ssrc_home gives 7 bits");

static unsigned ssrc_next(unsigned i) {
    return (i + 1) % ENDPOINT_SSRC_SLOTS;
}

struct ssrc_entry *endpoint_find_ssrc(struct endpoint *ep, uint32_t ssrc) {
    if (!ep->ssrcs || ssrc == 0)
        return NULL;
    for (unsigned i = ssrc_home(ssrc);; i = ssrc_next(i)) {
        struct ssrc_entry *e = &ep->ssrcs[i];
        if (e->ssrc == ssrc)
            return e;
        if (e->ssrc == 0)
            return NULL;
    }
}

void forwarder_endpoint_in_the_clear(struct endpoint *ep) {
    assert(list_empty(&ep->consumers));
    ep->numbers_free = true;
}

bool forwarder_endpoint_knows(struct endpoint *ep, uint32_t ssrc) {
    return endpoint_find_ssrc(ep, ssrc) != NULL;
}

enum err endpoint_add_ssrc(struct endpoint *ep, uint32_t ssrc, bool rtx, struct producer_stream *stream) {
    if (ssrc == 0)
        return ERR_MALFORMED;
    if (!ep->ssrcs && !(ep->ssrcs = calloc(ENDPOINT_SSRC_SLOTS, sizeof *ep->ssrcs)))
        return ERR_NO_MEMORY;
    if (endpoint_find_ssrc(ep, ssrc))
        return ERR_EXISTS;
    if (ep->ssrc_count >= ENDPOINT_SSRCS_MAX)
        return ERR_LIMIT;
    unsigned i = ssrc_home(ssrc);
    while (ep->ssrcs[i].ssrc != 0)
        i = ssrc_next(i);
    ep->ssrcs[i] = (struct ssrc_entry){.ssrc = ssrc, .rtx = rtx, .stream = stream};
    ep->ssrc_count++;
    return ERR_OK;
}

void endpoint_remove_ssrc(struct endpoint *ep, uint32_t ssrc) {
    struct ssrc_entry *e = endpoint_find_ssrc(ep, ssrc);
    if (!e)
        return;
    unsigned hole = (unsigned)(e - ep->ssrcs);
    // Close the gap, so that later entries of the run are still found.
    for (unsigned i = ssrc_next(hole); ep->ssrcs[i].ssrc != 0; i = ssrc_next(i)) {
        unsigned home = ssrc_home(ep->ssrcs[i].ssrc);
        unsigned from_home = (i - home) % ENDPOINT_SSRC_SLOTS, from_hole = (i - hole) % ENDPOINT_SSRC_SLOTS;
        if (from_home >= from_hole) {
            ep->ssrcs[hole] = ep->ssrcs[i];
            hole = i;
        }
    }
    ep->ssrcs[hole] = (struct ssrc_entry){0};
    assert(ep->ssrc_count > 0);
    ep->ssrc_count--;
    ep->fw->out.forget_ssrc(ep->fw->out.ctx, ep->peer, ssrc, false);
}

// ---- learning

static bool text_equals(struct span value, const char *text) {
    return span_equal(value, span_of_text(text));
}

static bool producer_takes(const struct producer *p, uint8_t payload_type, bool *rtx) {
    *rtx = p->params.rtx_payload_type != PAYLOAD_TYPE_NONE && payload_type == p->params.rtx_payload_type;
    return *rtx || payload_type == p->params.payload_type;
}

// The producer's stream that a RID names; without a RID the only one there is.
static struct producer_stream *producer_stream_of(struct producer *p, struct span rid) {
    for (unsigned i = 0; rid.ptr && i < p->params.stream_count; i++)
        if (p->streams[i].rid[0] && text_equals(rid, p->streams[i].rid))
            return &p->streams[i];
    return p->params.stream_count == 1 && !rid.ptr ? &p->streams[0] : NULL;
}

// By what names the packet: its MID and, among the streams of that producer, its RID. RIDs repeat among
// producers: a RID alone counts only for a producer that has no MID.
static struct producer_stream *learn_by_name(struct endpoint *ep, const struct rtp_ext_values *values,
                                             uint8_t payload_type) {
    struct span mid = values->of[EXT_MID];
    LIST_EACH(node, &ep->producers) {
        struct producer *p = LIST_ENTRY(node, struct producer, link);
        bool rtx;
        if (!producer_takes(p, payload_type, &rtx))
            continue;
        struct span rid = values->of[rtx ? EXT_REPAIRED_RID : EXT_RID];
        bool named =
            mid.ptr ? p->params.mid[0] && text_equals(mid, p->params.mid) : rid.ptr && !p->params.mid[0];
        struct producer_stream *s = named ? producer_stream_of(p, rid) : NULL;
        if (s)
            return s;
    }
    return NULL;
}

// A packet without a name is of the one producer whose only stream still misses this SSRC; of two such, of
// none.
static struct producer_stream *learn_by_elimination(struct endpoint *ep, uint8_t payload_type) {
    struct producer_stream *found = NULL;
    LIST_EACH(node, &ep->producers) {
        struct producer *p = LIST_ENTRY(node, struct producer, link);
        bool rtx;
        if (p->params.stream_count != 1 || !producer_takes(p, payload_type, &rtx))
            continue;
        struct producer_stream *s = &p->streams[0];
        if ((rtx ? s->rtx_ssrc : s->ssrc) != 0)
            continue;
        if (found)
            return NULL;
        found = s;
    }
    return found;
}

// The SSRC that its publisher's parameters name.
static uint32_t stream_told_ssrc(const struct producer_stream *s, bool rtx) {
    const struct stream_params *told = &s->producer->params.streams[s->index];
    return rtx ? told->rtx_ssrc : told->ssrc;
}

// A packet of an SSRC that a stream was told, or had, before another one took its place.
static struct producer_stream *learn_by_return(struct endpoint *ep, uint32_t ssrc, uint8_t payload_type) {
    LIST_EACH(node, &ep->producers) {
        struct producer *p = LIST_ENTRY(node, struct producer, link);
        bool rtx;
        if (!producer_takes(p, payload_type, &rtx))
            continue;
        for (unsigned i = 0; i < p->params.stream_count; i++) {
            struct producer_stream *s = &p->streams[i];
            if (ssrc == stream_told_ssrc(s, rtx) || ssrc == (rtx ? s->former_rtx_ssrc : s->former_ssrc))
                return s;
        }
    }
    return NULL;
}

// Whether another SSRC may take a stream over. One that its publisher told keeps its place, and one that was
// learnt keeps it as long as it is heard: a straggler of a track that is over has the same MID. Who has sent
// next to nothing has no place yet; what was told comes back at once.
static bool stream_yields(const struct producer_stream *s, uint32_t ssrc, bool rtx, uint64_t now_us) {
    uint32_t known = rtx ? s->rtx_ssrc : s->ssrc, told = stream_told_ssrc(s, rtx);
    if (known == 0 || ssrc == told)
        return true;
    uint64_t heard_us = rtx ? s->rtx_us : s->stats.last_packet_us;
    bool established = rtx ? heard_us != 0 : s->stats.packets >= s->adopted_at + SSRC_ESTABLISHED_PACKETS;
    return !established || now_us >= heard_us + (known == told ? SSRC_TOLD_SILENT_US : SSRC_SILENT_US);
}

// The stream has this SSRC from now on; what it had before may come back.
static void stream_adopt(struct producer_stream *s, uint32_t ssrc, bool rtx) {
    uint32_t *known = rtx ? &s->rtx_ssrc : &s->ssrc;
    if (*known) {
        endpoint_remove_ssrc(s->producer->endpoint, *known);
        *(rtx ? &s->former_rtx_ssrc : &s->former_ssrc) = *known;
        if (!rtx) {
            s->stats.started = false;
            producer_stream_restarted(s);
        }
    }
    if (rtx)
        s->rtx_us = 0;
    else
        s->adopted_at = s->stats.packets;
    *known = ssrc;
}

struct ssrc_entry *endpoint_learn_ssrc(struct endpoint *ep, const struct rtp_packet *packet,
                                       const struct rtp_ext_values *values, uint64_t now_us) {
    bool named = values->of[EXT_MID].ptr || values->of[EXT_RID].ptr || values->of[EXT_REPAIRED_RID].ptr;
    if (packet->ssrc == 0)
        return NULL;
    struct producer_stream *s = named ? learn_by_name(ep, values, packet->payload_type)
                                      : learn_by_return(ep, packet->ssrc, packet->payload_type);
    if (!s && !named)
        s = learn_by_elimination(ep, packet->payload_type);
    bool rtx;
    if (!s || !producer_takes(s->producer, packet->payload_type, &rtx) ||
        !stream_yields(s, packet->ssrc, rtx, now_us))
        return NULL;
    stream_adopt(s, packet->ssrc, rtx);
    if (endpoint_add_ssrc(ep, packet->ssrc, rtx, s) != ERR_OK) {
        *(rtx ? &s->rtx_ssrc : &s->ssrc) = 0;
        return NULL;
    }
    return endpoint_find_ssrc(ep, packet->ssrc);
}

void endpoint_merge_extensions(struct endpoint *ep) {
    ext_map_clear(&ep->ext);
    LIST_EACH(node, &ep->producers)
    ext_map_add(&ep->ext, &LIST_ENTRY(node, struct producer, link)->params.ext);
}
