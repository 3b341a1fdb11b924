// options: the shape of a load, from the command line and a scenario file (JSON, the same names as keys).
//
// A flag wins over the scenario. Errors are one line for the person who typed it.
#ifndef LOAD_OPTIONS_H
#define LOAD_OPTIONS_H

#include "load/impair.h"
#include "rtp/media.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OPTION_TEXT_MAX 256
#define OPTION_ALL UINT32_MAX // "all" of --publishers and --subscribe
#define OPTION_ERROR_MAX 512

enum audio_mode { AUDIO_OFF, AUDIO_ON, AUDIO_DTX };
enum ice_mode { ICE_MODE_CHECKS, ICE_MODE_FULL, ICE_MODE_TCP };
enum socket_mode { SOCKETS_AUTO, SOCKETS_SHARED, SOCKETS_EACH };

struct load_options {
    char url[OPTION_TEXT_MAX];
    char room[OPTION_TEXT_MAX]; // prefix of the rooms' names
    char token[OPTION_TEXT_MAX * 4];
    char keys[OPTION_TEXT_MAX * 2];
    char scenario[OPTION_TEXT_MAX];
    char json[OPTION_TEXT_MAX];
    char expect[OPTION_TEXT_MAX * 2];
    uint32_t rooms, participants;   // participants: of each room
    uint32_t publishers, subscribe; // publishers of each room; tracks of each kind
    uint32_t video_kbps;            // of one publisher, all layers together; 0: no video
    uint32_t fps, key_interval_s, simulcast, temporal;
    enum media_codec codec;
    enum audio_mode audio;
    double join_rate; // a second
    double churn;     // a second
    uint32_t duration_s;
    uint32_t pause_s; // each publisher pauses its video for a second, so often; 0: never
    struct impair_config impair;
    enum ice_mode ice;
    enum socket_mode sockets;
    uint32_t server_pid; // 0: not given
    bool insecure;       // wss with any certificate
};

enum options_outcome { OPTIONS_RUN, OPTIONS_SHOWN, OPTIONS_BAD };

void options_default(struct load_options *options);
// OPTIONS_SHOWN: --help or --version, printed. OPTIONS_BAD: `error` has one line.
enum options_outcome options_read(struct load_options *options, int argc, char **argv,
                                  char error[OPTION_ERROR_MAX]);
// One setting by its name without dashes.
bool options_set(struct load_options *options, const char *name, const char *value,
                 char error[OPTION_ERROR_MAX]);
// The numbers together make sense.
bool options_check(const struct load_options *options, char error[OPTION_ERROR_MAX]);
void options_print_help(void);

// scenario.c: every key of the object is an option; "description" is skipped.
bool scenario_read(struct load_options *options, const char *path, char error[OPTION_ERROR_MAX]);
bool scenario_apply(struct load_options *options, const char *text, size_t len, const char *path,
                    char error[OPTION_ERROR_MAX]);

// "2%", "0.02"; "20ms", "1.5s", plain milliseconds. False when it is nothing of the kind.
bool parse_share(const char *text, double *out);
bool parse_number(const char *text, double low, double high, double *out);

#endif
