#include "rtp/layer_select.h"

static bool layer_speaks(const struct layer_source *s, uint64_t now_us) {
    return s->first_packet_us != 0 && now_us < s->last_packet_us + LAYER_DEAD_US;
}

static bool layer_is_fresh(const struct layer_source *s, uint64_t now_us) {
    return now_us < s->first_packet_us + LAYER_FRESH_US;
}

bool layer_is_dead(const struct layer_source *sources, unsigned count, unsigned layer, uint64_t now_us) {
    if (layer_speaks(&sources[layer], now_us))
        return false;
    for (unsigned i = 0; i < count; i++)
        if (i != layer && layer_speaks(&sources[i], now_us) && !layer_is_fresh(&sources[i], now_us))
            return true;
    return false;
}

bool layers_are_silent(const struct layer_source *sources, unsigned count, uint64_t now_us) {
    for (unsigned i = 0; i < count; i++)
        if (layer_speaks(&sources[i], now_us))
            return false;
    return true;
}

int layer_select(const struct layer_source *sources, unsigned count, int ceiling, int current,
                 uint64_t now_us) {
    if (layers_are_silent(sources, count, now_us))
        return current;
    int best = -1;
    for (int i = 0; i < (int)count; i++) {
        if (best >= 0 && ceiling >= 0 && i > ceiling)
            break;
        bool shown = i == current && !layer_is_dead(sources, count, (unsigned)i, now_us);
        if (!shown && !layer_speaks(&sources[i], now_us))
            continue;
        // Upwards only to what has proved itself, unless there is nothing else.
        if (best >= 0 && i > current && layer_is_fresh(&sources[i], now_us))
            continue;
        best = i;
    }
    return best;
}
