// The `iceServers` of an answer: STUN URLs as they are, TURN URLs with credentials made for this participant.
// Relaying costs somebody's bandwidth, so credentials are for those who have a transport, and for a limited
// time.
#include "base/clock.h"
#include "server/signal/signal.h"

#include <string.h>

// Of the URLs of one kind; NULL: no memory.
static json_t *list_urls(const struct ice_servers *servers, bool turn) {
    json_t *urls = json_array();
    size_t wanted = 0;
    for (unsigned i = 0; i < servers->url_count; i++) {
        if (servers->urls[i].turn == turn) {
            wanted++;
            json_array_append_new(urls, json_string(servers->urls[i].text));
        }
    }
    if (urls && json_array_size(urls) == wanted)
        return urls;
    json_decref(urls);
    return NULL;
}

static json_t *describe_turn(const struct hub *hub, const struct participant *me, json_t *urls) {
    const struct ice_servers *servers = &hub_config(hub)->ice_servers;
    struct turn_credential credential;
    uint64_t expires_at = hub_wall_us(hub) / US_PER_SECOND + servers->turn_ttl_seconds;
    turn_credential_make(servers->turn_secret, expires_at, me->id.text, &credential);
    json_t *turn = json_pack("{s:O, s:s, s:s}", "urls", urls, "username", credential.username, "credential",
                             credential.password);
    explicit_bzero(&credential, sizeof credential);
    return turn;
}

// Appends a server with these URLs, if there are any; takes them over.
static bool append_server(json_t *list, const struct hub *hub, const struct participant *me, json_t *urls,
                          bool turn) {
    bool fine = urls != NULL;
    if (fine && json_array_size(urls) > 0) {
        json_t *server = turn ? describe_turn(hub, me, urls) : json_pack("{s:O}", "urls", urls);
        fine = json_array_append_new(list, server) == 0;
    }
    json_decref(urls);
    return fine;
}

json_t *signal_ice_servers(const struct hub *hub, const struct participant *me) {
    const struct ice_servers *servers = &hub_config(hub)->ice_servers;
    json_t *list = json_array();
    if (list && append_server(list, hub, me, list_urls(servers, false), false) &&
        (me->transport_count == 0 || append_server(list, hub, me, list_urls(servers, true), true)))
        return list;
    json_decref(list);
    return NULL;
}
