#include "server/config/config.h"

#include "server/common/list_text.h"
#include "server/common/plain_url.h"
#include "server/common/stun_client.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const log_level_words[] = {"error", "warn", "info", "debug", NULL};
static const char *const switch_words[] = {"no", "yes", NULL};
static const char *const layout_words[] = {"track", "participant", NULL};
static const char *const ice_tcp_words[] = {"off", "on", "auto", NULL}; // enum config_ice_tcp
static const char *const ice_words[] = {"lite", "auto", "full", NULL};  // enum hub_ice_mode
static const char *const nomination_words[] = {"regular", "aggressive", NULL};
static const char *const log_format_words[] = {"text", "json", NULL};

#define AT(member) offsetof(struct config, member)

// The one table. docs/operations.md tells the same to operators; a test compares the two.
static const struct setting settings[] = {
    {"listen", SETTING_LISTEN, AT(listen_host), 0, 0, NULL, "0.0.0.0:8080", "HOST:PORT",
     "Where HTTP and the WebSocket listen: an IP address or localhost; [::]:8080 takes IPv6 and IPv4."},
    {"admin-listen", SETTING_LISTEN, AT(admin_host), 0, 0, NULL, "", "HOST:PORT",
     "Where operators get /metrics, which the port of --listen then does not have; plain HTTP."},
    {"trust-proxy", SETTING_NETWORKS, AT(trusted), 0, 0, NULL, "", "CIDR[,CIDR...]",
     "Proxies whose X-Forwarded-For or PROXY header is believed; nobody else's is."},
    {"media-port", SETTING_PORT, AT(media_port), 0, 65535, NULL, "40000", "PORT",
     "The one UDP port for media; 0 lets the system choose."},
    {"plain-ports", SETTING_PORTS, AT(plain_ports), 0, 0, NULL, "", "[HOST:]FROM-TO",
     "UDP ports for plain RTP (FFmpeg, GStreamer), on 127.0.0.1 or HOST; default: there is no plain RTP."},
    {"record-dir", SETTING_PATH, AT(record_dir), 0, 0, NULL, "", "DIR",
     "Where recordings go, each in its own folder; default: nothing is recorded."},
    {"record-layout", SETTING_CHOICE, AT(record_layout), 0, 0, layout_words, "track", "track|participant",
     "One file for each track, or one for each participant's audio and video, unless a request says "
     "otherwise."},
    {"recorder", SETTING_PATH, AT(recorder), 0, 0, NULL, "", "FILE",
     "The program that records; default: rotunda-record beside this one, else in PATH."},
    {"ice-tcp", SETTING_CHOICE, AT(ice_tcp), 0, 0, ice_tcp_words, "auto", "auto|on|off",
     "Media over TCP too, for networks without UDP: on that port number, and on that of HTTPS; auto: where "
     "it is free."},
    {"announce", SETTING_ADDRESSES, AT(announce), 0, 0, NULL, ANNOUNCE_AUTO, "HOST[,HOST...]",
     "Addresses or names to which clients send media; auto: this machine's own, and what --stun finds."},
    {"stun", SETTING_HOST, AT(stun), STUN_PORT, 0, NULL, "", "HOST[:PORT]",
     "STUN server that is asked at start for this machine's public address, which auto then includes."},
    {"ice", SETTING_CHOICE, AT(ice), 0, 0, ice_words, "lite", "lite|auto|full",
     "lite: clients look for the server; full: full ICE for all; auto: full ICE for those that ask or are "
     "ICE-lite."},
    {"ice-stun", SETTING_HOST, AT(ice_stun), STUN_PORT, 0, NULL, "", "HOST[:PORT]",
     "STUN server that full ICE agents ask for their addresses; default: that of --stun."},
    {"ice-turn", SETTING_ICE_URLS, AT(ice_turn), 0, 0, NULL, "", "URL[,URL...]",
     "TURN servers over which full ICE agents can be reached: turn:HOST[:PORT], over UDP."},
    {"ice-turn-login-file", SETTING_PATH, AT(ice_turn_login_file), 0, 0, NULL, "", "FILE",
     "A file with one line, USER:PASSWORD, for these; default: credentials made from --turn-secret."},
    {"ice-ports", SETTING_PORTS, AT(ice_ports), 0, 0, NULL, "", "FROM-TO",
     "UDP ports of full ICE agents, one for each agent and address; default: any."},
    {"ice-peers", SETTING_NETWORKS, AT(ice_peers), 0, 0, NULL, "", "CIDR[,CIDR...]",
     "Networks where full ICE agents may look for clients, besides the public internet."},
    {"ice-nomination", SETTING_CHOICE, AT(ice_nomination), 0, 0, nomination_words, "regular",
     "regular|aggressive",
     "How full ICE agents choose a path: the best of those that work, or the first one at once."},
    {"ice-agents-max", SETTING_NUMBER, AT(ice_agents_max), 1, 4096, NULL, "500", "N",
     "Full ICE agents at a time."},
    {"ice-agents-per-room", SETTING_NUMBER, AT(ice_agents_per_room), 0, 4096, NULL, "250", "N",
     "Full ICE agents of one room; 0 is no limit."},
    {"ice-agents-per-address", SETTING_NUMBER, AT(ice_agents_per_address), 0, 4096, NULL, "200", "N",
     "Full ICE agents of one address (IPv6: one /64); 0 is no limit."},
    {"tls-cert", SETTING_PATH, AT(tls_cert), 0, 0, NULL, "", "FILE",
     "Certificate with its intermediate ones (PEM): HTTPS instead of HTTP; SIGHUP reads it again."},
    {"tls-key", SETTING_PATH, AT(tls_key), 0, 0, NULL, "", "FILE", "The certificate's private key (PEM)."},
    {"keys", SETTING_PATH, AT(keys), 0, 0, NULL, "", "FILE",
     "Keys that sign tokens; nobody joins without one then: lines `id: secret`, PEM, or JWKS; SIGHUP reads "
     "it again."},
    {"rooms", SETTING_PATH, AT(rooms), 0, 0, NULL, "", "FILE",
     "Settings of rooms: passwords, moderators, lobbies, number of people; SIGHUP reads it again."},
    {"webhook", SETTING_WEBHOOKS, AT(webhooks), 0, 0, NULL, "", "URL[,URL...]",
     "Who is told, in LiveKit's form, when rooms, people and tracks come and go; needs --keys to sign with."},
    {"open", SETTING_CHOICE, AT(open), 0, 0, switch_words, "no", "yes|no",
     "It is intended that everybody who finds this server may use it: do not warn about it."},
    {"turn-urls", SETTING_ICE_URLS, AT(ice_servers), 0, 0, NULL, "", "URL[,URL...]",
     "TURN and STUN servers that clients are told of: turn:HOST[:PORT][?transport=udp|tcp], turns:, stun:."},
    {"turn-secret", SETTING_SECRET, AT(ice_servers.turn_secret), 0, 0, NULL, "", "SECRET",
     "The secret shared with the TURN server (coturn's static-auth-secret)."},
    {"turn-secret-file", SETTING_PATH, AT(turn_secret_file), 0, 0, NULL, "", "FILE",
     "A file with one line, that secret, which then appears in no list of processes."},
    {"turn-ttl", SETTING_NUMBER, AT(ice_servers.turn_ttl_seconds), 60, 604800, NULL, "3600", "SECONDS",
     "How long a client's credentials for TURN are valid."},
    {"workers", SETTING_NUMBER, AT(workers), 1, WORKERS_MAX, NULL, "", "N",
     "Media threads; default: one for each core."},
    {"web-root", SETTING_PATH, AT(web_root), 0, 0, NULL, "", "DIR",
     "The web page's files; default: where it was built or installed."},
    {"frame-ancestors", SETTING_FRAMES, AT(frame_ancestors), 0, 0, NULL, "'self'", "SOURCES",
     "Who may show the web page in a frame, as in Content-Security-Policy: 'none', 'self', https://HOST."},
    {"origins", SETTING_ORIGINS, AT(origins), 0, 0, NULL, ORIGINS_SELF, "ORIGIN[,ORIGIN...]",
     "Whose pages may use the server besides its own host's (self): https://HOST[:PORT]; * allows all."},
    {"peerjs", SETTING_ROUTE, AT(peerjs), 0, 0, NULL, "", "PATH",
     "Where pages with the package peerjs find their server, such as /myPeerServer; needs no token."},
    {"peerjs-key", SETTING_WORD, AT(peerjs_key), 0, 0, NULL, "peerjs", "KEY",
     "The key that such pages send; those that send another are refused."},
    {"peerjs-peers", SETTING_CHOICE, AT(peerjs_lists), 0, 0, switch_words, "no", "yes|no",
     "Whether everybody may list the PeerJS ids in use (/peers)."},
    {"named-ws", SETTING_ROUTE, AT(named_ws), 0, 0, NULL, "", "PATH",
     "A WebSocket for pages that send {type, from, to, payload}, such as /signal; needs no token."},
    {"socket-io", SETTING_ROUTE, AT(socket_io), 0, 0, NULL, "", "PATH",
     "Where pages with socket.io 4 call each other in rooms, such as /socket.io; needs no token."},
    {"dialect-clients-max", SETTING_NUMBER, AT(dialect_clients_max), 1, 1000000, NULL, "5000", "N",
     "Clients of each of these dialects at a time."},
    {"log-level", SETTING_CHOICE, AT(log_level), 0, 0, log_level_words, "info", "LEVEL",
     "How much is logged: error, warn, info or debug."},
    {"log-format", SETTING_CHOICE, AT(log_format), 0, 0, log_format_words, "text", "FORMAT",
     "How log lines look: text or json."},
    {"rooms-max", SETTING_NUMBER, AT(rooms_max), 1, 100000, NULL, "1000", "N", "Rooms at a time."},
    {"participants-max", SETTING_NUMBER, AT(participants_max), 1, 10000, NULL, "500", "N",
     "Participants in one room."},
    {"transports-max", SETTING_NUMBER, AT(transports_max), 1, 64, NULL, "8", "N",
     "Transports of one participant."},
    {"producers-max", SETTING_NUMBER, AT(producers_max), 1, 256, NULL, "16", "N",
     "Tracks that one participant sends."},
    {"consumers-max", SETTING_NUMBER, AT(consumers_max), 1, 5000, NULL, "2000", "N",
     "Tracks that one participant receives."},
    {"message-rate-max", SETTING_NUMBER, AT(message_rate_max), 1, 10000, NULL, "100", "N",
     "Messages a second from one connection; bursts may exceed it."},
    {"resume-window", SETTING_NUMBER, AT(resume_window_seconds), 0, 3600, NULL, "30", "SECONDS",
     "How long a participant stays after its last sign of life."},
    {"drain-time", SETTING_NUMBER, AT(drain_seconds), 0, 86400, NULL, "0", "SECONDS",
     "How long a server that was told to stop waits for people to leave; nobody can join meanwhile."},
    {"drain-to", SETTING_URL, AT(drain_to), 0, 0, plain_url_ws, "", "URL",
     "The WebSocket of the server that takes people over then (wss://HOST/ws); default: this one's address."},
    {"participants-per-worker", SETTING_NUMBER, AT(participants_per_worker), 1, 10000, NULL, "50", "N",
     "Participants of one room on one worker before the next worker is used."},
    {"last-n", SETTING_NUMBER, AT(last_n), 0, 10000, NULL, "0", "N",
     "Only the video of the last N speakers, in rooms that do not choose; 0 is everybody's."},
    {"loudest-n", SETTING_NUMBER, AT(loudest_n), 0, LOUDEST_N_MAX, NULL, "0", "N",
     "Only the audio of the N loudest, in rooms that do not choose; 0 is everybody's."},
    {"ws-backlog-max", SETTING_NUMBER, AT(ws_backlog_max_bytes), 262144, 268435456, NULL, "1048576", "BYTES",
     "Unsent bytes above which a client that does not keep up for 10 s is cut off; at once above four times "
     "as many."},
    {"relay-rate-max", SETTING_NUMBER, AT(relay_rate_max), 65536, 1073741824, NULL, "1048576", "BYTES",
     "What one participant may make the server send to others a second, summed over all receivers."},
    {"data-channels", SETTING_CHOICE, AT(data_channels), 0, 0, switch_words, "yes", "yes|no",
     "Whether clients may have data channels (SCTP over DTLS)."},
    {"data-rate-max", SETTING_NUMBER, AT(data_rate_max), 65536, 1073741824, NULL, "8388608", "BYTES",
     "What one transport's data channels may make the server send a second, summed over all receivers; "
     "whoever sends more is slowed down."},
    {"control-memory-max", SETTING_NUMBER, AT(control_memory_max_bytes), 16777216, UINT32_MAX, NULL,
     "1073741824", "BYTES",
     "What the server may keep in memory for its clients besides media; nobody joins beyond that."},
    {"connections-max", SETTING_NUMBER, AT(connections_max), 1, 1000000, NULL, "10000", "N",
     "HTTP and WebSocket connections at a time."},
    {"tcp-connections-max", SETTING_NUMBER, AT(tcp_connections_max), 0, 1000000, NULL, "0", "N",
     "Connections of media over TCP at a time; 0: an eighth of the allowed open files, 4096 at most."},
    {"waiting-per-address", SETTING_NUMBER, AT(waiting_per_address), 0, 1000000, NULL, "2000", "N",
     "Connections from one address (IPv6: one /64) that have not joined a room; 0 is no limit."},
    {"rooms-per-address", SETTING_NUMBER, AT(rooms_per_address), 0, 1000000, NULL, "300", "N",
     "New rooms a minute from one address; 0 is no limit."},
    {"failed-joins-per-address", SETTING_NUMBER, AT(failed_joins_per_address), 0, 1000000, NULL, "300", "N",
     "Failed joins a minute from one address; 0 is no limit."},
    {"audio-packets-max", SETTING_NUMBER, AT(media_limits.audio_packets_per_second), 50, 100000, NULL, "250",
     "N", "Packets a second of one audio track; bursts may exceed it, the rest is dropped."},
    {"audio-bitrate-max", SETTING_NUMBER, AT(media_limits.audio_bitrate_bps), 64000, 4000000000, NULL,
     "1000000", "BPS", "Bits a second of one audio track, likewise."},
    {"video-packets-max", SETTING_NUMBER, AT(media_limits.video_packets_per_second), 100, 1000000, NULL,
     "4000", "N", "Packets a second of one video track with all its layers, likewise."},
    {"video-bitrate-max", SETTING_NUMBER, AT(media_limits.video_bitrate_bps), 100000, 4000000000, NULL,
     "30000000", "BPS", "Bits a second of one video track with all its layers, likewise."},
    {"transport-bitrate-max", SETTING_NUMBER, AT(media_limits.transport_bitrate_bps), 1000000, 4000000000,
     NULL, "200000000", "BPS",
     "Bits a second sent to one transport of a client; video is dropped beyond that."},
    {"receive-bitrate-max", SETTING_NUMBER, AT(media_limits.receive_bitrate_bps), 100000, 4000000000, NULL,
     "50000000", "BPS", "Bits a second of video chosen for one receiver at most, whatever its link carries."},
    {"publish-bitrate-max", SETTING_NUMBER, AT(media_limits.publish_bitrate_bps), 0, 4000000000, NULL, "0",
     "BPS", "Bits a second that a publisher is told to stay below; 0 is no limit."},
    {"udp-receive-buffer", SETTING_NUMBER, AT(udp_receive_buffer_bytes), 65536, 1073741824, NULL, "8388608",
     "BYTES", "Receive buffer requested for each worker's UDP socket."},
    {"udp-send-buffer", SETTING_NUMBER, AT(udp_send_buffer_bytes), 65536, 1073741824, NULL, "8388608",
     "BYTES", "Send buffer requested for each worker's UDP socket."},
    {"batch-us", SETTING_NUMBER, AT(batch_us), 0, 5000, NULL, "500", "US",
     "How long a busy worker lets packets gather; longer is cheaper, and delays them by up to that long."},
};

#define SETTINGS_COUNT (sizeof settings / sizeof settings[0])

const struct setting *config_settings(size_t *count) {
    *count = SETTINGS_COUNT;
    return settings;
}

const char *setting_group(const struct setting *setting) {
    static const struct {
        const char *first, *title;
    } groups[] = {
        {"listen", "HTTP and WebSocket"},
        {"media-port", "Media and its addresses"},
        {"ice", "Full ICE"},
        {"tls-cert", "HTTPS"},
        {"keys", "Who may come in, and who is told"},
        {"turn-urls", "TURN"},
        {"workers", "Cores"},
        {"web-root", "The page"},
        {"peerjs", "Pages made for other servers"},
        {"log-level", "Log"},
        {"rooms-max", "Limits of rooms and people"},
        {"resume-window", "Leaving and stopping"},
        {"participants-per-worker", "Large rooms"},
        {"ws-backlog-max", "What clients may cost"},
        {"audio-packets-max", "Limits of media"},
        {"udp-receive-buffer", "Sockets"},
    };
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        if (strcmp(groups[i].first, setting->name) == 0)
            return groups[i].title;
    return NULL;
}

bool setting_is_switch(const struct setting *setting) {
    return setting->words == switch_words;
}

// "HOST:PORT" or "[HOST]:PORT"; HOST is an IP literal or "localhost".
static bool listen_parse(const char *text, char host[IP_TEXT_MAX], uint16_t *port) {
    char copy[64];
    size_t len = strlen(text);
    if (len >= sizeof copy)
        return false;
    memcpy(copy, text, len + 1);
    char *colon = strrchr(copy, ':');
    static const struct setting any_port = {.max = UINT16_MAX, .value = "PORT"};
    uint32_t number;
    if (!colon || !number_parse(&any_port, colon + 1, &number))
        return false;
    *colon = '\0';
    char *name = copy;
    bool bracketed = name[0] == '[' && colon > copy + 1 && colon[-1] == ']';
    if (bracketed) {
        colon[-1] = '\0';
        name++;
    } else if (strcmp(name, "localhost") == 0) {
        name = "127.0.0.1";
    }
    char shortest[IP_TEXT_MAX];
    if (!ip_normalise(name, shortest) || bracketed != (strchr(shortest, ':') != NULL))
        return false;
    memcpy(host, shortest, sizeof shortest);
    *port = (uint16_t)number;
    return true;
}

// Whether clients can be told to send to it: neither "any" nor multicast, nor IPv6 link-local, which would
// need the name of an interface of theirs.
static bool address_usable(const char *text) {
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        uint32_t host = ntohl(v4.s_addr);
        return host != 0 && host >> 28 < 0xe;
    }
    return inet_pton(AF_INET6, text, &v6) == 1 && !IN6_IS_ADDR_UNSPECIFIED(&v6) &&
           !IN6_IS_ADDR_MULTICAST(&v6) && !IN6_IS_ADDR_LINKLOCAL(&v6);
}

static bool announced_parse(const char *text, char out[HOST_BYTES_MAX + 1]) {
    char ip[IP_TEXT_MAX];
    bool literal = ip_normalise(text, ip);
    if (strcasecmp(text, ANNOUNCE_AUTO) == 0)
        text = ANNOUNCE_AUTO;
    else if (literal ? !address_usable(ip) : !host_name_valid(text))
        return false;
    else if (literal)
        text = ip;
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool addresses_parse(const char *text, struct config *config) {
    char found[HUB_ANNOUNCE_MAX][HOST_BYTES_MAX + 1] = {{0}};
    unsigned count = 0;
    const char *item;
    size_t len;
    while (list_text_next(&text, &item, &len)) {
        char one[HOST_BYTES_MAX + 1];
        if (len >= sizeof one || count == HUB_ANNOUNCE_MAX)
            return false;
        memcpy(one, item, len);
        one[len] = '\0';
        if (!announced_parse(one, found[count++]))
            return false;
    }
    memcpy(config->announce, found, sizeof found);
    config->announce_count = count;
    return true;
}

static bool choice_parse(const char *const *words, const char *text, uint32_t *out) {
    for (uint32_t i = 0; words[i]; i++) {
        if (strcasecmp(words[i], text) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

bool setting_assign_secret(char out[TURN_SECRET_MAX], const char *text) {
    size_t len = strlen(text);
    if (len == 0 || len >= TURN_SECRET_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (iscntrl((unsigned char)text[i]))
            return false;
    }
    memcpy(out, text, len + 1);
    return true;
}

static bool ice_urls_parse(const char *text, struct ice_servers *servers) {
    struct ice_url found[ICE_URLS_MAX] = {0};
    unsigned count = 0;
    const char *item;
    size_t len;
    while (list_text_next(&text, &item, &len)) {
        if (count == ICE_URLS_MAX || !ice_url_parse(item, len, &found[count]))
            return false;
        count++;
    }
    memcpy(servers->urls, found, sizeof found);
    servers->url_count = count;
    return true;
}

// "/", or "/a/b": parts of letters, digits, "-", "_", "~" and ".", none of them "." or "..". A slash at the
// end is left out.
static bool route_parse(const char *text, char out[CONFIG_ROUTE_MAX]) {
    size_t len = strlen(text);
    if (len > 2 && text[len - 1] == '/')
        len--;
    if (len == 0 || len >= CONFIG_ROUTE_MAX || text[0] != '/')
        return false;
    for (size_t at = 0; len > 1 && at < len;) {
        const char *part = text + ++at;
        size_t part_len = strspn(part, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_~.");
        bool dots = strspn(part, ".") == part_len && part_len <= 2;
        if (part_len == 0 || dots || (at + part_len < len && part[part_len] != '/') || at + part_len > len)
            return false;
        at += part_len;
    }
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

static bool word_parse(const char *text, char out[CONFIG_WORD_MAX]) {
    size_t len = strlen(text);
    if (len == 0 || len >= CONFIG_WORD_MAX)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_')
            return false;
    memcpy(out, text, len + 1);
    return true;
}

bool setting_assign(const struct setting *setting, struct config *config, const char *text) {
    char *member = (char *)config + setting->offset;
    uint32_t number;
    switch (setting->type) {
    case SETTING_NUMBER:
        if (!number_parse(setting, text, &number))
            return false;
        memcpy(member, &number, sizeof number);
        return true;
    case SETTING_PORT:
        if (!number_parse(setting, text, &number))
            return false;
        memcpy(member, &(uint16_t){(uint16_t)number}, sizeof(uint16_t));
        return true;
    case SETTING_LISTEN:
        if (setting->offset == AT(admin_host))
            return listen_parse(text, config->admin_host, &config->admin_port);
        return listen_parse(text, config->listen_host, &config->listen_port);
    case SETTING_ADDRESSES:
        return addresses_parse(text, config);
    case SETTING_HOST:
        return host_port_parse(text, strlen(text), (uint16_t)setting->min,
                               (struct host_port *)(void *)member);
    case SETTING_CHOICE:
        if (!choice_parse(setting->words, text, &number))
            return false;
        memcpy(member, &number, sizeof number);
        return true;
    case SETTING_PATH:
        if (!text[0] || strlen(text) >= CONFIG_PATH_MAX)
            return false;
        memcpy(member, text, strlen(text) + 1);
        return true;
    case SETTING_SECRET:
        return setting_assign_secret(member, text);
    case SETTING_ICE_URLS:
        return ice_urls_parse(text, (struct ice_servers *)(void *)member);
    case SETTING_NETWORKS:
        return networks_parse(text, (struct networks *)(void *)member);
    case SETTING_ORIGINS:
        return origins_parse(text, (struct origins *)(void *)member);
    case SETTING_URL:
        if (!plain_url_is(setting->words, text, NULL) || strlen(text) >= CONFIG_URL_MAX)
            return false;
        memcpy(member, text, strlen(text) + 1);
        return true;
    case SETTING_WEBHOOKS:
        return webhook_urls_parse(text, (struct webhook_urls *)(void *)member);
    case SETTING_ROUTE:
        return route_parse(text, member);
    case SETTING_WORD:
        return word_parse(text, member);
    case SETTING_PORTS:
        return port_range_parse(text, (struct port_range *)(void *)member);
    case SETTING_FRAMES:
        if (!frame_ancestors_valid(text))
            return false;
        memcpy(member, text, strlen(text) + 1);
        return true;
    }
    return false; // no such type
}

// Behind what is there.
static void describe_words(const struct setting *setting, const char *between, char *out, size_t cap) {
    size_t len = strlen(out);
    for (size_t i = 0; setting->words[i] && len < cap; i++)
        len += (size_t)snprintf(out + len, cap - len, "%s %s", i ? between : "", setting->words[i]);
}

void setting_describe(const struct setting *setting, char *out, size_t cap) {
    switch (setting->type) {
    case SETTING_NUMBER:
    case SETTING_PORT:
        snprintf(out, cap, "a number from %" PRIu32 " to %" PRIu32 "%s%s", setting->min, setting->max,
                 *setting_units(setting) ? ", plain or with " : "", setting_units(setting));
        return;
    case SETTING_LISTEN:
        snprintf(out, cap, "an IP address or localhost, with a port, as in 0.0.0.0:8080 or [::]:8080");
        return;
    case SETTING_ADDRESSES:
        snprintf(out, cap, "1 to %d IP addresses or host names of this server, or auto, separated by commas",
                 HUB_ANNOUNCE_MAX);
        return;
    case SETTING_HOST:
        snprintf(out, cap, "a host name or an IP address, with a port if it is not %" PRIu32, setting->min);
        return;
    case SETTING_CHOICE:
        snprintf(out, cap, "one of");
        describe_words(setting, ",", out, cap);
        return;
    case SETTING_PATH:
        snprintf(out, cap, "a path of 1 to %d bytes", CONFIG_PATH_MAX - 1);
        return;
    case SETTING_SECRET:
        snprintf(out, cap, "1 to %d bytes without control characters", TURN_SECRET_MAX - 1);
        return;
    case SETTING_ICE_URLS:
        snprintf(out, cap,
                 "1 to %d URLs, separated by commas, as in turn:turn.example.org:3478?transport=udp",
                 ICE_URLS_MAX);
        return;
    case SETTING_NETWORKS:
        snprintf(out, cap, "1 to %d addresses or networks, separated by commas, as in 10.0.0.0/8,::1",
                 NETWORKS_MAX);
        return;
    case SETTING_ORIGINS:
        snprintf(out, cap, "self, * or 1 to %d origins, separated by commas, as in https://app.example.org",
                 ORIGINS_MAX);
        return;
    case SETTING_URL:
        snprintf(out, cap, "a URL of at most %d bytes that begins with", CONFIG_URL_MAX - 1);
        describe_words(setting, " or", out, cap);
        return;
    case SETTING_WEBHOOKS:
        snprintf(out, cap,
                 "1 to %d URLs, separated by commas: https://, or http:// to a private address or a name "
                 "without a dot, as in http://127.0.0.1:3000/hook",
                 WEBHOOK_URLS_MAX);
        return;
    case SETTING_ROUTE:
        snprintf(out, cap, "a path of at most %d bytes, as in /signal: letters, digits, - _ . ~ and slashes",
                 CONFIG_ROUTE_MAX - 1);
        return;
    case SETTING_WORD:
        snprintf(out, cap, "1 to %d letters, digits, - and _", CONFIG_WORD_MAX - 1);
        return;
    case SETTING_PORTS:
        snprintf(out, cap,
                 "two ports from 1024 to 65535 with a dash between them, as in 40100-40199, and in front of "
                 "them, if it is not 127.0.0.1, an address of this machine, as in 10.0.0.5:40100-40199");
        return;
    case SETTING_FRAMES:
        snprintf(out, cap,
                 "1 to %d bytes of sources with one space between them, as in 'self' https://example.org",
                 FRAME_ANCESTORS_MAX - 1);
        return;
    }
}

void setting_variable(const char *name, char *out, size_t cap) {
    size_t len = (size_t)snprintf(out, cap, "ROTUNDA_");
    for (; *name && len + 1 < cap; name++)
        out[len++] = *name == '-' ? '_' : (char)toupper((unsigned char)*name);
    out[len < cap ? len : cap - 1] = '\0';
}
