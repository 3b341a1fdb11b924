// What a full ICE agent costs: ice_agent_bench [AGENTS]. Memory and CPU to make one, CPU while all of
// them are connected and idle for five seconds, and CPU for each packet that is sent, and received, over one
// of them.
#include "base/clock.h"
#include "transport/ice_agent.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define IDLE_US (5 * US_PER_SECOND)
#define PACKETS 20000
#define PACKET_BYTES 1200

struct side {
    struct ice_agent *agent;
    struct ice_credentials credentials;
    struct ice_candidate candidate;
    unsigned paths, packets;
};

static void on_candidate(void *ctx, const struct ice_candidate *candidate) {
    ((struct side *)ctx)->candidate = *candidate;
}
static void on_nothing(void *ctx) {
    (void)ctx;
}
static void on_path(void *ctx, const struct ice_agent_path *path) {
    (void)path;
    ((struct side *)ctx)->paths++;
}
static void on_packet(void *ctx, const uint8_t *bytes, size_t len) {
    (void)bytes, (void)len;
    ((struct side *)ctx)->packets++;
}

static uint64_t cpu_us(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * US_PER_SECOND +
           (uint64_t)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static long resident_kb(void) {
    long pages = 0, ignored;
    FILE *file = fopen("/proc/self/statm", "r");
    if (!file || fscanf(file, "%ld %ld", &ignored, &pages) != 2)
        pages = 0;
    if (file)
        fclose(file);
    return pages * 4;
}

static void open_side(struct ice_pool *pool, struct side *side, bool controlling) {
    const struct ice_agent_events events = {side, on_candidate, on_nothing, on_path, on_nothing, on_packet};
    ice_credentials_make(0, &side->credentials);
    side->agent = ice_agent_open(pool, &side->credentials, controlling, &events);
    assert(side->agent);
}

static void tell(struct side *to, const struct side *of) {
    struct ice_remote remote = {0};
    memcpy(remote.ufrag, of->credentials.ufrag, sizeof of->credentials.ufrag);
    memcpy(remote.pwd, of->credentials.pwd, sizeof of->credentials.pwd);
    ice_agent_set_remote(to->agent, &remote);
    (void)ice_agent_add_remote(to->agent, &of->candidate);
}

int main(int argc, char **argv) {
    unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 1000;
    struct ice_pool_config config = {.host_count = 1};
    enum err err = addr_parse("127.0.0.1", 0, &config.hosts[0]);
    struct ice_pool *pool = ice_pool_create(&config);
    struct side *sides = calloc(count, sizeof *sides);
    assert(err == ERR_OK && pool && sides);
    long kb = resident_kb();
    uint64_t cpu = cpu_us();
    for (unsigned i = 0; i < count; i++)
        open_side(pool, &sides[i], i % 2);
    printf("made: %.1f KB and %.0f us of CPU each\n", (double)(resident_kb() - kb) / count,
           (double)(cpu_us() - cpu) / count);
    cpu = cpu_us();
    for (unsigned i = 0; i + 1 < count; i += 2) {
        tell(&sides[i], &sides[i + 1]);
        tell(&sides[i + 1], &sides[i]);
        while (sides[i].paths == 0 || sides[i + 1].paths == 0)
            ice_pool_turn(pool, 5 * US_PER_MS);
    }
    printf("connected, one pair after the other: %.1f KB and %.0f us of CPU each\n",
           (double)(resident_kb() - kb) / count, (double)(cpu_us() - cpu) / count);
    cpu = cpu_us();
    for (uint64_t end_us = clock_now_us() + IDLE_US; clock_now_us() < end_us;)
        ice_pool_turn(pool, 10 * US_PER_MS);
    printf("idle: %.2f %% of a core for all of them\n", 100.0 * (double)(cpu_us() - cpu) / (double)IDLE_US);
    static uint8_t packet[PACKET_BYTES] = {0x80};
    cpu = cpu_us();
    unsigned sent = 0;
    for (unsigned i = 0; i < PACKETS; i++) {
        sent += ice_agent_send(sides[0].agent, packet, sizeof packet);
        if (i % 32 == 31)
            while (sides[1].packets < sent)
                ice_pool_turn(pool, US_PER_MS);
    }
    printf("a packet, sent and received: %.0f ns of CPU (%u of %u came)\n",
           1000.0 * (double)(cpu_us() - cpu) / PACKETS, sides[1].packets, PACKETS);
    for (unsigned i = 0; i < count; i++)
        ice_agent_close(sides[i].agent);
    ice_pool_destroy(pool);
    free(sides);
    return 0;
}
