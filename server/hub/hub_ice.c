// Transports with a full ICE agent: what their owners tell of themselves, and what the agent has found.
#include "base/addr_public.h"
#include "base/clock.h"
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <arpa/inet.h>
#include <string.h>

#define UFRAG_MIN 4 // RFC 8839, section 5.4
#define PWD_MIN 22
#define RESTART_US (2 * US_PER_SECOND) // one in so long; a few may come at once
#define RESTARTS_BURST_US (10 * US_PER_SECOND)
#define AGENTS_EACH_MAX 4              // of one participant: two, and two more while it changes its network
#define OPENING_US (2 * US_PER_SECOND) // one in so long; a few may come at once
#define OPENINGS_BURST_US (16 * US_PER_SECOND)

// ---- where checks may go

// Its way there leads over loopback, or through what forwards to it: past the filters that others meet.
static bool is_ours(const struct hub *hub, const struct addr *address) {
    char ip[ADDR_TEXT_MAX];
    addr_print_ip(address, ip);
    for (unsigned i = 0; i < hub->config.announce_count; i++)
        if (strcmp(hub->config.announce[i], ip) == 0)
            return true;
    return false;
}

// A check is a packet to an address that a client names, so it must not reach what only the server can:
// other machines of its network, its own services, the cloud's metadata.
static bool may_check(const struct hub *hub, const struct addr *address) {
    struct net_address net;
    struct sockaddr_storage sa;
    if (addr_is_public(address) && !is_ours(hub, address))
        return true;
    (void)addr_to_sockaddr(address, &sa);
    return net_address_of((struct sockaddr *)&sa, &net) && networks_have(&hub->config.ice.peers, &net);
}

// ---- what the owner tells

static bool is_ice_text(struct span text, size_t least) {
    if (text.len < least || text.len > ICE_REMOTE_TEXT_MAX)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool fits = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
                    c == '/';
        // Not in RFC 8839, but some write them.
        if (!fits && c != '-' && c != '_' && c != '=')
            return false;
    }
    return true;
}

static bool credentials_fit(const struct hub_ice_told *told, struct hub_refusal *refusal) {
    if (!told->ufrag.ptr && !told->pwd.ptr)
        return true;
    return (is_ice_text(told->ufrag, UFRAG_MIN) && is_ice_text(told->pwd, PWD_MIN)) ||
           hub_refuse(refusal, HUB_BAD_REQUEST,
                      "iceParameters are a usernameFragment of 4 to 256 and a password of 22 to 256 letters, "
                      "digits, + and /, as the local description has them");
}

static bool refuse_line(unsigned i, const char *why, struct hub_refusal *refusal) {
    return hub_refuse(refusal, HUB_BAD_REQUEST, "candidate %u is not to be read: %s", i + 1, why);
}

// Good ones into `list`. False and a refusal: one of them is none.
static bool read_lines(struct hub *hub, const struct hub_ice_told *told, struct ice_candidate *list,
                       struct hub_ice_taken *out, struct hub_refusal *refusal) {
    for (unsigned i = 0; i < told->count; i++) {
        const char *why = NULL;
        struct ice_candidate *c = &list[out->taken];
        enum ice_candidate_line line = ice_candidate_read(told->candidates[i], c, &why);
        if (line == ICE_LINE_BAD)
            return refuse_line(i, why, refusal);
        bool kept = line == ICE_LINE_UDP && !may_check(hub, &c->address);
        hub->counts.ice_candidates_kept += kept;
        if (line == ICE_LINE_UDP && !kept)
            out->taken++;
        else
            out->ignored += line != ICE_LINE_END;
    }
    return true;
}

static bool post_credentials(struct hub *hub, struct room_transport *transport,
                             const struct hub_ice_told *told) {
    struct media_cmd cmd = {.type = MEDIA_ICE_REMOTE, .transport = transport->id};
    memcpy(cmd.ice_remote.ufrag, told->ufrag.ptr, told->ufrag.len);
    memcpy(cmd.ice_remote.pwd, told->pwd.ptr, told->pwd.len);
    bool ok = command_post_try(&hub->post, transport->owner->worker, &cmd);
    explicit_bzero(&cmd, sizeof cmd);
    return ok;
}

// The first of what is told is refused where too many commands wait; what goes with it is not: a peer that is
// ICE-lite sends no checks from which its agent could learn what was lost.
static bool post_candidate(struct hub *hub, const struct room_transport *transport,
                           const struct ice_candidate *candidate, bool first) {
    struct media_cmd cmd = {.type = MEDIA_ICE_CANDIDATE, .transport = transport->id};
    cmd.ice_candidate = *candidate;
    if (first)
        return command_post_try(&hub->post, transport->owner->worker, &cmd);
    command_post_surely(&hub->post, transport->owner->worker, &cmd);
    return true;
}

static bool is_full(const struct room_transport *transport, const struct hub_ice_told *told,
                    struct hub_refusal *refusal) {
    const struct room_ice *full = transport->full;
    if (!full)
        return hub_refuse(refusal, HUB_WRONG_STATE,
                          "this transport is ICE-lite: the server learns your addresses from your checks");
    if (!full->remote && !told->ufrag.ptr)
        return hub_refuse(refusal, HUB_WRONG_STATE,
                          "tell iceParameters with the first candidates, and again after restart-ice");
    if (full->remote && told->ufrag.ptr)
        return hub_refuse(refusal, HUB_WRONG_STATE,
                          "iceParameters are known; to change them use restart-ice first");
    if (told->count + full->told > HUB_ICE_LINES_MAX)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "a transport may tell %d candidates from one restart-ice to the next",
                          HUB_ICE_LINES_MAX);
    return true;
}

bool hub_can_tell_ice(const struct hub_ice_told *told, struct hub_refusal *refusal) {
    struct ice_candidate ignored;
    const char *why = NULL;
    if (told->count > HUB_ICE_LINES_MAX)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "a transport may tell %d candidates from one restart-ice to the next",
                          HUB_ICE_LINES_MAX);
    for (unsigned i = 0; i < told->count; i++)
        if (ice_candidate_read(told->candidates[i], &ignored, &why) == ICE_LINE_BAD)
            return refuse_line(i, why, refusal);
    return credentials_fit(told, refusal);
}

bool hub_tell_ice(struct hub *hub, struct participant *me, const char *transport_id,
                  const struct hub_ice_told *told, struct hub_ice_taken *out, struct hub_refusal *refusal) {
    struct ice_candidate list[HUB_ICE_LINES_MAX];
    *out = (struct hub_ice_taken){0};
    struct room_transport *transport = hub_own_transport(hub, me, transport_id, refusal);
    if (!transport || !is_full(transport, told, refusal) || !credentials_fit(told, refusal) ||
        !read_lines(hub, told, list, out, refusal))
        return false;
    if (told->ufrag.ptr && !post_credentials(hub, transport, told))
        return hub_refuse_busy(refusal);
    for (unsigned i = 0; i < out->taken; i++)
        if (!post_candidate(hub, transport, &list[i], i == 0 && !told->ufrag.ptr))
            return hub_refuse_busy(refusal);
    transport->full->remote = true;
    transport->full->told = (uint16_t)(transport->full->told + told->count);
    return true;
}

// ---- how many, how often

// Of one participant: by number and by time.
static bool may_have_another(struct hub *hub, struct participant *me, struct hub_refusal *refusal) {
    if (me->agent_count >= AGENTS_EACH_MAX)
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "a participant may have %d transports with full ICE; close one first",
                          AGENTS_EACH_MAX);
    if (me->agents_due_us < hub->now_us)
        me->agents_due_us = hub->now_us;
    if (me->agents_due_us + OPENING_US > hub->now_us + OPENINGS_BURST_US)
        return hub_refuse(refusal, HUB_RATE_LIMITED,
                          "you have opened too many transports with full ICE lately; try again in %d s",
                          (int)(OPENING_US / US_PER_SECOND));
    return true;
}

// Of its room, and of all rooms those of its network.
static void count_others(const struct hub *hub, const struct participant *me, uint32_t *room,
                         uint32_t *network) {
    *room = *network = 0;
    LIST_EACH(node, &hub->full) {
        const struct room_ice *full = LIST_ENTRY(node, struct room_ice, link);
        *room += full->transport->owner->room == me->room;
        *network += me->network[0] && strcmp(full->network, me->network) == 0;
    }
}

// Each makes sockets, asks STUN and TURN servers, and may check addresses that its owner names.
bool hub_ice_may_open(struct hub *hub, struct participant *me, struct hub_refusal *refusal) {
    const struct hub_ice *most = &hub->config.ice;
    uint32_t of_room, of_network;
    if (!may_have_another(hub, me, refusal)) {
        hub->counts.ice_refused_own++;
        return false;
    }
    if (hub->full_transports >= most->agents_max) {
        hub->counts.ice_refused_full++;
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "this server has all the full ICE agents that it may have (ice-agents-max); "
                          "try again later");
    }
    count_others(hub, me, &of_room, &of_network);
    if (most->agents_per_room && of_room >= most->agents_per_room) {
        hub->counts.ice_refused_room++;
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "this room has all the full ICE agents that one room may have "
                          "(ice-agents-per-room, %u); try again later",
                          most->agents_per_room);
    }
    if (most->agents_per_address && of_network >= most->agents_per_address) {
        hub->counts.ice_refused_address++;
        return hub_refuse(refusal, HUB_LIMIT_REACHED,
                          "people from your network have all the full ICE agents that one network may "
                          "have (ice-agents-per-address, %u); try again later",
                          most->agents_per_address);
    }
    me->agents_due_us += OPENING_US;
    return true;
}

bool hub_ice_may_restart(const struct hub *hub, struct room_transport *transport,
                         struct hub_refusal *refusal) {
    struct room_ice *full = transport->full;
    if (!full)
        return true;
    if (full->restarts_due_us < hub->now_us)
        full->restarts_due_us = hub->now_us;
    if (full->restarts_due_us + RESTART_US > hub->now_us + RESTARTS_BURST_US)
        return hub_refuse(refusal, HUB_RATE_LIMITED, "ICE of this transport was restarted too often lately");
    full->restarts_due_us += RESTART_US;
    return true;
}

void hub_ice_restarted(struct room_transport *transport) {
    if (!transport->full)
        return;
    transport->full->remote = false;
    transport->full->told = 0;
}

// ---- what the agent has found

void hub_ice_event(struct hub *hub, const struct ice_event *event, uint64_t now_us) {
    hub->now_us = now_us;
    struct room_transport *transport = registry_transport(&hub->registry, event->transport);
    struct room_ice *full = transport ? transport->full : NULL;
    if (!full)
        return;
    unsigned first = full->count;
    switch (event->type) {
    case ICE_EVENT_CANDIDATE:
        if (full->count == ROOM_ICE_CANDIDATES_MAX)
            return;
        full->candidates[full->count++] = event->candidate;
        break;
    case ICE_EVENT_GATHERED:
        full->gathered = true;
        break;
    case ICE_EVENT_FAILED:
        full->gathered = true;
        HUB_LOG(transport->owner, LOG_LEVEL_WARN, "no ICE agent for a transport",
                LOG_TEXT("room", transport->owner->room->name), LOG_TEXT("user", transport->owner->name),
                LOG_TEXT("transport", transport->public_id.text));
        break;
    }
    hub->events.ice_candidates(hub->events.ctx, transport, first);
}
