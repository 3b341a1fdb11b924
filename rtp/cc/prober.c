#include "rtp/cc/prober.h"

#include "base/clock.h"

#include <assert.h>
#include <math.h>

#define PACKETS_MIN 5
#define PACKET_BYTES_MIN 200
#define PACKET_BYTES_MAX 1200
#define DURATION_MIN_US 20000
#define DURATION_SHARED_US 10000 // where others have a good part of the link
#define DURATION_MAX_US 400000
#define JITTER_SHARE 3 // durations a cluster lasts longer than the jitter, about
#define JITTER_HIGH_SHARE 30
#define JITTER_HIGH_MS 3.0f // from here on lower and longer
#define QUEUE_MAX_US                                                                                         \
    40000              // that a cluster makes on a link that carries no more than the target, and where there
#define QUEUE_JITTER 3 // is jitter so many times that more
#define BLIND_US 2000000
#define RESULT_WAIT_US 1000000
#define INTERVAL_US 4000000
#define INTERVAL_HIGH_US 5000000
#define INTERVAL_PEEK_US 3000000
#define INTERVAL_RENEWED_US 1000000
#define FURTHER_SHARE 0.7f // of the cluster's rate: worth going on from
#define WANT_REACHED 0.95f
#define RECEIVED_SHARE 0.8f // of packets and bytes: so many have come that the rest need not be waited for
#define RECEIVED_LEAST 0.5f // must have come
#define LOSS_RANDOM_MAX 0.25f
#define LOSS_COUNTS 0.1f
#define FILLS_PACKETS 4 // show that the link is full
#define RATIO_VALID_MAX 2.0f
#define REPEAT_US 100000
#define UNSATURATED 0.9f
#define USABLE 0.95f // of a link that is full
#define START_STEPS 2
#define START_AGAIN_US 1000000

void prober_init(struct prober *p, uint64_t now_us) {
    *p = (struct prober){.start_steps = START_STEPS, .next_us = now_us};
}

void prober_restart(struct prober *p, uint64_t now_us) {
    uint8_t id = p->last_id;
    prober_init(p, now_us);
    p->last_id = id;
}

void prober_postpone(struct prober *p, uint64_t until_us) {
    p->cluster = (struct probe_cluster){0};
    p->further_bps = 0;
    p->start_steps = 0;
    if (p->next_us < until_us)
        p->next_us = until_us;
}

void prober_hasten(struct prober *p, uint64_t until_us) {
    if (p->next_us > until_us)
        p->next_us = until_us;
}

void prober_repeat(struct prober *p, unsigned n, uint64_t now_us) {
    assert(n >= 1 && n <= PROBER_REPEATS_MAX);
    p->hurried = (uint8_t)n;
    p->further_bps = 0;
    prober_hasten(p, now_us + REPEAT_US);
}

static uint32_t probe_lower(uint64_t a, uint64_t b) {
    return (uint32_t)(a < b ? a : b);
}

static bool wish_long(const struct probe_wish *wish) {
    return (wish->application || wish->steps) && wish->jitter_ms > JITTER_HIGH_MS;
}

static float wish_shortest_us(const struct probe_wish *wish) {
    bool shared = wish->peek_bps > wish->target_bps * UINT64_C(3);
    return shared ? DURATION_SHARED_US : DURATION_MIN_US;
}

static uint32_t prober_duration_us(const struct prober *p, const struct probe_wish *wish) {
    if (wish->blind)
        return BLIND_US;
    float us = wish->jitter_ms * 1000 * (wish_long(wish) ? JITTER_HIGH_SHARE : JITTER_SHARE);
    us = fmaxf(us, wish_shortest_us(wish)) * (float)(1u << p->hurried);
    return us > DURATION_MAX_US ? DURATION_MAX_US : (uint32_t)us;
}

static uint32_t wish_interval_us(const struct probe_wish *wish) {
    if (wish->renewed)
        return INTERVAL_RENEWED_US;
    if (wish->peek_bps > 0)
        return INTERVAL_PEEK_US;
    return wish_long(wish) ? INTERVAL_HIGH_US : INTERVAL_US;
}

static void prober_begin(struct prober *p, uint32_t rate_bps, const struct probe_wish *wish,
                         uint64_t now_us) {
    uint32_t duration_us = prober_duration_us(p, wish);
    uint64_t bears_us = QUEUE_MAX_US + (uint64_t)(wish->jitter_ms * 1000 * QUEUE_JITTER);
    uint64_t fills_us = bears_us * wish->target_bps / (rate_bps - wish->target_bps);
    uint32_t shortest_us = (uint32_t)wish_shortest_us(wish);
    if (!wish->blind && duration_us > shortest_us && duration_us > fills_us)
        duration_us = fills_us > shortest_us ? (uint32_t)fills_us : shortest_us;
    uint64_t bytes = (uint64_t)rate_bps * duration_us / 8 / US_PER_SECOND;
    uint64_t each = bytes / (PACKETS_MIN + 1);
    each = each < PACKET_BYTES_MIN ? PACKET_BYTES_MIN : each > PACKET_BYTES_MAX ? PACKET_BYTES_MAX : each;
    bytes = bytes < each * PACKETS_MIN ? each * PACKETS_MIN : bytes;
    p->last_id = p->last_id == UINT8_MAX ? 1 : (uint8_t)(p->last_id + 1);
    p->cluster = (struct probe_cluster){.id = p->last_id,
                                        .sending = true,
                                        .peeks = wish->peeks,
                                        .strict = wish->strict,
                                        .rate_bps = rate_bps,
                                        .want_bytes = (uint32_t)bytes,
                                        .want_packets = PACKETS_MIN,
                                        .packet_bytes = (uint16_t)each,
                                        .deadline_us = now_us + duration_us + RESULT_WAIT_US};
    p->next_us = now_us + wish_interval_us(wish);
}

static uint32_t prober_next_rate(struct prober *p, const struct probe_wish *wish, uint64_t now_us) {
    if (wish->blind)
        return now_us < p->next_us ? 0 : probe_lower((uint64_t)wish->target_bps * 11 / 10, UINT32_MAX);
    if (p->retries > 0 && p->further_bps > 0)
        return p->further_bps;
    if (p->start_steps > 0)
        return wish->start_bps > UINT32_MAX / 6 ? UINT32_MAX
                                                : wish->start_bps * (p->start_steps-- == 2 ? 3 : 6);
    if (p->further_bps > 0)
        return p->further_bps;
    if (now_us < p->next_us)
        return 0;
    uint32_t usual = probe_lower((uint64_t)wish->target_bps * (wish_long(wish) ? 3 : 4) / 2, UINT32_MAX);
    return usual > wish->peek_bps ? usual : wish->peek_bps;
}

// So few have come that they say nothing: the same again, some times.
static void prober_retry(struct prober *p, const struct probe_cluster *c) {
    if (p->retries < PROBER_RETRIES_MAX) {
        p->retries++;
        p->further_bps = c->rate_bps;
    } else {
        p->retries = 0;
    }
}

void prober_plan(struct prober *p, const struct probe_wish *wish, uint64_t now_us) {
    if (p->cluster.id != 0 && now_us >= p->cluster.deadline_us) {
        if (!p->cluster.sending) // what was told of it is lost
            prober_retry(p, &p->cluster);
        p->cluster = (struct probe_cluster){0};
    }
    if (p->cluster.id != 0 || wish->held)
        return;
    if ((float)wish->target_bps >= (float)wish->want_bps * WANT_REACHED)
        return;
    uint32_t rate = probe_lower(prober_next_rate(p, wish, now_us), wish->want_bps);
    p->further_bps = 0;
    if (rate > wish->target_bps)
        prober_begin(p, rate, wish, now_us);
}

uint32_t prober_wanted_bytes(struct prober *p, uint64_t now_us) {
    struct probe_cluster *c = &p->cluster;
    if (c->id == 0 || !c->sending || now_us >= c->deadline_us)
        return 0;
    if (c->begun_us == 0) {
        c->begun_us = now_us;
        return c->packet_bytes;
    }
    uint64_t due = (uint64_t)c->rate_bps * (now_us - c->begun_us) / 8 / US_PER_SECOND;
    due = due < c->want_bytes ? due : c->want_bytes;
    return due > c->sent_bytes ? (uint32_t)(due - c->sent_bytes) : 0;
}

uint8_t prober_sent(struct prober *p, uint16_t bytes, uint64_t now_us) {
    struct probe_cluster *c = &p->cluster;
    if (!c->sending || c->begun_us == 0)
        return 0;
    c->sent_bytes += bytes;
    c->sent_packets++;
    p->sent_us = now_us;
    if ((c->sent_bytes >= c->want_bytes && c->sent_packets >= c->want_packets) ||
        c->sent_packets == UINT16_MAX)
        c->sending = false;
    return c->id;
}

// The lines' next point; x: how much has come until then.
static void cluster_point(struct probe_cluster *c, uint64_t sent_us, int64_t arrival_us) {
    float x = (float)(c->acked_bytes + c->untold_bytes) / 1000;
    float y = (float)(int64_t)((uint64_t)arrival_us - (uint64_t)c->origin_us) / (float)US_PER_SECOND;
    float z = (float)(int64_t)(sent_us - c->origin_sent_us) / (float)US_PER_SECOND;
    c->sum_x += x;
    c->sum_xx += x * x;
    c->sum_y += y;
    c->sum_xy += x * y;
    c->sum_z += z;
    c->sum_xz += x * z;
}

void prober_acked(struct prober *p, uint8_t id, uint16_t bytes, uint64_t sent_us, int64_t arrival_us) {
    struct probe_cluster *c = &p->cluster;
    if (id == 0 || id != c->id)
        return;
    bool first = c->acked_packets == 0;
    if (first || sent_us < c->first_sent_us)
        c->first_sent_us = sent_us;
    if (first || sent_us >= c->last_sent_us) {
        c->last_sent_us = sent_us;
        c->last_bytes = bytes;
    }
    if (first) {
        c->origin_us = arrival_us;
        c->origin_sent_us = sent_us;
        c->untold_bytes = 0; // before the first that is known it does not matter
    }
    c->acked_packets++;
    c->acked_bytes += bytes;
    cluster_point(c, sent_us, arrival_us);
    assert(c->acked_packets <= c->sent_packets && c->acked_bytes <= c->sent_bytes);
}

void prober_paused(struct prober *p, uint8_t id) {
    struct probe_cluster *c = &p->cluster;
    if (c->id != 0 && (id == c->id || c->acked_packets > 0))
        c->paused = true;
}

void prober_lost(struct prober *p, uint8_t id) {
    if (id != 0 && id == p->cluster.id)
        p->cluster.lost_packets++;
}

void prober_revoke_loss(struct prober *p, uint8_t id) {
    if (id != 0 && id == p->cluster.id && p->cluster.lost_packets > 0)
        p->cluster.lost_packets--;
}

void prober_untold(struct prober *p, uint8_t id, uint16_t bytes) {
    if (id == 0 || id != p->cluster.id)
        return;
    p->cluster.untold_packets++;
    p->cluster.untold_bytes += bytes;
}

void prober_told(struct prober *p, uint8_t id, uint16_t bytes) {
    if (id == 0 || id != p->cluster.id || p->cluster.untold_packets == 0)
        return;
    p->cluster.untold_packets--;
    p->cluster.untold_bytes -= bytes < p->cluster.untold_bytes ? bytes : p->cluster.untold_bytes;
}

static float probe_rate(uint32_t bytes, uint64_t us) {
    return us > 0 ? (float)bytes * 8 * (float)US_PER_SECOND / (float)us : 0;
}

// The rate of a line through all: what single packets were late by does not matter much to it.
static float line_rate(const struct probe_cluster *c, float sum_y, float sum_xy) {
    float n = (float)c->acked_packets;
    float variance = c->sum_xx - c->sum_x * c->sum_x / n, covariance = sum_xy - c->sum_x * sum_y / n;
    return variance > 0 && covariance > 0 ? variance / covariance * 8000 : 0;
}

// What is lost at random has been carried as well: little of it counts, since a link may drop what it does
// not carry without a sign before.
static float cluster_random_loss(const struct probe_cluster *c) {
    float share = (float)c->lost_packets / (float)c->sent_packets;
    return share > LOSS_RANDOM_MAX ? 1 : 1 / (1 - fminf(share, LOSS_COUNTS));
}

// What came, against what of the cluster that is: a frame goes out at once, at the begin or at the end of it,
// and something is missing. So lines are held against lines; but where a frame came first, the line is
// steeper than a link must be that carries all of it in time.
static struct probe_result cluster_result(const struct probe_cluster *c) {
    float whole =
        probe_rate(c->acked_bytes + c->untold_bytes - c->last_bytes, c->last_sent_us - c->first_sent_us);
    float came = line_rate(c, c->sum_y, c->sum_xy), sent = line_rate(c, c->sum_z, c->sum_xz);
    if (c->acked_packets < FILLS_PACKETS || whole <= 0 || c->paused)
        return (struct probe_result){.lost = true};
    if (came <= 0 || came > (sent > 0 ? sent : whole) * RATIO_VALID_MAX)
        return (struct probe_result){.hurried = true};
    float least = whole;
    if (!c->strict)
        least = fminf(least, fminf(sent > 0 ? sent : least, (float)c->rate_bps)); // more was not asked for
    bool saturated = came < least * UNSATURATED;
    bool enough = (float)c->acked_packets >= (float)c->sent_packets * RECEIVED_LEAST;
    if (!saturated && !enough)
        return (struct probe_result){.lost = true};
    if (!saturated && !c->strict)
        whole *= cluster_random_loss(c);
    float bps = saturated ? came * USABLE : fminf(whole, came * whole / least);
    bps = bps < (float)c->rate_bps ? bps : (float)c->rate_bps; // not more than was asked, whoever says so
    return (struct probe_result){.bps = (uint32_t)bps, .saturated = saturated, .peeks = c->peeks};
}

// Nothing more is to be expected of it, or nothing that matters.
static bool cluster_is_told(const struct probe_cluster *c) {
    if (c->sending)
        return false;
    bool most = (float)c->acked_packets >= (float)c->sent_packets * RECEIVED_SHARE &&
                (float)c->acked_bytes >= (float)c->sent_bytes * RECEIVED_SHARE;
    return most || c->acked_packets + c->lost_packets + c->untold_packets >= c->sent_packets;
}

bool prober_judge(struct prober *p, uint64_t now_us, struct probe_result *result) {
    struct probe_cluster *c = &p->cluster;
    if (c->id == 0)
        return false;
    bool told = cluster_is_told(c);
    if (!told && now_us < c->deadline_us)
        return false;
    *result = told ? cluster_result(c) : (struct probe_result){0};
    p->saturated = result->saturated;
    p->hurried = result->hurried ? (uint8_t)(p->hurried + 1) : 0;
    if (p->hurried > PROBER_REPEATS_MAX)
        p->hurried = 0;
    else if (p->hurried > 0)
        prober_hasten(p, now_us + REPEAT_US);
    if (result->lost)
        prober_retry(p, c);
    else
        p->retries = 0;
    if (result->bps > 0 && !result->saturated && (float)result->bps > (float)c->rate_bps * FURTHER_SHARE)
        p->further_bps = probe_lower((uint64_t)result->bps * 2, UINT32_MAX);
    if (result->saturated && p->start_steps > 0) { // jitter may have done it, which is not known so early
        p->start_steps = 0;
        p->next_us = now_us + START_AGAIN_US;
    }
    p->cluster = (struct probe_cluster){0};
    return true;
}
