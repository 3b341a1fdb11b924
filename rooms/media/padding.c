// What probes are made of. Best what went out lately, once more: on the RTX stream it may even repair
// something. Else padding alone: on the RTX stream of a consumer, or, where no consumer has one, on a
// probation stream that belongs to no consumer, in the form that mediasoup-client makes its browsers expect
// from the first video consumer on.
#include "rooms/media/congestion.h"

#include <string.h>

#define BACK_MAX 64 // numbers ago, of what is sent once more

static struct consumer *padding_carrier(struct endpoint *ep) {
    struct consumer *any = NULL;
    LIST_EACH(node, &ep->consumers) {
        struct consumer *c = LIST_ENTRY(node, struct consumer, link);
        if (c->params.kind != MEDIA_VIDEO || !(c->acknowledges || ep->congestion->named))
            continue;
        if (c->params.rtx_ssrc && c->active)
            return c;
        if (!any || (c->params.rtx_ssrc && !any->params.rtx_ssrc))
            any = c;
    }
    return any;
}

static uint32_t padding_empty(struct congestion *cg, struct consumer *c, uint16_t bytes, uint64_t now_us) {
    struct padding_stream to = {
        .ssrc = PROBATION_SSRC, .payload_type = PROBATION_PAYLOAD_TYPE, .mid_len = sizeof PROBATION_MID - 1};
    if (!c->params.rtx_ssrc) {
        memcpy(to.mid, PROBATION_MID, sizeof to.mid);
        return consumer_pad_empty(c, &to, &cg->probation_index, bytes, now_us);
    }
    to = (struct padding_stream){
        .ssrc = c->params.rtx_ssrc, .payload_type = c->params.rtx_payload_type, .mid_len = c->mid_len};
    memcpy(to.mid, c->params.mid, c->mid_len);
    return consumer_pad_empty(c, &to, &c->rtx_index, bytes, now_us);
}

bool padding_can(struct congestion *cg) {
    return padding_carrier(cg->endpoint) != NULL && endpoint_sends(cg->endpoint);
}

uint32_t padding_send(struct congestion *cg, uint32_t bytes, uint16_t packet_bytes, uint64_t now_us) {
    struct consumer *c = padding_carrier(cg->endpoint);
    uint32_t sent = 0;
    for (unsigned n = 0; c && n < PADDING_PACKETS_MAX && sent < bytes; n++) {
        uint16_t back = (uint16_t)(cg->pad_turn++ % BACK_MAX);
        uint32_t more = c->params.rtx_ssrc ? consumer_pad_repeat(c, back, packet_bytes, now_us) : 0;
        if (more == 0)
            more = padding_empty(cg, c, packet_bytes, now_us);
        if (more == 0)
            break; // no blocks
        sent += more;
    }
    return sent;
}
_Static_assert(sizeof PROBATION_MID - 1 == RTP_FORWARD_MID_MAX, "it fills its place");
