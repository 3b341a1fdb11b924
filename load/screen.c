#include "load/screen.h"

#include <unistd.h>

#define BAR 40

void screen_init(struct screen *screen, FILE *out) {
    *screen = (struct screen){.out = out, .terminal = isatty(fileno(out))};
}

static void draw_bar(FILE *out, double done) {
    int full = (int)(done * BAR + 0.5);
    full = full < 0 ? 0 : full > BAR ? BAR : full;
    fputc('[', out);
    for (int i = 0; i < BAR; i++)
        fputc(i < full ? '#' : '.', out);
    fprintf(out, "] %3.0f %%", done * 100);
}

static void draw_server(FILE *out, const struct sample *s) {
    if (s->server_cpu_percent >= 0)
        fprintf(out, "%.0f %% CPU, %.1f MB", s->server_cpu_percent, s->server_memory_mb);
    else
        fprintf(out, "-");
}

static void draw_table(struct screen *screen, const struct screen_state *state) {
    FILE *out = screen->out;
    const struct sample *s = state->sample;
    if (screen->lines)
        fprintf(out, "\033[%uA", screen->lines);
    screen->lines = 7;
    fprintf(out, "\033[K  %-10s ", state->phase);
    draw_bar(out, state->done);
    fprintf(out, "\n\033[K  participants %8u of %u\n", state->participants, state->wanted);
    fprintf(out, "\033[K  received     %8.0f packets/s, %.1f Mbit/s; sent %.0f packets/s\n", s->rtp_in,
            s->in_kbps / 1000, s->rtp_out);
    fprintf(out, "\033[K  delay        %8.2f ms p50, %.2f ms p99\n", s->delay_p50_ms, s->delay_p99_ms);
    fprintf(out, "\033[K  loss         %8.3f %% before repair; lost for good %llu packets, %llu freezes\n",
            s->loss_percent, (unsigned long long)state->sums->unrepaired,
            (unsigned long long)state->sums->freezes);
    fprintf(out, "\033[K  server       ");
    draw_server(out, s);
    fprintf(out, "\n\033[K  generator    %.0f %% CPU\n", s->generator_cpu_percent);
}

static void draw_line(struct screen *screen, const struct screen_state *state) {
    FILE *out = screen->out;
    const struct sample *s = state->sample;
    fprintf(out,
            "%6.0f s  %-9s  %u of %u  in %.0f/s %.1f Mbit/s  out %.0f/s  delay p99 %.2f ms  loss %.3f %%  "
            "server ",
            s->at_s, state->phase, state->participants, state->wanted, s->rtp_in, s->in_kbps / 1000,
            s->rtp_out, s->delay_p99_ms, s->loss_percent);
    draw_server(out, s);
    fprintf(out, "\n");
}

void screen_update(struct screen *screen, const struct screen_state *state) {
    if (screen->terminal)
        draw_table(screen, state);
    else if (++screen->seconds % SCREEN_LINE_S == 0)
        draw_line(screen, state);
    fflush(screen->out);
}

void screen_end(struct screen *screen) {
    fflush(screen->out);
}
