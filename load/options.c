#include "load/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_kind { OPTION_TEXT, OPTION_COUNT, OPTION_RATE, OPTION_SHARE, OPTION_WORD, OPTION_FLAG };

struct word {
    const char *text;
    int value;
};

struct option {
    const char *name, *argument;
    enum option_kind kind;
    size_t offset;
    size_t bytes;             // of a text
    double low, high;         // of a number
    bool all;                 // "all" is allowed
    uint32_t scale;           // what is stored is the number times this; 0: once
    const struct word *words; // of a word
    const char *alone;        // the value when none is given
    const char *help;
};

static const struct word codec_words[] = {
    {"vp8", CODEC_VP8}, {"vp9", CODEC_VP9}, {"h264", CODEC_H264}, {"av1", CODEC_AV1}, {NULL, 0}};
static const struct word audio_words[] = {
    {"on", AUDIO_ON}, {"off", AUDIO_OFF}, {"dtx", AUDIO_DTX}, {NULL, 0}};
static const struct word ice_words[] = {
    {"checks", ICE_MODE_CHECKS}, {"full", ICE_MODE_FULL}, {"tcp", ICE_MODE_TCP}, {NULL, 0}};
static const struct word socket_words[] = {
    {"auto", SOCKETS_AUTO}, {"shared", SOCKETS_SHARED}, {"each", SOCKETS_EACH}, {NULL, 0}};

#define AT(member) offsetof(struct load_options, member)
#define TEXT_AT(member) .offset = AT(member), .bytes = sizeof((struct load_options *)0)->member

static const struct option options_table[] = {
    {"url", "URL", OPTION_TEXT, TEXT_AT(url),
     .help = "WebSocket of the server: ws://HOST:PORT/ws or wss://... [ws://127.0.0.1:8080/ws]"},
    {"scenario", "FILE", OPTION_TEXT, TEXT_AT(scenario),
     .help = "A JSON file with these settings; flags win over it."},
    {"room", "PREFIX", OPTION_TEXT, TEXT_AT(room),
     .help = "Rooms are called PREFIX-1, PREFIX-2, ... [load-PID]"},
    {"token", "TOKEN", OPTION_TEXT, TEXT_AT(token), .help = "Sent with every join-room."},
    {"keys", "FILE", OPTION_TEXT, TEXT_AT(keys),
     .help = "The server's --keys: each participant gets a token of its own, made with the first `id: "
             "secret`."},
    {"rooms", "N", OPTION_COUNT, AT(rooms), .low = 1, .high = 10000, .help = "Rooms. [1]"},
    {"participants", "N", OPTION_COUNT, AT(participants), .low = 1, .high = 10000,
     .help = "Participants of each room. [4]"},
    {"publishers", "N|all", OPTION_COUNT, AT(publishers), .low = 0, .high = 10000, .all = true,
     .help = "How many of a room's participants send media. [all]"},
    {"subscribe", "N|all", OPTION_COUNT, AT(subscribe), .low = 0, .high = 10000, .all = true,
     .help = "Tracks of each kind that a participant receives. [all]"},
    {"video", "KBPS", OPTION_COUNT, AT(video_kbps), .low = 0, .high = 50000,
     .help = "Bit rate of a publisher's video, all layers together; 0 for none. [500]"},
    {"audio", "on|off|dtx", OPTION_WORD, AT(audio), .words = audio_words, .alone = "on",
     .help = "50 packets a second; dtx: talks for 3 s, is silent for 3 s. [on]"},
    {"codec", "vp8|vp9|h264|av1", OPTION_WORD, AT(codec), .words = codec_words,
     .help = "Of the video. [vp8]"},
    {"simulcast", "N", OPTION_COUNT, AT(simulcast), .low = 1, .high = 3,
     .help = "Encodings of the video, 1 to 3. [1]"},
    {"temporal", "N", OPTION_COUNT, AT(temporal), .low = 1, .high = 3,
     .help = "Temporal layers of each encoding, 1 to 3. [1]"},
    {"fps", "N", OPTION_COUNT, AT(fps), .low = 1, .high = 120, .help = "Frames a second. [30]"},
    {"key-interval", "SECONDS", OPTION_COUNT, AT(key_interval_s), .low = 1, .high = 3600,
     .help = "A key frame comes at least this often. [10]"},
    {"join-rate", "N", OPTION_RATE, AT(join_rate), .low = 0.01, .high = 10000,
     .help = "Joins a second. [20]"},
    {"duration", "SECONDS", OPTION_COUNT, AT(duration_s), .low = 1, .high = 86400,
     .help = "How long everything is measured once all have joined. [10]"},
    {"churn", "N", OPTION_RATE, AT(churn), .low = 0, .high = 1000,
     .help = "This many participants a second leave and are replaced during the measurement. [0]"},
    {"pause", "SECONDS", OPTION_COUNT, AT(pause_s), .low = 0, .high = 3600,
     .help = "Each publisher pauses its video for a second, this often; 0: never. [0]"},
    {"loss", "SHARE", OPTION_SHARE, AT(impair.loss), .low = 0, .high = 1,
     .help = "Datagrams lost in each direction, such as 0.02 or 2%. [0]"},
    {"delay", "MS", OPTION_COUNT, AT(impair.delay_us), .low = 0, .high = 10000, .scale = 1000,
     .help = "Added to each datagram in each direction. [0]"},
    {"bandwidth", "KBPS", OPTION_COUNT, AT(impair.bandwidth_bps), .low = 0, .high = 4000000, .scale = 1000,
     .help = "Of each transport in each direction; 0: no limit. [0]"},
    {"ice", "checks|full|tcp", OPTION_WORD, AT(ice), .words = ice_words,
     .help = "full: a full libnice agent for each transport (some tens of participants); tcp: media over "
             "TCP, read at --bandwidth. [checks]"},
    {"sockets", "auto|shared|each", OPTION_WORD, AT(sockets), .words = socket_words,
     .help = "shared: a few sockets and an address of 127.0.0.0/8 for each transport; auto: shared when the\n"
             "        server's media address is in 127.0.0.0/8. [auto]"},
    {"server-pid", "PID", OPTION_COUNT, AT(server_pid), .low = 1, .high = 4194304,
     .help = "The server runs on this machine: measure its CPU time and memory."},
    {"json", "FILE", OPTION_TEXT, TEXT_AT(json),
     .help = "Write the results there (docs/load-testing.md); - for standard output."},
    {"expect", "LIST", OPTION_TEXT, TEXT_AT(expect),
     .help = "Such as 'loss<0.1%,join_p99<500ms': exit status 1 when one is missed."},
    {"insecure", NULL, OPTION_FLAG, AT(insecure), .help = "Accept any certificate of a wss:// server."},
};
#define OPTION_TOTAL (sizeof options_table / sizeof options_table[0])

void options_default(struct load_options *o) {
    *o = (struct load_options){
        .url = "ws://127.0.0.1:8080/ws",
        .rooms = 1,
        .participants = 4,
        .publishers = OPTION_ALL,
        .subscribe = OPTION_ALL,
        .video_kbps = 500,
        .fps = 30,
        .key_interval_s = 10,
        .simulcast = 1,
        .temporal = 1,
        .codec = CODEC_VP8,
        .audio = AUDIO_ON,
        .join_rate = 20,
        .duration_s = 10,
    };
}

static const struct option *option_find(const char *name, size_t len) {
    for (size_t i = 0; i < OPTION_TOTAL; i++)
        if (strlen(options_table[i].name) == len && strncmp(options_table[i].name, name, len) == 0)
            return &options_table[i];
    return NULL;
}

bool parse_number(const char *text, double low, double high, double *out) {
    char *end;
    if ((*text < '0' || *text > '9') && *text != '.')
        return false;
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out) && *out >= low && *out <= high;
}

bool parse_share(const char *text, double *out) {
    char copy[32];
    size_t len = strlen(text);
    bool percent = len > 0 && text[len - 1] == '%';
    if (len - percent >= sizeof copy)
        return false;
    memcpy(copy, text, len - percent);
    copy[len - percent] = '\0';
    if (!parse_number(copy, 0, percent ? 100 : 1, out))
        return false;
    *out /= percent ? 100 : 1;
    return true;
}

static bool bad_value(const struct option *option, const char *value, char *error) {
    if (option->words)
        snprintf(error, OPTION_ERROR_MAX, "%s: \"%.64s\" is not one of %s", option->name, value,
                 option->argument);
    else if (option->kind == OPTION_TEXT)
        snprintf(error, OPTION_ERROR_MAX, "%s: longer than %zu characters", option->name, option->bytes - 1);
    else if (option->kind == OPTION_SHARE)
        snprintf(error, OPTION_ERROR_MAX, "%s: \"%.64s\" is not a share such as 0.02 or 2%%", option->name,
                 value);
    else
        snprintf(error, OPTION_ERROR_MAX, "%s: \"%.64s\" is not a %snumber from %g to %g%s", option->name,
                 value, option->kind == OPTION_COUNT ? "whole " : "", option->low, option->high,
                 option->all ? " or \"all\"" : "");
    return false;
}

static bool set_word(const struct option *option, void *at, const char *value) {
    for (const struct word *word = option->words; word->text; word++)
        if (strcmp(word->text, value) == 0) {
            memcpy(at, &word->value, sizeof word->value);
            return true;
        }
    return false;
}

static bool set_count(const struct option *option, void *at, const char *value) {
    double number;
    uint32_t count = OPTION_ALL;
    if (!option->all || strcmp(value, "all") != 0) {
        if (!parse_number(value, option->low, option->high, &number) || number != floor(number))
            return false;
        count = (uint32_t)number * (option->scale ? option->scale : 1);
    }
    memcpy(at, &count, sizeof count);
    return true;
}

static bool option_set(struct load_options *options, const struct option *option, const char *value,
                       char *error) {
    char *at = (char *)options + option->offset;
    double number;
    bool ok = true;
    switch (option->kind) {
    case OPTION_TEXT:
        ok = strlen(value) < option->bytes;
        if (ok)
            memcpy(at, value, strlen(value) + 1);
        break;
    case OPTION_COUNT:
        ok = set_count(option, at, value);
        break;
    case OPTION_RATE:
        ok = parse_number(value, option->low, option->high, &number);
        if (ok)
            memcpy(at, &number, sizeof number);
        break;
    case OPTION_SHARE:
        ok = parse_share(value, &number);
        if (ok)
            memcpy(at, &number, sizeof number);
        break;
    case OPTION_WORD:
        ok = set_word(option, at, value);
        break;
    case OPTION_FLAG: {
        bool flag = strcmp(value, "true") == 0;
        ok = flag || strcmp(value, "false") == 0;
        memcpy(at, &flag, sizeof flag);
        break;
    }
    }
    return ok || bad_value(option, value, error);
}

bool options_set(struct load_options *options, const char *name, const char *value,
                 char error[OPTION_ERROR_MAX]) {
    const struct option *option = option_find(name, strlen(name));
    if (!option) {
        snprintf(error, OPTION_ERROR_MAX, "unknown setting \"%.64s\"", name);
        return false;
    }
    return option_set(options, option, value, error);
}

// One flag at argv[*i]; moves on over its value.
static bool read_flag(struct load_options *options, int argc, char **argv, int *i, bool only_scenario,
                      char *error) {
    const char *text = argv[*i], *equals = strchr(text, '=');
    if (strncmp(text, "--", 2) != 0) {
        snprintf(error, OPTION_ERROR_MAX, "\"%.64s\" is not a flag; see --help", text);
        return false;
    }
    size_t len = equals ? (size_t)(equals - text) - 2 : strlen(text) - 2;
    const struct option *option = option_find(text + 2, len);
    if (!option) {
        snprintf(error, OPTION_ERROR_MAX, "unknown flag \"%.64s\"; see --help", text);
        return false;
    }
    bool more = *i + 1 < argc && strncmp(argv[*i + 1], "--", 2) != 0;
    const char *value = equals ? equals + 1 : NULL;
    if (!value && option->kind == OPTION_FLAG)
        value = "true";
    else if (!value && more)
        value = argv[++*i];
    else if (!value)
        value = option->alone;
    if (!value) {
        snprintf(error, OPTION_ERROR_MAX, "--%s wants a value: %s", option->name, option->argument);
        return false;
    }
    bool is_scenario = strcmp(option->name, "scenario") == 0;
    return is_scenario != only_scenario || option_set(options, option, value, error);
}

enum options_outcome options_read(struct load_options *options, int argc, char **argv,
                                  char error[OPTION_ERROR_MAX]) {
    for (int i = 1; i < argc; i++) {
        bool version = strcmp(argv[i], "--version") == 0 || strcmp(argv[i], "-V") == 0;
        if (version)
            printf("rotunda-load " ROTUNDA_VERSION "\n");
        else if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            options_print_help();
        else
            continue;
        return OPTIONS_SHOWN;
    }
    // The scenario first, wherever it is named, so that flags win over it.
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 1; i < argc; i++)
            if (!read_flag(options, argc, argv, &i, pass == 0, error))
                return OPTIONS_BAD;
        if (pass == 0 && options->scenario[0] && !scenario_read(options, options->scenario, error))
            return OPTIONS_BAD;
    }
    return options_check(options, error) ? OPTIONS_RUN : OPTIONS_BAD;
}

bool options_check(const struct load_options *o, char error[OPTION_ERROR_MAX]) {
    if (o->publishers != OPTION_ALL && o->publishers > o->participants) {
        snprintf(error, OPTION_ERROR_MAX, "publishers: %u is more than the %u participants of a room",
                 o->publishers, o->participants);
        return false;
    }
    if (o->rooms * (uint64_t)o->participants > 20000) {
        snprintf(error, OPTION_ERROR_MAX, "rooms times participants: %u times %u is more than 20000",
                 o->rooms, o->participants);
        return false;
    }
    if (strncmp(o->url, "ws://", 5) != 0 && strncmp(o->url, "wss://", 6) != 0) {
        snprintf(error, OPTION_ERROR_MAX, "url: \"%.128s\" does not begin with ws:// or wss://", o->url);
        return false;
    }
    if (o->ice == ICE_MODE_FULL && o->sockets == SOCKETS_SHARED) {
        snprintf(error, OPTION_ERROR_MAX, "sockets: a libnice agent (--ice=full) has sockets of its own");
        return false;
    }
    if (o->ice == ICE_MODE_TCP && (o->impair.loss > 0 || o->impair.delay_us > 0)) {
        snprintf(error, OPTION_ERROR_MAX,
                 "ice: over TCP there is no --loss and no --delay, only --bandwidth");
        return false;
    }
    return true;
}

void options_print_help(void) {
    printf("rotunda-load: synthetic participants for a Rotunda server.\n\n"
           "usage: rotunda-load [--SETTING VALUE]...\n\n"
           "  -V, --version   print the version\n"
           "  -h, --help      print this\n\n");
    for (size_t i = 0; i < OPTION_TOTAL; i++) {
        const struct option *option = &options_table[i];
        printf("  --%s%s%s\n        %s\n", option->name, option->argument ? " " : "",
               option->argument ? option->argument : "", option->help);
    }
    printf("\nExit status: 0 all expectations are met, 1 one is missed, 2 the run was not possible.\n");
}
