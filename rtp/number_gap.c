#include "rtp/number_gap.h"

void number_gap_note(struct number_gap *g, uint16_t seq, uint64_t now_us) {
    int16_t ahead = seq16_diff(seq, g->highest);
    if (!g->started || ahead > NUMBER_GAP_MAX || ahead < -NUMBER_GAP_MAX) {
        *g = (struct number_gap){.started = true, .highest = seq};
        return;
    }
    if (ahead <= 0) {
        if (ahead < 0 && g->missing > 0)
            g->missing--; // it is but late
        return;
    }
    g->highest = seq;
    if (ahead == 1)
        return;
    if (g->missing == 0)
        *g = (struct number_gap){.started = true, .highest = seq, .since_us = now_us};
    g->missing = (uint16_t)(g->missing + ahead - 1);
    if (g->missing > NUMBER_GAP_MAX)
        number_gap_begin_anew(g);
}

void number_gap_show(struct number_gap *g, int16_t ahead) {
    if (ahead > 1 && ahead <= NUMBER_GAP_MAX && g->shown <= NUMBER_GAP_MAX)
        g->shown = (uint16_t)(g->shown + ahead - 1);
    else if (ahead < 0 && g->shown > 0)
        g->shown--; // it is but late
}
