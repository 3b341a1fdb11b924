#include "server/hub/hub_plain.h"

#include "base/entropy.h"
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

unsigned hub_plain_key_bytes(enum srtp_profile profile) {
    switch (profile) {
    case SRTP_PROFILE_AEAD_AES_128_GCM:
        return 16 + 12;
    case SRTP_PROFILE_AEAD_AES_256_GCM:
        return 32 + 12;
    case SRTP_PROFILE_AES_CM_128_HMAC_SHA1_80:
        return 16 + 14;
    case SRTP_PROFILE_NONE:
        break;
    }
    return 0;
}

// ---- where the other side is

static bool is_sendable(const struct addr *a) {
    static const uint8_t zeros[16];
    bool any = memcmp(a->ip, zeros, sizeof zeros) == 0;
    bool many = a->family == 4 ? a->ip[0] >= 224 : a->ip[0] == 0xff; // multicast, broadcast, reserved
    return !any && !many;
}

static bool read_remote(const struct hub_plain *ask, struct plain_params *out, struct hub_refusal *refusal) {
    out->comedia = ask->comedia;
    if (ask->comedia) {
        if (ask->ip[0] || ask->port || ask->rtcp_port)
            return hub_refuse(refusal, HUB_BAD_REQUEST,
                              "with `comedia` the other side is where its first packet comes from; leave out "
                              "`ip`, `port` and `rtcpPort`");
        if (!ask->from_client && ask->keys.profile == SRTP_PROFILE_NONE)
            return hub_refuse(refusal, HUB_BAD_REQUEST,
                              "nothing is sent to an address that nobody vouches for: one that receives "
                              "needs `ip` and `port`, or `srtpParameters` beside `comedia`");
        return true;
    }
    if (ask->port == 0 || addr_parse(ask->ip, ask->port, &out->remote) != ERR_OK ||
        !is_sendable(&out->remote))
        return hub_refuse(refusal, HUB_BAD_REQUEST,
                          "`ip` and `port` say where the other side is: an address of one host and a port "
                          "from 1 to 65535; or say `comedia`");
    if (!ask->rtcp_mux) {
        out->remote_rtcp = out->remote;
        out->remote_rtcp.port = ask->rtcp_port ? ask->rtcp_port : (uint16_t)(ask->port + 1);
        if (out->remote_rtcp.port == 0)
            return hub_refuse(refusal, HUB_BAD_REQUEST, "`rtcpPort` is needed behind port 65535");
    } else if (ask->rtcp_port) {
        return hub_refuse(refusal, HUB_BAD_REQUEST, "with `rtcpMux` there is no `rtcpPort`; leave it out");
    }
    return true;
}

// ---- sockets

static void place_close(struct plain_place *place) {
    close(place->rtp_fd);
    if (place->rtcp_fd >= 0)
        close(place->rtcp_fd);
}

static bool place_open(const struct hub *hub, struct hub_plain *ask, const struct plain_params *params,
                       struct hub_refusal *refusal) {
    char why[HUB_PLAIN_WHY_MAX] = "";
    if (!hub->io.plain_bind)
        return hub_refuse(refusal, HUB_UNSUPPORTED,
                          "this server accepts no plain RTP; its setting `plain-ports` is empty");
    enum plain_bind_result result =
        hub->io.plain_bind(hub->io.ctx, ask->rtcp_mux, ask->inside, &ask->place, why);
    if (result != PLAIN_BOUND)
        return hub_refuse(refusal, result == PLAIN_BIND_NONE_LEFT ? HUB_LIMIT_REACHED : HUB_UNSUPPORTED, "%s",
                          why);
    if (params->comedia || ask->place.family == params->remote.family)
        return true;
    place_close(&ask->place);
    return hub_refuse(refusal, HUB_BAD_REQUEST,
                      "`ip` is no IPv%u address, and plain RTP is bound to one here (setting `plain-listen`)",
                      ask->place.family);
}

// ---- the participant

static struct participant *make_participant(struct hub *hub, const char *room, const struct hub_plain *ask,
                                            struct hub_refusal *refusal) {
    struct relay_budget spent = {0};
    struct grants grants = {.hidden = ask->hidden,
                            .rights = ask->from_client ? RIGHTS_PUBLISH : (unsigned)RIGHT_SUBSCRIBE};
    if (strlen(ask->identity) > GRANT_IDENTITY_MAX || strlen(ask->metadata) > GRANT_METADATA_MAX ||
        strlen(room) > GRANT_ROOM_MAX || strlen(ask->name) > GRANT_NAME_MAX) {
        hub_refuse(refusal, HUB_BAD_REQUEST, "`name` and `identity` may have %d bytes, `metadata` %d",
                   GRANT_NAME_MAX, GRANT_METADATA_MAX);
        return NULL;
    }
    snprintf(grants.identity, sizeof grants.identity, "%s", ask->identity);
    snprintf(grants.metadata, sizeof grants.metadata, "%s", ask->metadata);
    snprintf(grants.room, sizeof grants.room, "%s", room);
    snprintf(grants.name, sizeof grants.name, "%s", ask->name);
    struct hub_join join = {.room = room,
                            .username = ask->name,
                            .grants = &grants,
                            .connection = 1, // it has none; nobody asks for the number
                            .observer = ask->inside ? HUB_OBSERVER_RECORDER : HUB_OBSERVER_PLAIN,
                            .spent = &spent,
                            .cannot_wait = true,
                            .by_operator = true,
                            .last_n = CHOICE_ALL,
                            .loudest_n = CHOICE_ALL};
    struct participant *me = hub_join(hub, &join, refusal);
    if (me) {
        me->last_n = CHOICE_ALL;
        hub_set_loudest_n(hub, me, CHOICE_ALL);
    }
    return me;
}

static struct room_transport *open_transport(struct hub *hub, struct participant *me, struct hub_plain *ask,
                                             const struct plain_params *params, struct hub_refusal *refusal) {
    struct room_transport *transport = registry_open_transport(&hub->registry, me, ask->from_client);
    if (!transport) {
        hub_refuse_memory(refusal);
        return NULL;
    }
    transport->ssrc_start = entropy_u32();
    transport->connected = transport->plain = true;
    transport->plain_to = params->remote;
    transport->plain_rtcp_port = params->remote_rtcp.port;
    transport->plain_srtp = params->keys.profile != SRTP_PROFILE_NONE;
    struct media_cmd cmd = {.type = MEDIA_OPEN_PLAIN, .transport = transport->id};
    cmd.plain.params = *params;
    cmd.plain.room = me->room->id;
    bool posted = command_post_try(&hub->post, me->worker, &cmd);
    explicit_bzero(&cmd, sizeof cmd);
    if (!posted) {
        registry_close_transport(&hub->registry, transport);
        hub_refuse_busy(refusal);
        return NULL;
    }
    hub_stage_transport(hub, transport);
    return transport;
}

struct room_transport *hub_open_plain(struct hub *hub, const char *room, struct hub_plain *ask,
                                      struct hub_refusal *refusal) {
    struct plain_params params = {.rtp_fd = -1, .rtcp_fd = -1};
    struct room_transport *transport = NULL;
    if (ask->hidden && ask->from_client) {
        hub_refuse(refusal, HUB_BAD_REQUEST, "somebody hidden sends nothing; leave out `hidden`");
        return NULL;
    }
    if (!read_remote(ask, &params, refusal) || !place_open(hub, ask, &params, refusal))
        return NULL;
    ask->keys.len = (uint8_t)hub_plain_key_bytes(ask->keys.profile);
    entropy_fill(ask->keys.local, ask->keys.len);
    params.keys = ask->keys;
    params.rtp_fd = ask->place.rtp_fd;
    params.rtcp_fd = ask->place.rtcp_fd;
    struct participant *me = make_participant(hub, room, ask, refusal);
    if (me)
        transport = open_transport(hub, me, ask, &params, refusal);
    explicit_bzero(&params, sizeof params);
    if (!transport) {
        place_close(&ask->place);
        if (me)
            hub_leave(hub, me, "left");
        return NULL;
    }
    LOG_INFO("plain transport opened", LOG_TEXT("room", me->room->name), LOG_TEXT("user", me->name),
             LOG_TEXT("transport", transport->public_id.text), LOG_NUMBER("port", ask->place.rtp_port),
             LOG_TEXT("to", ask->comedia ? "comedia" : ask->ip),
             LOG_TEXT("srtp", ask->keys.profile == SRTP_PROFILE_NONE ? "no" : "yes"));
    return transport;
}

struct room_transport *hub_find_plain(struct hub *hub, const char *room, const char *transport_id,
                                      struct hub_refusal *refusal) {
    char plain[ROOM_NAME_BYTES_MAX + 1];
    if (!hub_read_name("room", room, ROOM_NAME_CHARS_MAX, plain, refusal))
        return NULL;
    struct room_transport *transport = registry_find_transport(&hub->registry, transport_id);
    if (transport && transport->plain && strcmp(transport->owner->room->name, plain) == 0)
        return transport;
    hub_refuse(refusal, HUB_NOT_FOUND, "there is no plain transport of that id in that room");
    return NULL;
}

void hub_close_plain(struct hub *hub, struct room_transport *transport) {
    hub_leave(hub, transport->owner, "left");
}

// ---- what a program takes

// Programs get each frame once: redundant audio comes to them as plain opus.
static bool is_repair(const json_t *codec) {
    const char *type = json_string_value(json_object_get(codec, "mimeType"));
    return !type || strcasecmp(type, "audio/rtx") == 0 || strcasecmp(type, "video/rtx") == 0 ||
           strcasecmp(type, "audio/red") == 0;
}

json_t *hub_plain_capabilities(const struct hub *hub) {
    const json_t *from = json_object_get(hub->router_capabilities, "codecs");
    json_t *codecs = json_array();
    for (size_t i = 0; i < json_array_size(from); i++) {
        const json_t *codec = json_array_get(from, i);
        if (is_repair(codec))
            continue;
        json_t *copy = json_deep_copy(codec);
        bool video = strncasecmp(json_string_value(json_object_get(codec, "mimeType")), "video/", 6) == 0;
        json_t *feedback = video ? json_pack("[{s:s, s:s}, {s:s, s:s}]", "type", "nack", "parameter", "pli",
                                             "type", "ccm", "parameter", "fir")
                                 : json_array();
        if (!copy || json_object_set_new(copy, "rtcpFeedback", feedback) != 0 ||
            json_array_append_new(codecs, copy) != 0) {
            json_decref(codecs);
            return NULL;
        }
    }
    return json_pack("{s:o, s:[]}", "codecs", codecs, "headerExtensions");
}
