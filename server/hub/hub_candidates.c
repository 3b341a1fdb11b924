// The addresses that a transport's owner is told.
#include "server/hub/hub_internal.h"

#include <assert.h>
#include <string.h>

// RFC 8445, section 5.1.2.1: priority = 2^24 type + 2^8 local + (256 - component); RTP has component 1.
// Earlier addresses are preferred, and all of UDP to all of TCP: a host candidate's type preference is 126,
// that of one over TCP what browsers give theirs (RFC 6544, section 4.2, leaves the value open), whose local
// preference begins with the direction, 4 for passive.
#define TYPE_HOST UINT32_C(126)
#define TYPE_HOST_TCP UINT32_C(90)
#define LOCAL_MAX UINT32_C(65535)
#define LOCAL_TCP_MAX ((UINT32_C(4) << 13) + 8191)

static void add(struct hub_candidate *list, unsigned *count, const char *ip, uint16_t port, bool tcp) {
    uint32_t type = tcp ? TYPE_HOST_TCP : TYPE_HOST, local = tcp ? LOCAL_TCP_MAX : LOCAL_MAX;
    assert(*count < HUB_CANDIDATES_MAX);
    list[*count] = (struct hub_candidate){
        .ip = ip, .port = port, .tcp = tcp, .priority = (type << 24) + ((local - *count) << 8) + 255};
    ++*count;
}

static bool web_is_at(const struct hub_tcp *tcp, const char *ip) {
    bool ip6 = strchr(ip, ':') != NULL;
    return (ip6 ? tcp->web_ip6 : tcp->web_ip4) || strcmp(tcp->web_ip, ip) == 0;
}

unsigned hub_candidates(const struct hub *hub, const struct room_transport *transport,
                        struct hub_candidate out[HUB_CANDIDATES_MAX]) {
    const struct hub_config *config = &hub->config;
    const struct hub_tcp *tcp = &config->tcp;
    unsigned count = 0;
    for (unsigned i = 0; i < config->announce_count && !transport->tcp_only; i++)
        add(out, &count, config->announce[i], config->media_ports[transport->owner->worker], false);
    for (unsigned i = 0; i < config->announce_count && tcp->media_port; i++)
        add(out, &count, config->announce[i], tcp->media_port, true);
    for (unsigned i = 0; i < config->announce_count && tcp->web_port; i++)
        if (web_is_at(tcp, config->announce[i]))
            add(out, &count, config->announce[i], tcp->web_port, true);
    return count;
}

bool hub_takes_tcp(const struct hub *hub) {
    const struct hub_config *config = &hub->config;
    bool web = false;
    for (unsigned i = 0; i < config->announce_count && config->tcp.web_port; i++)
        web = web || web_is_at(&config->tcp, config->announce[i]);
    return config->tcp.media_port != 0 || web;
}

void hub_set_tcp(struct hub *hub, const struct hub_tcp *tcp) {
    hub->config.tcp = *tcp;
}
