#include "rtp/layer_select.h"

static bool layer_alive(const struct layer_source *s, uint64_t now_us) {
    return s->first_packet_us != 0 && now_us < s->last_packet_us + LAYER_DEAD_US;
}

int layer_select(const struct layer_source *sources, unsigned count, int ceiling, int current,
                 uint64_t now_us) {
    int best = -1;
    for (int i = 0; i < (int)count; i++) {
        if (best >= 0 && ceiling >= 0 && i > ceiling)
            break;
        if (!layer_alive(&sources[i], now_us))
            continue;
        // Upwards only to what has proved itself, unless there is nothing else.
        bool fresh = now_us < sources[i].first_packet_us + LAYER_FRESH_US;
        if (best >= 0 && i > current && fresh)
            continue;
        best = i;
    }
    return best;
}
