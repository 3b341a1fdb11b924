// Full ICE agents among peers that know their credentials and mean harm: ice_storm SECONDS [SEED]. Each
// agent has a few peers by hand, which send authentic STUN of any form from any state: checks with roles that
// conflict, nominations of everything, answers that come twice, late, from elsewhere, with errors, without
// attributes, broken before they were signed; and its owner restarts it, tells candidates, sends, closes. The
// STUN server that agents ask lies as well. It ends when the time is over, or where libnice does.
#include "base/clock.h"
#include "transport/ice_agent.h"

#include "tests/unit/transport/stun_build.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define AGENTS 32
#define PEERS 4
#define SEEN 8
#define LIFE_US_MAX (6 * US_PER_SECOND)
#define ROUND_US (2 * US_PER_MS)

struct seen { // a check of the agent's
    uint8_t id[12];
    struct addr from;
};

struct peer {
    int fd;
    struct addr address;
    struct seen seen[SEEN];
    unsigned seen_count;
};

struct storm_agent {
    struct ice_agent *agent;
    struct ice_credentials ours, ours_before;
    struct ice_remote remote, remote_before;
    struct ice_candidate candidates[16];
    unsigned count;
    bool knows;   // the peers' credentials
    bool careful; // its peers do what they should, most of the time
    uint64_t end_us;
    struct peer peers[PEERS];
};

static struct {
    uint64_t agents, checks, requests, answers, odd, paths, lost, restarts, packets;
} counts;

static uint64_t state = 88172645463325252ULL;
static uint32_t any(uint32_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return below ? (uint32_t)(state >> 32) % below : 0;
}
static bool chance(unsigned percent) {
    return any(100) < percent;
}

// ---- events

static void on_candidate(void *ctx, const struct ice_candidate *candidate) {
    struct storm_agent *a = ctx;
    if (a->count < 16)
        a->candidates[a->count++] = *candidate;
}
static void on_gathered(void *ctx) {
    (void)ctx;
}
static void on_path(void *ctx, const struct ice_agent_path *path) {
    (void)ctx, (void)path;
    counts.paths++;
}
static void on_lost(void *ctx) {
    (void)ctx;
    counts.lost++;
}
static void on_packet(void *ctx, const uint8_t *bytes, size_t len) {
    (void)ctx, (void)bytes, (void)len;
    counts.packets++;
}

// ---- sockets

static void parse(const char *ip, uint16_t port, struct addr *out) {
    if (addr_parse(ip, port, out) != ERR_OK)
        abort();
}

static int open_socket(struct addr *out, const char *ip) {
    struct sockaddr_storage sa;
    socklen_t len;
    parse(ip, 0, out);
    len = addr_to_sockaddr(out, &sa);
    int fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&sa, len) != 0)
        abort();
    len = sizeof sa;
    (void)getsockname(fd, (struct sockaddr *)&sa, &len);
    addr_from_sockaddr((struct sockaddr *)&sa, out);
    return fd;
}

static void send_to(int fd, const struct addr *to, const void *bytes, size_t len) {
    struct sockaddr_storage sa;
    socklen_t sa_len = addr_to_sockaddr(to, &sa);
    (void)sendto(fd, bytes, len, 0, (struct sockaddr *)&sa, sa_len);
}

// ---- messages

// Something in it is another byte, or it is cut, before it is signed.
static void mutate(struct stun_build *m) {
    counts.odd++;
    switch (any(5)) {
    case 0:
        m->bytes[any((uint32_t)m->len)] ^= (uint8_t)(1 << any(8));
        break;
    case 1:
        for (unsigned i = 0; i < 4; i++)
            m->bytes[20 + any((uint32_t)m->len - 19) % (m->len > 20 ? m->len - 20 : 1)] = (uint8_t)any(256);
        break;
    case 2:
        if (m->len > 24)
            m->len -= 4 * (1 + any((uint32_t)(m->len - 20) / 4));
        stun_set_length(m);
        break;
    case 3: { // an attribute of any kind and length
        uint8_t bytes[64];
        for (unsigned i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)any(256);
        static const uint16_t types[] = {0x0001, 0x0003, 0x0006, 0x0008, 0x0009, 0x000a, 0x0012, 0x0013,
                                         0x0014, 0x0015, 0x0016, 0x0020, 0x0024, 0x0025, 0x8022, 0x8023,
                                         0x8028, 0x8029, 0x802a, 0x8054, 0x8070, 0xc057, 0x7fff, 0xffff};
        if (m->len < 1024)
            stun_attr(m, types[any(24)], bytes, any(40));
        break;
    }
    default:
        if (m->len < 1024)
            stun_attr(m, ATTR_USE_CANDIDATE, NULL, 0);
    }
}

static void mapped(struct stun_build *m, const struct addr *address, uint16_t type) {
    uint8_t v[20] = {0, address->family == 6 ? 2 : 1};
    bool xored = type == ATTR_XOR_MAPPED_ADDRESS;
    store_be16(v + 2, (uint16_t)(address->port ^ (xored ? 0x2112 : 0)));
    size_t len = address->family == 6 ? 16 : 4;
    for (size_t i = 0; i < len; i++)
        v[4 + i] = address->ip[i] ^ (xored ? m->bytes[4 + i] : 0);
    stun_attr(m, type, v, 4 + len);
}

static struct addr some_address(const struct storm_agent *a) {
    struct addr out = {0};
    static const char *const ips[] = {
        "0.0.0.0",     "255.255.255.255",  "224.0.0.1",   "::",          "::1",
        "2001:db8::2", "::ffff:127.0.0.1", "203.0.113.9", "2001:db8::1", "127.0.0.1"};
    switch (any(4)) {
    case 0:
        return a->peers[any(PEERS)].address;
    case 1:
        if (a->count)
            return a->candidates[any(a->count)].address;
        __attribute__((fallthrough));
    default:
        parse(ips[any(10)], chance(20) ? 0 : (uint16_t)any(65536), &out);
    }
    return out;
}

static void sign(struct stun_build *m, const char *key) {
    if (!chance(3))
        stun_integrity(m, span_of_text(key));
    if (!chance(5))
        stun_fingerprint(m);
    if (chance(2) && m->len < 1024) // behind the end
        stun_attr_u32(m, ATTR_PRIORITY, any(UINT32_MAX));
}

static void request(struct storm_agent *a, struct peer *peer) {
    struct stun_build m;
    char user[600];
    bool old = chance(10);
    bool odd = !a->careful || chance(5);
    stun_begin(&m, odd && chance(5) ? (uint16_t)any(0x4000) : STUN_REQUEST_TYPE);
    if (chance(10) && peer->seen_count) // with an id of the agent's own
        memcpy(m.bytes + 8, peer->seen[any(peer->seen_count < SEEN ? peer->seen_count : SEEN)].id, 12);
    else if (chance(90))
        for (unsigned i = 8; i < 20; i++)
            m.bytes[i] = (uint8_t)any(256);
    snprintf(user, sizeof user, "%s:%s", (old ? &a->ours_before : &a->ours)->ufrag,
             odd && chance(10) ? "other" : a->remote.ufrag);
    if (!odd || chance(95))
        stun_attr(&m, ATTR_USERNAME, user, strlen(user));
    if (!odd || chance(90))
        stun_attr_u32(&m, ATTR_PRIORITY,
                      odd && chance(20) ? (chance(50) ? 0 : UINT32_MAX) : 1 + any(1 << 30));
    if (!odd || chance(90)) {
        uint64_t breaker = chance(30) ? 0 : chance(50) ? UINT64_MAX : (uint64_t)any(UINT32_MAX) << 20;
        stun_attr_u64(&m, chance(50) ? ATTR_ICE_CONTROLLING : ATTR_ICE_CONTROLLED, breaker);
    }
    if (chance(40))
        stun_attr(&m, ATTR_USE_CANDIDATE, NULL, 0);
    if (odd && chance(30))
        mutate(&m);
    sign(&m, (old ? &a->ours_before : &a->ours)->pwd);
    if (a->count)
        send_to(peer->fd, &a->candidates[any(a->count)].address, m.bytes, m.len);
    counts.requests++;
}

static void answer(struct storm_agent *a, struct peer *peer, const struct seen *check) {
    static const unsigned codes[] = {487, 487, 400, 401, 403, 420, 437, 438, 442, 500, 300, 699, 0};
    struct stun_build m;
    bool odd = !a->careful || chance(5);
    bool error = odd && chance(40);
    stun_begin(&m, error ? STUN_ERROR_TYPE : odd && chance(4) ? (uint16_t)any(0x4000) : STUN_SUCCESS_TYPE);
    memcpy(m.bytes + 8, check->id, 12);
    if (error) {
        unsigned code = codes[any(13)];
        uint8_t value[8] = {0, 0, (uint8_t)(code / 100), (uint8_t)(code % 100), 'n', 'o'};
        if (chance(95))
            stun_attr(&m, ATTR_ERROR_CODE, value, chance(90) ? 6 : any(5));
        if (chance(20))
            stun_attr(&m, ATTR_UNKNOWN_ATTRIBUTES, value, 2 * any(4));
        if (chance(20))
            stun_attr_u64(&m, chance(50) ? ATTR_ICE_CONTROLLING : ATTR_ICE_CONTROLLED, any(UINT32_MAX));
    }
    if (!error || chance(30)) {
        struct addr address = odd && chance(50) ? some_address(a) : check->from;
        if (!odd || chance(90))
            mapped(&m, &address, odd && chance(10) ? 0x0001 : ATTR_XOR_MAPPED_ADDRESS);
    }
    if (odd && chance(20))
        mutate(&m);
    sign(&m, (chance(90) ? &a->remote : &a->remote_before)->pwd);
    int fd = odd && chance(15) ? a->peers[any(PEERS)].fd : peer->fd; // from elsewhere
    for (unsigned times = odd && chance(20) ? 3 : 1; times > 0; times--)
        send_to(fd, &check->from, m.bytes, m.len);
    counts.answers++;
}

static void noise(struct storm_agent *a, struct peer *peer) {
    uint8_t bytes[256];
    struct stun_build m;
    if (!a->count)
        return;
    const struct addr *to = &a->candidates[any(a->count)].address;
    if (chance(50)) { // indications and requests of TURN, and whatever begins like them
        static const uint16_t types[] = {0x0011, 0x0016, 0x0017, 0x0003, 0x0103,
                                         0x0113, 0x0104, 0x0109, 0x0118};
        stun_begin(&m, types[any(9)]);
        mutate(&m);
        mutate(&m);
        sign(&m, a->ours.pwd);
        send_to(peer->fd, to, m.bytes, m.len);
        return;
    }
    size_t len = any(sizeof bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)any(256);
    if (len && chance(50))
        bytes[0] = chance(50) ? 0x80 : 22;
    send_to(peer->fd, to, bytes, len);
}

// ---- what comes

static void hear(struct storm_agent *a, struct peer *peer) {
    uint8_t bytes[2048];
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    ssize_t n;
    while ((n = recvfrom(peer->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&sa, &len)) > 0) {
        struct seen *seen = &peer->seen[peer->seen_count++ % SEEN];
        len = sizeof sa;
        if (n < 20 || load_be16(bytes) != STUN_REQUEST_TYPE) {
            peer->seen_count--;
            continue;
        }
        counts.checks++;
        memcpy(seen->id, bytes + 8, 12);
        addr_from_sockaddr((struct sockaddr *)&sa, &seen->from);
        if (chance(a->careful ? 95 : 50))
            answer(a, peer, seen);
    }
}

// ---- one agent

static void make_remote(struct ice_remote *out) {
    struct ice_credentials made;
    ice_credentials_make(1, &made);
    *out = (struct ice_remote){0};
    memcpy(out->ufrag, made.ufrag, sizeof made.ufrag);
    memcpy(out->pwd, made.pwd, sizeof made.pwd);
}

static void begin(struct ice_pool *pool, struct storm_agent *a) {
    const struct ice_agent_events events = {a, on_candidate, on_gathered, on_path, on_lost, on_packet};
    ice_agent_close(a->agent);
    a->count = 0;
    a->knows = false;
    a->careful = chance(40);
    ice_credentials_make(0, &a->ours);
    a->ours_before = a->ours;
    make_remote(&a->remote);
    a->remote_before = a->remote;
    a->agent = ice_agent_open(pool, &a->ours, chance(50), &events);
    a->end_us = clock_now_us() + any(LIFE_US_MAX);
    for (unsigned i = 0; i < PEERS; i++)
        a->peers[i].seen_count = 0;
    counts.agents += a->agent != NULL;
}

static void tell(struct storm_agent *a) {
    struct ice_candidate c = {.address = chance(80) ? a->peers[any(PEERS)].address : some_address(a),
                              .priority = 1 + any(INT32_MAX - 1),
                              .type = (uint8_t)any(4)};
    if (c.address.port == 0) // hub_ice.c lets none of these through
        c.address.port = 9999;
    (void)ice_agent_add_remote(a->agent, &c);
}

static void restart(struct storm_agent *a) {
    a->ours_before = a->ours;
    a->remote_before = a->remote;
    ice_credentials_make(0, &a->ours);
    make_remote(&a->remote);
    ice_agent_restart(a->agent, &a->ours);
    a->knows = false;
    counts.restarts++;
}

static void step(struct ice_pool *pool, struct storm_agent *a) {
    for (unsigned i = 0; i < PEERS; i++)
        hear(a, &a->peers[i]);
    if (!a->agent || clock_now_us() > a->end_us)
        begin(pool, a);
    if (!a->agent)
        return;
    struct peer *peer = &a->peers[any(PEERS)];
    if (!a->knows && chance(20)) {
        a->knows = true;
        ice_agent_set_remote(a->agent, &a->remote);
    }
    if (chance(10))
        tell(a);
    if (chance(a->careful ? 10 : 30))
        request(a, peer);
    if (chance(10) && peer->seen_count)
        answer(a, peer, &peer->seen[any(peer->seen_count < SEEN ? peer->seen_count : SEEN)]);
    if (chance(3))
        noise(a, peer);
    if (chance(5))
        (void)ice_agent_send(a->agent, "\x80 media", 7);
    if (any(1000) < 3)
        restart(a);
}

// ---- the STUN server

static void serve(int fd, const struct storm_agent *a) {
    uint8_t bytes[2048];
    struct sockaddr_storage sa;
    socklen_t len = sizeof sa;
    for (ssize_t n; (n = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&sa, &len)) >= 20;
         len = sizeof sa) {
        struct stun_build m;
        struct addr from, told;
        addr_from_sockaddr((struct sockaddr *)&sa, &from);
        stun_begin(&m, chance(80) ? STUN_SUCCESS_TYPE : chance(50) ? STUN_ERROR_TYPE : (uint16_t)any(0x4000));
        memcpy(m.bytes + 8, bytes + 8, 12);
        told = chance(70) ? from : some_address(a);
        if (chance(90))
            mapped(&m, &told, chance(80) ? ATTR_XOR_MAPPED_ADDRESS : 0x0001);
        if (chance(30))
            mutate(&m);
        if (chance(50))
            stun_fingerprint(&m);
        send_to(fd, &from, m.bytes, m.len);
    }
}

static struct ice_pool *open_pool(bool aggressive, const struct addr *stun) {
    struct ice_pool_config config = {.host_count = 3, .aggressive = aggressive, .stun_port = stun->port};
    snprintf(config.stun_host, sizeof config.stun_host, "127.0.0.1");
    parse("127.0.0.1", 0, &config.hosts[0]);
    parse("::1", 0, &config.hosts[1]);
    parse("127.0.0.2", 0, &config.hosts[2]);
    struct ice_pool *pool = ice_pool_create(&config);
    if (!pool)
        abort();
    return pool;
}

int main(int argc, char **argv) {
    static struct storm_agent agents[2][AGENTS];
    struct ice_pool *pools[2];
    struct addr stun;
    uint64_t seconds = argc > 1 ? strtoull(argv[1], NULL, 10) : 60, round = 0;
    if (argc > 2)
        state ^= strtoull(argv[2], NULL, 10) * UINT64_C(0x9e3779b97f4a7c15);
    int server = open_socket(&stun, "127.0.0.1");
    for (unsigned p = 0; p < 2; p++) {
        pools[p] = open_pool(p, &stun);
        for (unsigned i = 0; i < AGENTS; i++)
            for (unsigned k = 0; k < PEERS; k++) {
                struct peer *peer = &agents[p][i].peers[k];
                peer->fd = open_socket(&peer->address, k == 3 ? "::1" : "127.0.0.1");
            }
    }
    uint64_t end_us = clock_now_us() + seconds * US_PER_SECOND;
    for (; clock_now_us() < end_us; round++) {
        serve(server, &agents[0][0]);
        for (unsigned p = 0; p < 2; p++) {
            for (unsigned i = 0; i < AGENTS; i++)
                step(pools[p], &agents[p][i]);
            for (unsigned i = 0; i < 16; i++)
                ice_pool_turn(pools[p], 0);
            ice_pool_turn(pools[p], ROUND_US);
        }
    }
    for (unsigned p = 0; p < 2; p++) {
        for (unsigned i = 0; i < AGENTS; i++)
            ice_agent_close(agents[p][i].agent);
        ice_pool_destroy(pools[p]);
        for (unsigned i = 0; i < AGENTS; i++)
            for (unsigned k = 0; k < PEERS; k++)
                close(agents[p][i].peers[k].fd);
    }
    close(server);
    printf("%llu s: %llu agents, %llu checks of theirs, %llu answers, %llu requests, %llu of them odd; %llu "
           "paths, "
           "%llu lost, %llu restarts, %llu packets\n",
           (unsigned long long)seconds, (unsigned long long)counts.agents, (unsigned long long)counts.checks,
           (unsigned long long)counts.answers, (unsigned long long)counts.requests,
           (unsigned long long)counts.odd, (unsigned long long)counts.paths, (unsigned long long)counts.lost,
           (unsigned long long)counts.restarts, (unsigned long long)counts.packets);
    return 0;
}
