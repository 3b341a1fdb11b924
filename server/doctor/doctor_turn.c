#include "server/doctor/doctor_turn.h"

#include "base/clock.h"
#include "server/common/name_lookup.h"

#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stun/stunagent.h>
#include <stun/usages/turn.h>
#include <sys/time.h>
#include <unistd.h>

#define SLACK 24       // libnice reads a fixed integrity length, however short the attribute is
#define ROUNDS_MAX 4   // without credentials, with, and for nonces that went stale meanwhile
#define RELEASE_MS 300 // its answer is not needed, but shows that the server has it
#define STUN_HEADER_BYTES 20

static const uint16_t known_attributes[] = {STUN_ATTRIBUTE_USERNAME,
                                            STUN_ATTRIBUTE_MESSAGE_INTEGRITY,
                                            STUN_ATTRIBUTE_ERROR_CODE,
                                            STUN_ATTRIBUTE_UNKNOWN_ATTRIBUTES,
                                            STUN_ATTRIBUTE_LIFETIME,
                                            STUN_ATTRIBUTE_XOR_RELAYED_ADDRESS,
                                            STUN_ATTRIBUTE_REALM,
                                            STUN_ATTRIBUTE_NONCE,
                                            STUN_ATTRIBUTE_XOR_MAPPED_ADDRESS,
                                            STUN_ATTRIBUTE_FINGERPRINT,
                                            0};

struct turn_probe {
    StunAgent agent;
    const char *username, *password;
    unsigned rounds;
    bool answered; // `answer` has a realm and a nonce
    StunMessage answer;
    uint8_t answer_bytes[TURN_MESSAGE_MAX + SLACK];
    uint8_t request[TURN_MESSAGE_MAX]; // libnice keeps none of it; for its transaction id
};

struct turn_probe *turn_probe_create(const char *username, const char *password) {
    struct turn_probe *probe = calloc(1, sizeof *probe);
    if (!probe)
        return NULL;
    probe->username = username;
    probe->password = password;
    stun_agent_init(&probe->agent, known_attributes, STUN_COMPATIBILITY_RFC5389,
                    STUN_AGENT_USAGE_LONG_TERM_CREDENTIALS);
    return probe;
}

void turn_probe_destroy(struct turn_probe *probe) {
    free(probe);
}

size_t turn_probe_write(struct turn_probe *probe, uint8_t out[TURN_MESSAGE_MAX]) {
    StunMessage message;
    bool known = probe->answered;
    size_t len = stun_usage_turn_create(
        &probe->agent, &message, probe->request, sizeof probe->request - SLACK, known ? &probe->answer : NULL,
        STUN_USAGE_TURN_REQUEST_PORT_NORMAL, -1, -1, known ? (uint8_t *)probe->username : NULL,
        known ? strlen(probe->username) : 0, known ? (uint8_t *)probe->password : NULL,
        known ? strlen(probe->password) : 0, STUN_USAGE_TURN_COMPATIBILITY_RFC5766);
    memcpy(out, probe->request, len);
    probe->rounds++;
    return len;
}

size_t turn_probe_release(struct turn_probe *probe, uint8_t out[TURN_MESSAGE_MAX]) {
    StunMessage message;
    if (!probe->answered)
        return 0;
    size_t len = stun_usage_turn_create_refresh(
        &probe->agent, &message, probe->request, sizeof probe->request - SLACK, &probe->answer, 0,
        (uint8_t *)probe->username, strlen(probe->username), (uint8_t *)probe->password,
        strlen(probe->password), STUN_USAGE_TURN_COMPATIBILITY_RFC5766);
    memcpy(out, probe->request, len);
    return len;
}

static void realm_note(const StunMessage *message, struct turn_outcome *out) {
    uint16_t len = 0;
    const char *realm = stun_message_find(message, STUN_ATTRIBUTE_REALM, &len);
    size_t n = realm && len < sizeof out->realm ? len : 0;
    for (size_t i = 0; i < n; i++)
        out->realm[i] = isprint((unsigned char)realm[i]) ? realm[i] : '?';
    out->realm[n] = '\0';
}

// Keeps the answer, whose realm and nonce go into the next request. False: it has none.
static bool answer_keep(struct turn_probe *probe, const StunMessage *message, size_t len) {
    uint16_t n;
    if (!stun_message_find(message, STUN_ATTRIBUTE_REALM, &n) ||
        !stun_message_find(message, STUN_ATTRIBUTE_NONCE, &n))
        return false;
    memcpy(probe->answer_bytes, message->buffer, len);
    probe->answer = *message;
    probe->answer.buffer = probe->answer_bytes;
    probe->answer.buffer_len = sizeof probe->answer_bytes;
    probe->answered = true;
    return true;
}

static enum turn_step over(struct turn_outcome *out, enum turn_result result, int code) {
    out->result = result;
    out->code = code;
    return TURN_STEP_OVER;
}

static enum turn_step read_error(struct turn_probe *probe, const StunMessage *message, size_t len,
                                 struct turn_outcome *out) {
    int code = 0;
    if (stun_message_find_error(message, &code) != STUN_MESSAGE_RETURN_SUCCESS)
        return over(out, TURN_ODD, 0);
    realm_note(message, out);
    bool had_credentials = probe->answered;
    bool again = (code == STUN_ERROR_UNAUTHORIZED && !had_credentials) ||
                 (code == STUN_ERROR_STALE_NONCE && had_credentials);
    if (again && probe->rounds < ROUNDS_MAX && answer_keep(probe, message, len))
        return TURN_STEP_WRITE;
    return over(out, code == STUN_ERROR_UNAUTHORIZED && had_credentials ? TURN_DENIED : TURN_ERROR, code);
}

static enum turn_step read_success(StunMessage *message, struct turn_outcome *out) {
    struct sockaddr_storage relayed = {0}, mapped = {0}, alternate = {0};
    socklen_t relayed_len = sizeof relayed, mapped_len = sizeof mapped, alternate_len = sizeof alternate;
    uint32_t bandwidth, lifetime;
    StunUsageTurnReturn outcome =
        stun_usage_turn_process(message, &relayed, &relayed_len, &mapped, &mapped_len, &alternate,
                                &alternate_len, &bandwidth, &lifetime, STUN_USAGE_TURN_COMPATIBILITY_RFC5766);
    if (outcome != STUN_USAGE_TURN_RETURN_RELAY_SUCCESS && outcome != STUN_USAGE_TURN_RETURN_MAPPED_SUCCESS)
        return over(out, TURN_ODD, 0);
    addr_from_sockaddr((struct sockaddr *)&relayed, &out->relayed);
    return over(out, TURN_WORKS, 0);
}

enum turn_step turn_probe_read(struct turn_probe *probe, uint8_t *message, size_t len,
                               struct turn_outcome *out) {
    StunMessage parsed;
    memset(message + len, 0, SLACK);
    // An answer is known by its number.
    if (len < STUN_HEADER_BYTES || len > TURN_MESSAGE_MAX || memcmp(message + 4, probe->request + 4, 16) != 0)
        return TURN_STEP_WAIT;
    StunValidationStatus status = stun_agent_validate(&probe->agent, &parsed, message, len, NULL, NULL);
    if (status == STUN_VALIDATION_NOT_STUN || status == STUN_VALIDATION_INCOMPLETE_STUN)
        return TURN_STEP_WAIT;
    // An error response often has no integrity, for want of a common key; it is believed here, where nothing
    // but a report depends on it.
    if (stun_message_get_class(&parsed) == STUN_ERROR)
        return read_error(probe, &parsed, len, out);
    if (status != STUN_VALIDATION_SUCCESS || stun_message_get_class(&parsed) != STUN_RESPONSE ||
        stun_message_get_method(&parsed) != STUN_ALLOCATE)
        return over(out, TURN_ODD, 0);
    return read_success(&parsed, out);
}

// ---- the network

struct turn_link {
    int fd;
    bool tcp;
    uint8_t bytes[TURN_MESSAGE_MAX + SLACK]; // TCP: the beginning of a message
    size_t len;
};

static bool link_open(struct turn_link *link, const struct addr *server) {
    struct sockaddr_storage name;
    socklen_t len = addr_to_sockaddr(server, &name);
    struct timeval limit = {.tv_sec = TURN_ANSWER_MS_MAX / 1000};
    link->fd = socket(name.ss_family, (link->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0);
    return link->fd >= 0 && setsockopt(link->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
           connect(link->fd, (struct sockaddr *)&name, len) == 0;
}

// One message in link->bytes: its length, 0 when none is whole yet, or -1 with errno.
static ssize_t link_read(struct turn_link *link) {
    size_t have = link->tcp ? link->len : 0;
    ssize_t n = recv(link->fd, link->bytes + have, TURN_MESSAGE_MAX - have, 0);
    if (n < 0 || (n == 0 && link->tcp)) {
        errno = n == 0 ? ECONNRESET : errno;
        return -1;
    }
    link->len = have + (size_t)n;
    if (!link->tcp)
        return n;
    if (link->len < STUN_HEADER_BYTES)
        return 0;
    size_t whole = STUN_HEADER_BYTES + (size_t)(link->bytes[2] << 8 | link->bytes[3]);
    if (whole > TURN_MESSAGE_MAX) {
        errno = EPROTO;
        return -1;
    }
    if (link->len < whole)
        return 0;
    link->len = 0; // a TURN server says nothing unasked before an allocation is used
    return (ssize_t)whole;
}

// Waits for a message until a time; as link_read.
static ssize_t link_wait(struct turn_link *link, uint64_t until_us) {
    uint64_t now_us = clock_now_us();
    struct pollfd wait = {.fd = link->fd, .events = POLLIN};
    int ms = until_us > now_us ? (int)((until_us - now_us) / US_PER_MS) + 1 : 0;
    return poll(&wait, 1, ms) > 0 ? link_read(link) : 0;
}

// Sends one request, again where it may be lost, and hands answers to the probe until one counts.
static enum turn_step request_settle(struct turn_probe *probe, struct turn_link *link, const uint8_t *request,
                                     size_t len, struct turn_outcome *out) {
    static const unsigned resend_ms[] = {0, 500, 1500}; // RFC 8489, section 6.2.1: an RTO of 500 ms
    uint64_t start_us = clock_now_us(), end_us = start_us + TURN_ANSWER_MS_MAX * US_PER_MS;
    size_t sent = 0, sends = link->tcp ? 1 : sizeof resend_ms / sizeof resend_ms[0];
    for (uint64_t now_us = start_us; now_us < end_us; now_us = clock_now_us()) {
        if (sent < sends && now_us >= start_us + resend_ms[sent] * US_PER_MS) {
            sent++;
            if (send(link->fd, request, len, MSG_NOSIGNAL) < 0 && errno == ECONNREFUSED)
                return over(out, TURN_REFUSED, 0);
        }
        uint64_t next_us = sent < sends ? start_us + resend_ms[sent] * US_PER_MS : end_us;
        ssize_t n = link_wait(link, next_us);
        if (n < 0) {
            snprintf(out->why, sizeof out->why, "%s", strerror(errno));
            return over(out, TURN_REFUSED, 0);
        }
        enum turn_step step = n > 0 ? turn_probe_read(probe, link->bytes, (size_t)n, out) : TURN_STEP_WAIT;
        if (step != TURN_STEP_WAIT)
            return step;
    }
    return over(out, TURN_SILENT, 0);
}

static void link_talk(struct turn_probe *probe, struct turn_link *link, struct turn_outcome *out) {
    uint8_t request[TURN_MESSAGE_MAX];
    enum turn_step step;
    do {
        size_t len = turn_probe_write(probe, request);
        step = len ? request_settle(probe, link, request, len, out) : over(out, TURN_ODD, 0);
    } while (step == TURN_STEP_WRITE);
    size_t len = out->result == TURN_WORKS ? turn_probe_release(probe, request) : 0;
    if (len && send(link->fd, request, len, MSG_NOSIGNAL) > 0)
        (void)link_wait(link, clock_now_us() + RELEASE_MS * US_PER_MS);
}

void turn_ask(const struct host_port *server, bool tcp, const char *username, const char *password,
              struct turn_outcome *out) {
    struct addr addresses[2] = {{.family = 0}};
    *out = (struct turn_outcome){.result = TURN_UNRESOLVED};
    unsigned count =
        name_lookup(server->host, server->port, TURN_LOOKUP_MS_MAX, addresses, out->why, sizeof out->why);
    for (unsigned i = 0; i < count; i++) { // the next family where the first leads nowhere
        struct turn_probe *probe = turn_probe_create(username, password);
        struct turn_link link = {.fd = -1, .tcp = tcp};
        *out = (struct turn_outcome){.result = TURN_REFUSED};
        if (probe && link_open(&link, &addresses[i]))
            link_talk(probe, &link, out);
        else
            snprintf(out->why, sizeof out->why, "%s",
                     probe ? strerror(errno == EINPROGRESS ? ETIMEDOUT : errno) : "out of memory");
        if (link.fd >= 0)
            close(link.fd);
        turn_probe_destroy(probe);
        if (out->result != TURN_REFUSED && out->result != TURN_SILENT)
            return;
    }
}
