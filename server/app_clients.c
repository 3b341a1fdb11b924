// Between the clients' connections and the signalling, both ways.
#include "base/clock.h"
#include "base/log_pace.h"
#include "server/app_internal.h"

// What a wrong password counts as: 30 a minute of an address are tried, by default.
#define FAILURES_A_GUESS 10

// ---- signalling -> clients

static void on_send(void *ctx, uint32_t client, const char *text, size_t len, enum signal_haste haste) {
    struct app *app = ctx;
    switch (haste) {
    case SIGNAL_NOW:
        ws_server_send(app->ws, client, text, len);
        break;
    case SIGNAL_SOON:
        ws_server_send_soon(app->ws, client, text, len);
        break;
    case SIGNAL_OWED:
        ws_server_send_owed(app->ws, client, text, len);
        break;
    }
}

static size_t on_waiting(void *ctx) {
    struct app *app = ctx;
    return app->ws ? ws_server_backlog_bytes(app->ws) : 0;
}

static void on_close(void *ctx, uint32_t client, uint16_t code, const char *reason) {
    struct app *app = ctx;
    ws_server_close(app->ws, client, code, reason);
}

// False: a proxy that does not say for whom it speaks.
static bool client_address(struct app *app, uint32_t client, struct net_address *address) {
    return ws_server_client_address(app->ws, client, address) &&
           !networks_have(&app->config->trusted, address);
}

static unsigned on_admit(void *ctx, uint32_t client, enum hub_step step) {
    struct app *app = ctx;
    struct net_address address;
    return client_address(app, client, &address) ? whip_host_admit(&app->whip_host, &address, step) : 0;
}

static bool on_verify(void *ctx, const char *token, struct grants *out, char *why) {
    struct app *app = ctx;
    return gate_verify(app->gate, token, out, why);
}

static bool on_password(void *ctx, const char *room, const char *name, bool *moderator) {
    struct app *app = ctx;
    return gate_password(app->gate, room, name, moderator) != NULL;
}

static bool on_check_password(void *ctx, uint32_t client, uint32_t ticket, const char *room, const char *name,
                              const char *password) {
    struct app *app = ctx;
    struct password_question question = {.client = client, .ticket = ticket};
    return ws_server_client_address(app->ws, client, &question.address) &&
           gate_ask_password(app->gate, &question, room, name, password);
}

static bool on_network(void *ctx, uint32_t client, char out[NETWORK_BYTES_MAX]) {
    struct app *app = ctx;
    struct net_address address;
    if (!client_address(app, client, &address))
        return false;
    net_address_network(&address, out);
    return true;
}

static void on_note(void *ctx, uint32_t client, enum signal_note note) {
    struct app *app = ctx;
    struct net_address address;
    unsigned failures = note == SIGNAL_GUESSED ? FAILURES_A_GUESS : note == SIGNAL_JOIN_FAILED ? 1 : 0;
    if (note == SIGNAL_JOINED || note == SIGNAL_LEFT)
        ws_server_client_joined(app->ws, client, note == SIGNAL_JOINED);
    if (failures == 0 || !ws_server_client_address(app->ws, client, &address))
        return;
    while (failures-- > 0)
        address_limits_join_failed(app->limits, &address, clock_now_us());
}

// ---- clients -> signalling

static void on_opened(void *ctx, uint32_t client) {
    struct app *app = ctx;
    struct net_address address;
    char from[IP_TEXT_MAX] = "";
    if (log_enabled(LOG_LEVEL_INFO) && ws_server_client_address(app->ws, client, &address))
        net_address_print(&address, from);
    LOG_STRANGER(LOG_LEVEL_INFO, "client connected", LOG_NUMBER("client", client), LOG_TEXT("address", from));
    signalling_client_opened(app->signalling, client, clock_now_us());
}

static void on_message(void *ctx, uint32_t client, const char *text, size_t len) {
    struct app *app = ctx;
    if (dialect_host_wants(&app->dialects, text, len)) {
        signalling_client_closed(app->signalling, client, clock_now_us());
        dialect_host_take(&app->dialects, client, text, len);
        return;
    }
    signalling_client_message(app->signalling, client, text, len, clock_now_us());
}

static void on_bad_frame(void *ctx, uint32_t client, enum ws_bad_frame what) {
    struct app *app = ctx;
    signalling_client_bad_frame(app->signalling, client,
                                what == WS_FRAME_BINARY ? SIGNAL_FRAME_BINARY : SIGNAL_FRAME_TOO_BIG,
                                clock_now_us());
}

// The last client that was told goodbye lets the server end.
void app_client_gone(void *ctx) {
    struct app *app = ctx;
    if (app->stop_by_us != TIME_NEVER && ws_server_client_count(app->ws) == 0)
        control_loop_stop(app->loop);
}

static void on_closed(void *ctx, uint32_t client, uint64_t heard_us) {
    struct app *app = ctx;
    signalling_client_lost(app->signalling, client, heard_us, clock_now_us());
    app_client_gone(app);
}

static void on_stream_closed(void *ctx, uint32_t stream) {
    struct app *app = ctx;
    whip_stream_closed(app->whip, stream);
}

static void on_late_closed(void *ctx, uint32_t late) {
    struct app *app = ctx;
    dialect_host_late_closed(&app->dialects, late);
}

// ---- as the two see it

struct signal_io app_signal_io(struct app *app) {
    struct signal_io io = {.ctx = app,
                           .send = on_send,
                           .close = on_close,
                           .admit = on_admit,
                           .password = on_password,
                           .check_password = on_check_password,
                           .network = on_network,
                           .note = on_note,
                           .waiting = on_waiting};
    if (gate_needs_tokens(app->gate))
        io.verify = on_verify;
    return io;
}

struct ws_handlers app_ws_handlers(struct app *app) {
    return (struct ws_handlers){.ctx = app,
                                .opened = on_opened,
                                .message = on_message,
                                .bad_frame = on_bad_frame,
                                .closed = on_closed,
                                .stream_closed = on_stream_closed,
                                .late_closed = on_late_closed,
                                .routes = app->routes,
                                .route_count = app->route_count,
                                .forms = app_forms,
                                .form_count = APP_FORMS,
                                .talks = app->dialects.talks,
                                .talk_count = app->dialects.talk_count};
}
