// What a worker leaves out when it is full: tells rooms/media/overload.h of its turns, and the forwarder what
// comes of it. An episode is told when it begins and when it is over.
#include "server/media/worker_internal.h"

#include "base/clock.h"
#include "base/log.h"

void worker_load_note(struct worker *w, uint64_t began_us, uint64_t ended_us) {
    const struct udp_port_counters *udp = udp_port_counters(w->port);
    uint64_t packets = udp->datagrams_in + forwarder_counters(w->fw)->relayed_in;
    struct overload_turn turn = {.began_us = began_us,
                                 .ended_us = ended_us,
                                 .patient_us = w->handshakes_us,
                                 .cpu_us = overload_may_judge(&w->overload, ended_us) ? clock_thread_us() : 0,
                                 .packets = packets != w->load_packets,
                                 .lost = udp->kernel_dropped != w->load_lost};
    (void)overload_turn(&w->overload, &turn);
    w->load_packets = packets;
    w->load_lost = udp->kernel_dropped;
}

static void load_tell(struct worker *w, unsigned before, uint64_t now_us) {
    unsigned level = w->overload.level;
    uint64_t shed = forwarder_counters(w->fw)->shed_consumers;
    if (before == 0) {
        w->shedding_since_us = now_us;
        w->shedding_most = 0;
        LOG_WARN("media worker is full: video is left out so that sound goes through",
                 LOG_NUMBER("worker", w->index), LOG_NUMBER("video_consumers", shed));
    }
    if (before <= OVERLOAD_LEVEL_VIDEO && level > OVERLOAD_LEVEL_VIDEO)
        LOG_WARN("media worker is full of sound: the quietest is left out so that people can come in",
                 LOG_NUMBER("worker", w->index), LOG_NUMBER("consumers", shed));
    if (shed > w->shedding_most)
        w->shedding_most = shed;
    if (level == 0)
        LOG_INFO("media worker has room again: everything is sent", LOG_NUMBER("worker", w->index),
                 LOG_NUMBER("video_consumers_at_most", w->shedding_most),
                 LOG_NUMBER("seconds", (now_us - w->shedding_since_us) / US_PER_SECOND));
}

void worker_load_apply(struct worker *w, uint64_t now_us) {
    if (worker_event_reserve(w))
        forwarder_retell(w->fw);
    unsigned before = (unsigned)forwarder_counters(w->fw)->shed_level;
    if (w->overload.level == before || w->no_shedding)
        return;
    forwarder_shed(w->fw, w->overload.level, now_us);
    load_tell(w, before, now_us);
}
