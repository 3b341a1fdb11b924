// config: what an operator can set, and where it may be said.
//
// A setting has one name in three spellings: the flag `--media-port 40000`, the environment variable
// ROTUNDA_MEDIA_PORT and the key `media-port = 40000` of the file that --config (or ROTUNDA_CONFIG) names. A
// flag wins over the environment, that over the file, that over the default. What is unknown or not allowed
// is refused with the name, the value, where it came from, and what is allowed; so are settings that
// contradict each other. An empty environment variable counts as not set. In the file, # begins a comment at
// the start of a line, and behind a value after a blank; a secret has no comment behind it.
//
// Pure but for reading files: that of --config and that of turn-secret-file. Any thread.
#ifndef SERVER_CONFIG_H
#define SERVER_CONFIG_H

#include "base/log.h"
#include "rooms/media_limits.h"
#include "server/common/frame_ancestors.h"
#include "server/common/origins.h"
#include "server/common/host_port.h"
#include "server/common/net_address.h"
#include "server/common/port_range.h"
#include "server/common/webhook_urls.h"
#include "server/hub/hub.h"
#include "server/hub/ice_servers.h"

#include <stdio.h>

#define CONFIG_PATH_MAX 512
#define CONFIG_URL_MAX (HUB_URL_MAX + 1)
#define CONFIG_ERROR_MAX 1024
#define CONFIG_ICE_TURN_MAX 4
#define CONFIG_ICE_SOCKETS_EACH 4     // of a full ICE agent
#define CONFIG_ICE_AGENTS_CLOSING 256 // that have theirs a little longer
#define ICE_LOGIN_MAX 257             // of a user name or password for TURN, with its end
#define CONFIG_ROUTE_MAX 129          // bytes of a path of the HTTP server with its end
#define CONFIG_WORD_MAX 65            // likewise, of a word
#define ANNOUNCE_AUTO "auto"          // in place of an address: what the machine finds out by itself

struct config {
    char listen_host[IP_TEXT_MAX];                       // an IP literal without brackets
    uint16_t listen_port;                                // 0: the system chooses
    char admin_host[IP_TEXT_MAX];                        // likewise; "": no such port
    uint16_t admin_port;                                 // 0: the system chooses
    struct networks trusted;                             // proxies
    char frame_ancestors[FRAME_ANCESTORS_MAX];           // sources, as in Content-Security-Policy
    struct origins origins;                              // whose pages may use the server beside its own
    uint16_t media_port;                                 // 0: the system chooses
    uint32_t record_layout;                              // 0: a file each track; 1: each participant
    char record_dir[CONFIG_PATH_MAX];                    // where recordings go; "": there are none
    char recorder[CONFIG_PATH_MAX];                      // rotunda-record; "": it is found
    struct port_range plain_ports;                       // of plain RTP; host "": there is none
    uint32_t workers;                                    // 0: one for each core (config_worker_count)
    unsigned announce_count;                             // at least 1
    char announce[HUB_ANNOUNCE_MAX][HOST_BYTES_MAX + 1]; // IP literals, host names, and ANNOUNCE_AUTO
    struct host_port stun;                               // who to ask for the public address; host "": nobody
    // Full ICE agents.
    uint32_t ice;                              // enum hub_ice_mode
    struct host_port ice_stun;                 // host "": as `stun`
    struct ice_servers ice_turn;               // their TURN servers; the list alone
    char ice_turn_login_file[CONFIG_PATH_MAX]; // "": logins are made with turn-secret
    char ice_turn_user[ICE_LOGIN_MAX], ice_turn_password[ICE_LOGIN_MAX]; // from there
    struct port_range ice_ports;                                         // of their sockets; host "": any
    struct networks ice_peers; // where checks may go beside the public internet
    uint32_t ice_nomination;   // 1: aggressive
    uint32_t ice_agents_max, ice_agents_per_room, ice_agents_per_address; // of the last two 0: no limit
    char tls_cert[CONFIG_PATH_MAX], tls_key[CONFIG_PATH_MAX];             // PEM files; both or neither ("")
    struct ice_servers ice_servers;
    char turn_secret_file[CONFIG_PATH_MAX]; // "", or where ice_servers.turn_secret was read
    char file[CONFIG_PATH_MAX];             // of --config; ""
    bool file_has_secret;                   // ice_servers.turn_secret stands in it
    char keys[CONFIG_PATH_MAX];             // of tokens; "": nobody needs one
    char rooms[CONFIG_PATH_MAX];            // what is settled for rooms; "": nothing
    struct webhook_urls webhooks;           // who is told of what happens in rooms
    uint32_t open;                          // 1: that nobody needs one is meant
    char web_root[CONFIG_PATH_MAX];         // "": where the page was built or installed (web_root_find)
    // Dialects of signalling that others made: where they are; "": nowhere.
    char peerjs[CONFIG_ROUTE_MAX], named_ws[CONFIG_ROUTE_MAX], socket_io[CONFIG_ROUTE_MAX];
    char peerjs_key[CONFIG_WORD_MAX];
    uint32_t peerjs_lists;        // 1: /peers answers
    uint32_t dialect_clients_max; // of one dialect
    uint32_t log_level;           // enum log_level
    uint32_t log_format;          // enum log_format

    uint32_t rooms_max, participants_max;                  // participants: of one room
    uint32_t transports_max, producers_max, consumers_max; // of one participant
    uint32_t message_rate_max;                             // per second and connection
    uint32_t resume_window_seconds;
    uint32_t drain_seconds;        // how long people may stay once the server is to stop
    char drain_to[CONFIG_URL_MAX]; // where they are sent to; "": the same address
    uint32_t participants_per_worker;
    uint32_t last_n, loudest_n;
    uint32_t ws_backlog_max_bytes;
    uint32_t relay_rate_max;           // bytes a second of one participant, summed over receivers
    uint32_t data_channels;            // 1: clients may have some
    uint32_t data_rate_max;            // bytes a second of one transport's, summed over receivers
    uint32_t control_memory_max_bytes; // what the control side may hold for its clients
    uint32_t connections_max;
    uint32_t ice_tcp;                                                          // enum config_ice_tcp
    uint32_t tcp_connections_max;                                              // 0: server/descriptors.h
    uint32_t waiting_per_address, rooms_per_address, failed_joins_per_address; // 0: no limit
    uint32_t udp_receive_buffer_bytes, udp_send_buffer_bytes;
    struct media_limits media_limits; // of what one publisher may send and one transport may get
    uint32_t batch_us;                // see media_config
};

// Media over TCP. AUTO: where its port is free; the start says so when it is not.
enum config_ice_tcp { CONFIG_ICE_TCP_OFF, CONFIG_ICE_TCP_ON, CONFIG_ICE_TCP_AUTO };

enum config_task {
    CONFIG_RUN,     // start the server
    CONFIG_CHECK,   // --check-config: all is well, say so
    CONFIG_HEALTH,  // --check-health: ask the server that runs with these settings
    CONFIG_VERSION, // --version
    CONFIG_HELP,    // --help
    CONFIG_REFUSED, // `error` says why
};

// Reads all sources. argv[0] is skipped; environment is NULL-terminated "NAME=value" text, as in environ.
// `error` has CONFIG_ERROR_MAX bytes and gets one line without a newline.
enum config_task config_load(struct config *config, int argc, char *const argv[], char *const environment[],
                             char *error);

// The limits of the hub that these settings mean.
void config_limits(const struct config *config, struct hub_limits *limits);

// Whether the settings agree with each other; reads turn-secret-file. False: one line in `error`. For
// config.c.
bool config_agrees(struct config *config, char *error);

// The configured number, or the number of cores this process may use, at most WORKERS_MAX.
unsigned config_worker_count(const struct config *config);
uint32_t config_ice_sockets(const struct config *config); // of all full ICE agents at most

// ---- the table of settings, for help, documents and tests

enum setting_type {
    SETTING_NUMBER,    // uint32_t, from min to max
    SETTING_PORT,      // uint16_t, from min to max
    SETTING_LISTEN,    // HOST:PORT
    SETTING_ADDRESSES, // HOST[,HOST...], `auto` among them
    SETTING_HOST,      // HOST[:PORT]; the default port is `min`
    SETTING_CHOICE,    // one of `words`, stored as its index (uint32_t)
    SETTING_PATH,
    SETTING_SECRET,   // text that no message shows
    SETTING_ICE_URLS, // URL[,URL...]
    SETTING_NETWORKS, // CIDR[,CIDR...]
    SETTING_FRAMES,   // who may show the page in a frame
    SETTING_ORIGINS,  // ORIGIN[,ORIGIN...]
    SETTING_URL,      // that begins with one of `words`
    SETTING_WEBHOOKS, // URL[,URL...]
    SETTING_ROUTE,    // a path of the HTTP server
    SETTING_WORD,     // letters, digits, - and _
    SETTING_PORTS,    // [HOST:]FROM-TO
};

struct setting {
    const char *name; // as in the flag, without the dashes
    enum setting_type type;
    size_t offset;            // of the member of struct config
    uint32_t min, max;        // NUMBER, PORT
    const char *const *words; // CHOICE: NULL-terminated
    const char *preset;       // the default as text; "" when it is found out at start
    const char *value;        // what the value is called in help ("BYTES")
    const char *help;         // one sentence
};

const struct setting *config_settings(size_t *count);
// The title of the group that begins with this setting; NULL: it is one more of the group before.
const char *setting_group(const struct setting *setting);
// Its flag alone means "yes".
bool setting_is_switch(const struct setting *setting);

// Whether it takes effect at SIGHUP, too.
bool setting_is_live(const struct setting *setting);
// Whether both have the same of it.
bool setting_equal(const struct setting *setting, const struct config *a, const struct config *b);
// While the server runs: puts the value of `from` into `to`. False: it takes effect at a start alone, as do
// those that would turn tokens or TLS on or off, and `to` stays.
bool setting_take(const struct setting *setting, struct config *to, const struct config *from);

// Sets one value from text. False when it is not allowed; config is then unchanged.
bool setting_assign(const struct setting *setting, struct config *config, const char *text);
// The same for a secret alone: 1 to TURN_SECRET_MAX - 1 bytes without control characters.
bool setting_assign_secret(char out[TURN_SECRET_MAX], const char *text);
// NUMBER and PORT: digits, and behind them a unit of what the setting counts ("8M", "30s", "1h"), in any
// case.
bool number_parse(const struct setting *setting, const char *text, uint32_t *out);
// The units of a setting, for people; "" if it has none.
const char *setting_units(const struct setting *setting);
// Says what is allowed ("a number from 1 to 64").
void setting_describe(const struct setting *setting, char *out, size_t cap);
// The name as an environment variable: "media-port" -> "ROTUNDA_MEDIA_PORT".
void setting_variable(const char *name, char *out, size_t cap);

// Writes the help text.

void config_print_help(FILE *out);

#endif
