#include "server/doctor/doctor_call.h"

#include "base/clock.h"
#include "base/entropy.h"
#include "load/ice_checks.h"
#include "load/net.h"
#include "load/participant.h"
#include "transport/dtls.h"
#include "transport/srtp.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define PEOPLE 2
#define TURN_MS 1
#define LOOK_US 5000
#define VIDEO_KBPS 300
#define DELAYED_MAX 16 // the network is not made worse

struct call {
    const struct call_request *request;
    struct call_outcome *out;
    struct load load;
    struct load_options options;
    uv_loop_t loop;
    uv_timer_t turn;
    struct participant *people[PEOPLE];
    uint64_t begin_us, next_look_us;
    enum call_stage stage;
    uint64_t stage_us; // since when it is that one
};

const char *call_stage_name(enum call_stage stage) {
    static const char *const names[] = {"WebSocket", "join-room", "transport", "ICE", "DTLS", "RTP", "done"};
    assert(stage <= CALL_DONE);
    return names[stage];
}

// ---- judging

static enum call_stage stage_of(const struct tally *t) {
    static const struct {
        enum join_part part;
        enum call_stage missing;
    } rows[] = {{JOIN_WEBSOCKET, CALL_WEBSOCKET},
                {JOIN_ROOM, CALL_ROOM},
                {JOIN_TRANSPORTS, CALL_TRANSPORT},
                {JOIN_ICE, CALL_ICE},
                {JOIN_DTLS, CALL_DTLS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (t->join[rows[i].part].count < PEOPLE)
            return rows[i].missing;
    }
    return CALL_RTP;
}

// Each of them has got packets and a picture.
static bool media_flows(struct call *call, uint64_t now_us) {
    for (unsigned i = 0; i < PEOPLE; i++) {
        struct tally own = {0};
        participant_sum(call->people[i], now_us, &own);
        if (own.received < CALL_PACKETS_MIN || own.key_frames_got == 0)
            return false;
    }
    return true;
}

static void outcome_note(struct call *call, uint64_t now_us) {
    struct call_outcome *out = call->out;
    struct tally *t = &call->load.tally;
    out->packets_in = t->rtp_in;
    out->packets_out = t->rtp_out;
    out->join_us = t->join[JOIN_TOTAL].max;
    out->media_us = now_us - call->begin_us;
    for (unsigned i = 0; i < FAULTS; i++)
        out->faults += t->faults[i];
    const struct addr *offered;
    out->offered_count = call->people[0] ? participant_offered(call->people[0], &offered) : 0;
    for (unsigned i = 0; i < out->offered_count && i < CALL_ADDRESSES_MAX; i++)
        out->offered[i] = offered[i];
}

static void call_end(struct call *call, enum call_stage stage, const char *why, uint64_t now_us) {
    call->out->stage = stage;
    snprintf(call->out->why, sizeof call->out->why, "%s", why);
    outcome_note(call, now_us);
    uv_stop(&call->loop);
}

static void call_look(struct call *call, uint64_t now_us) {
    for (unsigned i = 0; i < PEOPLE; i++) {
        participant_advance(call->people[i], now_us);
        if (participant_state(call->people[i]) != PARTICIPANT_FAILED)
            continue;
        call->out->refused = participant_refused(call->people[i]);
        call_end(call, stage_of(&call->load.tally), participant_why(call->people[i]), now_us);
        return;
    }
    enum call_stage stage = stage_of(&call->load.tally);
    if (stage != call->stage)
        call->stage_us = now_us;
    call->stage = stage;
    if (media_flows(call, now_us))
        call_end(call, CALL_DONE, "", now_us);
    else if (now_us >= call->stage_us + call->request->wait_us)
        call_end(call, stage, "", now_us);
}

static void on_turn(uv_timer_t *timer) {
    struct call *call = timer->data;
    uint64_t now_us = clock_now_us();
    wheel_advance(&call->load.wheel, now_us);
    if (now_us < call->next_look_us)
        return;
    call->next_look_us = now_us + LOOK_US;
    call_look(call, now_us);
}

// ---- parts

static bool parts_open(struct call *call) {
    struct load *load = &call->load;
    load->pool = pool_create(DELAYED_MAX);
    load->net = net_create(&call->loop, call->options.sockets);
    load->checks = ice_checks_create();
    load->dtls = dtls_context_create();
    if (!load->pool || !load->net || !load->checks || !load->dtls) {
        snprintf(call->out->why, CALL_WHY_MAX, "out of memory");
        return false;
    }
    if (call->options.keys[0] && !keys_load(&load->keys, call->options.keys, call->out->why, CALL_WHY_MAX))
        return false;
    load->ws = ws_client_create(&call->loop, call->options.url, true, call->out->why, CALL_WHY_MAX);
    return load->ws != NULL;
}

static bool people_open(struct call *call, uint64_t now_us) {
    char room[64], name[16];
    snprintf(room, sizeof room, "rotunda-doctor-%08" PRIx32, (uint32_t)entropy_u64());
    for (unsigned i = 0; i < PEOPLE; i++) {
        snprintf(name, sizeof name, "doctor-%u", i + 1);
        call->people[i] = participant_open(&call->load, room, name, true, now_us);
        if (!call->people[i]) {
            snprintf(call->out->why, CALL_WHY_MAX, "out of memory");
            return false;
        }
    }
    return true;
}

static void parts_close(struct call *call) {
    struct load *load = &call->load;
    uint64_t now_us = clock_now_us();
    for (unsigned i = 0; i < PEOPLE; i++)
        participant_close(call->people[i], now_us);
    uv_close((uv_handle_t *)&call->turn, NULL);
    net_stop(load->net);
    ws_client_destroy(load->ws); // runs the loop to its end
    uv_run(&call->loop, UV_RUN_DEFAULT);
    net_destroy(load->net);
    ice_checks_destroy(load->checks);
    dtls_context_destroy(load->dtls);
    pool_destroy(load->pool);
    keys_free(&load->keys);
    int left = uv_loop_close(&call->loop);
    assert(left == 0);
    (void)left;
}

static void call_run(struct call *call) {
    uv_loop_init(&call->loop);
    uv_timer_init(&call->loop, &call->turn);
    call->turn.data = call;
    uint64_t now_us = clock_now_us();
    wheel_init(&call->load.wheel, now_us);
    if (parts_open(call)) {
        now_us = clock_now_us();
        call->begin_us = call->stage_us = now_us;
        wheel_advance(&call->load.wheel, now_us);
        if (people_open(call, now_us)) {
            uv_timer_start(&call->turn, on_turn, TURN_MS, TURN_MS);
            uv_run(&call->loop, UV_RUN_DEFAULT);
        }
    }
    parts_close(call);
}

void call_make(const struct call_request *request, struct call_outcome *out) {
    *out = (struct call_outcome){.stage = CALL_WEBSOCKET};
    struct call *call = calloc(1, sizeof *call);
    if (!call || srtp_library_start() != ERR_OK) {
        snprintf(out->why, sizeof out->why, "%s", call ? "libsrtp2 did not start" : "out of memory");
        free(call);
        return;
    }
    call->request = request;
    call->out = out;
    options_default(&call->options);
    snprintf(call->options.url, sizeof call->options.url, "%s", request->url);
    snprintf(call->options.keys, sizeof call->options.keys, "%s", request->keys ? request->keys : "");
    call->options.participants = PEOPLE;
    call->options.video_kbps = VIDEO_KBPS;
    call->options.insecure = true; // the certificate has a check of its own
    call->load.options = &call->options;
    call->load.media_to = request->media_to;
    call->load.random = entropy_u64() | 1;
    call_run(call);
    srtp_library_stop();
    free(call);
}
