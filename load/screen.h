// screen: how a run goes, while it goes: a table and a progress bar on a terminal, else a line each
// SCREEN_LINE_S seconds.
#ifndef LOAD_SCREEN_H
#define LOAD_SCREEN_H

#include "load/results.h"

#include <stdio.h>

#define SCREEN_LINE_S 5

struct screen {
    FILE *out;
    bool terminal;
    unsigned lines; // drawn last
    unsigned seconds;
};

struct screen_state {
    const char *phase; // "joining", "measuring", "ending"
    double done;       // 0..1 of the whole run
    uint32_t participants, wanted;
    const struct sample *sample;
    const struct tally *sums;
};

void screen_init(struct screen *screen, FILE *out);
void screen_update(struct screen *screen, const struct screen_state *state);
void screen_end(struct screen *screen);

#endif
