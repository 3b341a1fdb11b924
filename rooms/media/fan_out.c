// The packets of a turn on their way to receivers, gathered by receiver.
//
// What one receiver needs (its numbers, its keys, its address) is some kilobytes that other receivers push
// out of the CPU's caches. So a packet that arrives is only noted here for each consumer; when the turn ends,
// all packets of one receiver go out in a row, in the order in which they came.
#include "rooms/media/media_objects.h"

#include <assert.h>
#include <stdlib.h>

#define JOB_NONE UINT32_MAX
#define CACHE_LINE 64
#define CONSUMER_HOT_BYTES 384 // what consumer_forward reads
#define SCOUT_AHEAD 3
#define PACKETS_MAX 2048 // video packets of a turn whose sizes are looked at
#define PAD_MAX 8        // bytes that a packet may gain

struct fan_out_job {
    struct consumer *consumer;
    const struct producer_stream *stream;
    struct block *block; // NULL: `seq` carries nothing to show
    uint32_t next;       // of the same receiver
    uint16_t seq;
    uint16_t newest_seq; // of the stream, when the packet came
};

struct fan_out_packet {
    struct producer_stream *stream;
    struct block *block;
};

struct fan_out {
    struct fan_out_packet packets[PACKETS_MAX]; // video of this turn, as it came
    uint32_t packet_count;
    uint32_t turn;
    struct fan_out_job jobs[FAN_OUT_JOBS_MAX];
    uint32_t job_count;
    struct endpoint *ready[FAN_OUT_JOBS_MAX]; // those with jobs, in the order of their first
    uint32_t ready_count;
    uint64_t now_us; // of the turn
    bool running;
};

struct fan_out *fan_out_create(void) {
    return calloc(1, sizeof(struct fan_out)); // pages are touched as turns grow
}

void fan_out_destroy(struct fan_out *f) {
    assert(!f || (f->job_count == 0 && f->packet_count == 0));
    free(f);
}

static void fan_out_add(struct consumer *c, const struct fan_out_job *job, uint64_t now_us) {
    struct fan_out *f = c->fw->fan_out;
    assert(!f->running);
    if (f->job_count == FAN_OUT_JOBS_MAX)
        forwarder_flush(c->fw);
    f->now_us = now_us;
    uint32_t i = f->job_count++;
    f->jobs[i] = *job;
    struct endpoint *ep = c->endpoint;
    if (ep->job_count++ == 0) {
        ep->job_first = i;
        f->ready[f->ready_count++] = ep;
    } else {
        f->jobs[ep->job_last].next = i;
    }
    ep->job_last = i;
}

void fan_out_packet(struct consumer *c, const struct producer_stream *s, struct block *prepared,
                    uint64_t now_us) {
    assert(c->active);
    fan_out_add(c,
                &(struct fan_out_job){.consumer = c,
                                      .stream = s,
                                      .block = block_ref(prepared),
                                      .next = JOB_NONE,
                                      .newest_seq = s->newest_seq},
                now_us);
}

void fan_out_skip(struct consumer *c, const struct producer_stream *s, uint16_t seq, uint64_t now_us) {
    assert(c->active);
    fan_out_add(c, &(struct fan_out_job){.consumer = c, .stream = s, .next = JOB_NONE, .seq = seq}, now_us);
}

// Browsers cut a frame into packets that differ by a byte, the smaller ones first, and only packets of one
// size, but for the last, leave in one message (UDP_SEGMENT). So a packet is padded to the size of the one
// that follows in its stream where that is a few bytes longer. It is done once, before the packet is sent to
// anybody: it stays the same for all receivers and for whoever asks for it again.
static void fan_out_even(struct fan_out *f) {
    f->turn++;
    for (uint32_t i = f->packet_count; i-- > 0;) {
        struct producer_stream *s = f->packets[i].stream;
        struct block *b = f->packets[i].block;
        if (s->even_turn == f->turn && s->even_len > b->len && s->even_len - b->len <= PAD_MAX)
            rtp_forward_pad(b, (uint8_t)(s->even_len - b->len));
        s->even_turn = f->turn;
        s->even_len = b->len;
        block_release(b);
    }
    f->packet_count = 0;
}

void fan_out_note(struct forwarder *fw, struct producer_stream *s, struct block *prepared) {
    struct fan_out *f = fw->fan_out;
    assert(!f->running);
    if (f->packet_count < PACKETS_MAX)
        f->packets[f->packet_count++] = (struct fan_out_packet){.stream = s, .block = block_ref(prepared)};
}

// Runs ahead of the work over the same jobs in the same order, so that the CPU has fetched a consumer when
// its turn comes.
struct scout {
    uint32_t ready, job;
};

static void scout_step(const struct fan_out *f, struct scout *scout) {
    while (scout->job == JOB_NONE) {
        if (scout->ready == f->ready_count)
            return;
        scout->job = f->ready[scout->ready++]->job_first;
    }
    const char *consumer = (const char *)f->jobs[scout->job].consumer;
    for (size_t i = 0; i < CONSUMER_HOT_BYTES; i += CACHE_LINE)
        __builtin_prefetch(consumer + i, 1);
    scout->job = f->jobs[scout->job].next;
}

// Left out, as if the network had lost it, because its transport gets more than it may.
static void fan_out_refuse(const struct fan_out_job *job) {
    const struct consumer *c = job->consumer;
    if (job->stream->index != c->current || c->resync)
        return; // it would not have got it anyway
    c->fw->counters.egress_over_budget++;
    c->fw->counters.taker = c->endpoint->id;
}

static void fan_out_run(struct fan_out *f, struct endpoint *ep, struct scout *scout) {
    uint32_t done = 0;
    enum egress egress = endpoint_egress(ep, f->now_us);
    for (uint32_t i = ep->job_first; i != JOB_NONE; i = f->jobs[i].next, done++) {
        const struct fan_out_job *job = &f->jobs[i];
        scout_step(f, scout);
        if (job->block && !egress_lets(egress, job->consumer->params.kind))
            fan_out_refuse(job);
        else if (job->block)
            consumer_forward(job->consumer, job->stream, job->block, job->newest_seq, f->now_us);
        else
            consumer_skip(job->consumer, job->stream, job->seq, f->now_us);
        block_release(job->block);
    }
    assert(done == ep->job_count);
    ep->job_count = 0;
}

// The same for receivers: their memory is a chain of pointers, of which one is followed a turn.
static void fan_out_prefetch(const struct forwarder *fw, const struct fan_out *f, uint32_t at) {
    if (at + FORWARDER_STEPS + 1 < f->ready_count)
        __builtin_prefetch(f->ready[at + FORWARDER_STEPS + 1], 1);
    for (unsigned step = FORWARDER_STEPS; fw->out.prefetch && step-- > 0;)
        if (at + 1 + step < f->ready_count)
            fw->out.prefetch(fw->out.ctx, f->ready[at + 1 + step]->peer, step);
}

void forwarder_flush(struct forwarder *fw) {
    struct fan_out *f = fw->fan_out;
    if (f->job_count == 0)
        return;
    assert(!f->running);
    f->running = true;
    fan_out_even(f);
    struct scout scout = {.job = JOB_NONE};
    for (unsigned i = 0; i < SCOUT_AHEAD; i++)
        scout_step(f, &scout);
    for (uint32_t i = 0; i < f->ready_count; i++) {
        fan_out_prefetch(fw, f, i);
        fan_out_run(f, f->ready[i], &scout);
    }
    f->job_count = f->ready_count = 0;
    f->running = false;
}
