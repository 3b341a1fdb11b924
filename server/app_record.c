// Plain RTP and recordings, as far as they need the rest of the server.
#include "server/app_internal.h"

#include <stdio.h>
#include <string.h>

enum plain_bind_result app_plain_bind(void *ctx, bool rtcp_mux, bool inside, struct plain_place *out,
                                      char *why) {
    struct app *app = ctx;
    if (inside)
        return plain_ports_bind_inside(out, why);
    if (!app->config->plain_ports.host[0]) {
        snprintf(why, HUB_PLAIN_WHY_MAX,
                 "this server accepts no plain RTP; its setting `plain-ports` is empty");
        return PLAIN_BIND_FAILED;
    }
    enum plain_bind_result result =
        plain_ports_bind(&app->config->plain_ports, &app->plain_next, rtcp_mux, out, why);
    // Bound to every address: the other side sends to one that clients are told, too.
    bool any = strcmp(out->ip, "0.0.0.0") == 0 || strcmp(out->ip, "::") == 0;
    for (unsigned i = 0; any && i < app->announce.count; i++)
        if ((strchr(app->announce.list[i].text, ':') != NULL) == (out->family == 6)) {
            snprintf(out->ip, sizeof out->ip, "%s", app->announce.list[i].text);
            break;
        }
    return result;
}

bool app_record(void *ctx, const struct room *room, bool begin, struct hub_refusal *refusal) {
    struct app *app = ctx;
    struct recording_view view;
    return begin ? recordings_start(app->recordings, room->name, "", "", &view, refusal)
                 : recordings_stop(app->recordings, room->name, "", &view, refusal);
}

static void on_recording_changed(void *ctx, const struct recording_view *recording) {
    struct app *app = ctx;
    webhooks_egress(app->webhooks, recording->ended_wall_s ? "egress_ended" : "egress_started", recording->in,
                    recording_describe(recording));
}

bool app_start_recordings(struct app *app, char *error) {
    const struct recordings_config config = {.folder = app->config->record_dir,
                                             .program = app->config->recorder,
                                             .together = app->config->record_layout == 1};
    const struct recordings_hooks hooks = {.ctx = app, .changed = on_recording_changed};
    app->recordings = recordings_create(app->hub, control_loop_uv(app->loop), &config, &hooks);
    if (!app->recordings)
        snprintf(error, APP_ERROR_MAX, "out of memory");
    return app->recordings != NULL;
}
