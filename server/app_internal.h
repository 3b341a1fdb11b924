// app_internal: the parts of the server that runs, for server/app*.c alone.
//
// app.c starts and ends them and carries messages between hub and workers; app_clients.c carries those
// between clients and signalling, app_http.c answers operators, app_due.c has what is due, app_reload.c reads
// settings again, app_stop.c lets people finish, app_tcp.c has media over TCP, app_vigil.c looks after
// threads. Control thread.
#ifndef SERVER_APP_INTERNAL_H
#define SERVER_APP_INTERNAL_H

#include "base/clock.h"
#include "base/patience.h"
#include "server/announcing.h"
#include "server/admin/admin.h"
#include "server/announced.h"
#include "server/app.h"
#include "server/control_loop.h"
#include "server/descriptors.h"
#include "server/dialect_routes.h"
#include "server/gate.h"
#include "server/media/media.h"
#include "server/plain_ports.h"
#include "server/recordings.h"
#include "server/signal/signalling.h"
#include "server/tcp_door.h"
#include "server/vigil.h"
#include "server/web/address_limits.h"
#include "server/web/tls_identity.h"
#include "server/web/ws_server.h"
#include "server/webhook/webhook.h"
#include "server/whip_routes.h"

#define APP_ERROR_MAX 1024
#define ADDRESSES_SPARE 65536           // addresses that are remembered beside those of connections
#define STOP_US_MAX (1 * US_PER_SECOND) // for clients to take their goodbye, of the 2 s that a stop may last

// What agents log in with at TURN servers, as it was at the start: their thread reads it.
struct app_ice_login {
    char secret[TURN_SECRET_MAX]; // "": the others
    char user[ICE_LOGIN_MAX], password[ICE_LOGIN_MAX];
};

struct app {
    const struct config *config;     // what holds now: app_reload changes what can be changed
    struct config *settings;         // the same, for app_reload
    const struct app_source *source; // where the settings came from; NULL: they are not read again
    struct announce announce;
    struct announce_watch *watch;  // NULL: no names are announced
    struct tls_identity *identity; // until the server has it
    struct tls_facts certificate;
    unsigned workers;
    uint64_t started_us;
    uint64_t drain_by_us; // people may finish until then; TIME_NEVER until a signal comes
    uint64_t stop_by_us;  // TIME_NEVER until they have, or until then
    bool end_asked;       // by a signal
    struct patience patience;

    struct descriptor_shares shares;
    struct app_ice_login ice_login;
    uint16_t plain_next; // where the next search for a port of plain RTP begins

    struct control_loop *loop;
    struct media *media;
    struct hub *hub;
    struct recordings *recordings;
    struct signalling *signalling;
    struct whip_host whip_host;
    struct whip *whip;
    struct dialect_host dialects;
    struct gate *gate;
    struct address_limits *limits;
    struct ws_server *ws;
    struct http_route *routes; // of ws
    size_t route_count;
    struct tcp_door *tcp_door;     // NULL: no media over TCP
    bool tcp_on_media_port;        // and not at TLS' port alone
    struct announcing *announcing; // NULL: what is announced stays
    struct vigil *vigil;
    struct webhooks *webhooks; // NULL: nobody is told
};

// ---- app_clients.c

struct signal_io app_signal_io(struct app *app);
struct ws_handlers app_ws_handlers(struct app *app); // with the routes, which are there
void app_client_gone(void *app);                     // the last one that was told goodbye lets the server end

// ---- app_http.c

// All rows, from malloc: those of the dialects too. NULL: no memory. Where operators have a port of their own
// the public one has fewer.
struct http_route *app_routes(const struct app *app, size_t *count);
// Where clients are programs, which read refusals in forms of their own.
#define APP_FORMS 4
extern const struct http_form_row app_forms[APP_FORMS];

// ---- app_record.c

// For struct hub_io.
enum plain_bind_result app_plain_bind(void *ctx, bool rtcp_mux, bool inside, struct plain_place *out,
                                      char *why);
bool app_record(void *ctx, const struct room *room, bool begin, struct hub_refusal *refusal);
bool app_start_recordings(struct app *app, char *error);

// ---- app_tcp.c

// Media over TCP, when ws and hub are there. Where it is the preset a port that is taken is a warning.
bool app_start_tcp(struct app *app, char *error, size_t error_cap);
// TLS' port has found that a connection is for media.
void app_media_connection(void *app, int fd, const struct net_address *client);

// ---- app_ice.c

struct ice_pool_config;
// What full ICE agents are to know, into *out, and where they may be; false: there are none.
bool app_ice_settings(struct app *app, struct ice_pool_config *out);
void app_ice_hub(const struct config *config, struct hub_ice *out);
void app_ice_announce(const struct app *app); // the addresses have changed
void app_ice_event(void *app, const struct ice_event *event);

// ---- app_reload.c

void app_address_limits(const struct config *config, struct address_limits_config *out);
// Everything that can be read again; what cannot is named in the log.
void app_reload(struct app *app);

// ---- app_due.c: for control_handlers, with the app as their ctx

uint64_t app_next_us(void *app);
void app_late(void *app, uint64_t fires_us, uint64_t now_us);
void app_due(void *app, uint64_t now_us);

// ---- app_vigil.c

bool app_start_vigil(struct app *app, char *error); // app->media runs
// How many threads have not turned for seconds in which the process ran.
unsigned app_stuck(const struct app *app, uint64_t now_us);

// ---- app_stop.c

// From now on nobody joins anew; those who are there hear until when they may stay, and where to go. The loop
// sees to the rest.
void app_drain(struct app *app, uint64_t wait_us, const char *url, uint64_t now_us);
// Once it is under way: only sooner, or elsewhere. wait_s -1: as it is; url NULL: likewise. False: neither.
bool app_drain_again(struct app *app, int64_t wait_s, const char *url, uint64_t now_us);
// Nobody is there any more, or they have had their time.
bool app_drained(const struct app *app, uint64_t now_us);
void app_stop_begin(struct app *app, uint64_t now_us); // everyone gets a goodbye
// By a signal. The first one asks people to finish, if they have not been asked; the next tells clients
// goodbye without waiting for people, one more ends without waiting for clients.
void app_end_asked(struct app *app, uint64_t now_us);

// ---- app.c

// Newcomers are told the addresses of app->announce; with `outside` those who are there get credentials to go
// there with.
void app_announce(void *app, bool outside);

#endif
