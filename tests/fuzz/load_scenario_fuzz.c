// What may stand in a scenario file, on the command line and in --expect. A setting that was taken is within
// its range, whatever else there is; what was refused is told in one line.
//
// Input: a byte of what it is, then the text: 0 a scenario, 1 flags (a line each), 2 expectations.
#include "load/expect.h"
#include "load/options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ARGS_MAX 64

static void check(bool right) {
    if (!right)
        abort();
}

static bool one_line(const char *text, size_t cap) {
    return text[0] && memchr(text, '\0', cap) && !strchr(text, '\n');
}

static bool in_range(uint32_t value, uint32_t low, uint32_t high) {
    return value >= low && value <= high;
}

static void check_texts(const struct load_options *o) {
    check(memchr(o->url, '\0', sizeof o->url) && memchr(o->room, '\0', sizeof o->room));
    check(memchr(o->token, '\0', sizeof o->token) && memchr(o->json, '\0', sizeof o->json));
    check(memchr(o->expect, '\0', sizeof o->expect) && memchr(o->scenario, '\0', sizeof o->scenario));
}

static void check_options(const struct load_options *o) {
    check_texts(o);
    check(in_range(o->rooms, 1, 10000) && in_range(o->participants, 1, 10000));
    check(o->publishers == OPTION_ALL || o->publishers <= 10000);
    check(o->subscribe == OPTION_ALL || o->subscribe <= 10000);
    check(in_range(o->fps, 1, 120) && in_range(o->key_interval_s, 1, 3600));
    check(in_range(o->simulcast, 1, 3) && in_range(o->temporal, 1, 3) && o->video_kbps <= 50000);
    check(o->codec >= CODEC_OPUS && o->codec <= CODEC_AV1 && o->codec != CODEC_OPUS);
    check(o->audio >= AUDIO_OFF && o->audio <= AUDIO_DTX && o->ice >= ICE_MODE_CHECKS &&
          o->ice <= ICE_MODE_FULL);
    check(o->sockets >= SOCKETS_AUTO && o->sockets <= SOCKETS_EACH);
    check(isfinite(o->join_rate) && o->join_rate >= 0.01 && isfinite(o->churn) && o->churn >= 0);
    check(o->impair.loss >= 0 && o->impair.loss <= 1 && o->impair.delay_us <= 10000000);
    check(in_range(o->duration_s, 1, 86400) && o->pause_s <= 3600);
}

static void read_scenario(const char *text, size_t len) {
    struct load_options options;
    char error[OPTION_ERROR_MAX] = "";
    options_default(&options);
    bool taken = scenario_apply(&options, text, len, "file", error);
    check(taken ? error[0] == '\0' : one_line(error, sizeof error));
    check_options(&options); // what came before the fault was taken, and is good
    check(options_check(&options, error) || one_line(error, sizeof error));
}

static void read_flags(char *text) {
    struct load_options options;
    char error[OPTION_ERROR_MAX] = "", name[] = "rotunda-load", *argv[ARGS_MAX + 1] = {name};
    int argc = 1;
    for (char *next, *line = text; line && argc < ARGS_MAX; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        bool opens_or_prints = strstr(line, "scenario") || strstr(line, "help") || strstr(line, "version") ||
                               strcmp(line, "-h") == 0 || strcmp(line, "-V") == 0;
        if (!opens_or_prints)
            argv[argc++] = line;
    }
    options_default(&options);
    enum options_outcome outcome = options_read(&options, argc, argv, error);
    check(outcome == OPTIONS_RUN || (outcome == OPTIONS_BAD && one_line(error, sizeof error)));
    check_options(&options);
}

static void read_expectations(const char *text) {
    struct expectations e;
    char error[EXPECT_ERROR_MAX] = "";
    bool taken = expect_parse(text, &e, error);
    check(e.count <= EXPECT_MAX && (taken || one_line(error, sizeof error)));
    for (size_t i = 0; i < e.count; i++) {
        static const char *const units[] = {"", "us", "ms", "s", "%", "B", "KB", "MB"};
        const struct expectation *item = &e.items[i];
        check(item->name[0] && memchr(item->name, '\0', sizeof item->name));
        check(strcmp(item->op, "<") == 0 || strcmp(item->op, "<=") == 0 || strcmp(item->op, ">") == 0 ||
              strcmp(item->op, ">=") == 0);
        for (size_t k = 0; k < sizeof units / sizeof units[0]; k++) {
            double threshold;
            if (expect_convert(item, units[k], &threshold))
                check(threshold >= 0 && !(expect_met(item, threshold, threshold) && item->op[1] == '\0'));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1)
        return 0;
    char *text = malloc(size); // as long as it is, so that a read behind it is seen
    check(text != NULL);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    if (data[0] % 3 == 0)
        read_scenario(text, size - 1);
    else if (data[0] % 3 == 1)
        read_flags(text);
    else
        read_expectations(text);
    free(text);
    return 0;
}
