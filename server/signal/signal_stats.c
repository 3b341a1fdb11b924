// get-stats: asked of a worker, answered when it answers.
#include "base/slots.h"
#include "rooms/room_data.h"
#include "server/signal/signal.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MIME_TYPE_BYTES 32
#define STATS_REQUESTS_MAX (UINT32_C(1) << 16)

enum stats_of { OF_TRANSPORT, OF_PRODUCER, OF_CONSUMER, OF_DATA_PRODUCER, OF_DATA_CONSUMER };

struct stats_request {
    struct list link; // in session->stats
    struct wheel_node timer;
    struct session *session;
    const struct signal_row *row;
    unsigned worker;
    uint32_t token;            // in hub->stats_requests
    json_t *id;                // of the request, or NULL
    struct held_answer *place; // of an answer without id
    enum stats_of of;
    struct public_id subject; // the id that was asked about
    enum media_kind kind;
    char mime_type[MIME_TYPE_BYTES];
};

struct slots *signal_stats_table(void) {
    return slots_create(STATS_REQUESTS_MAX);
}

static void request_free(struct stats_request *request) {
    struct session *session = request->session;
    slots_remove(session->signalling->stats_requests, request->token);
    wheel_cancel(&session->signalling->wheel, &request->timer);
    list_remove(&request->link);
    assert(session->stats_count > 0);
    session->stats_count--;
    json_decref(request->id);
    free(request);
}

static struct signal_call call_of(const struct stats_request *request) {
    return (struct signal_call){.signalling = request->session->signalling,
                                .hub = request->session->signalling->hub,
                                .session = request->session,
                                .row = request->row,
                                .type = request->row->type,
                                .id = request->id,
                                .place = request->place};
}

static void give_up(struct stats_request *request) {
    struct signal_call call = call_of(request);
    signal_refuse(&call, CODE_INTERNAL, "get-stats: the media worker did not answer in time; try again");
    request_free(request);
}

static void stats_timer_fire(struct wheel_node *node, uint64_t now_us) {
    (void)now_us;
    give_up(LIST_ENTRY(node, struct stats_request, timer));
}

static void place_give_up(void *owner) {
    give_up(owner);
}

void signal_stats_forget(struct session *session) {
    LIST_EACH(node, &session->stats)
    request_free(LIST_ENTRY(node, struct stats_request, link));
}

// ---- asking

static void name_codec(struct stats_request *request, const struct room_producer *producer) {
    const json_t *codec = json_array_get(json_object_get(producer->consumable, "codecs"), 0);
    const char *mime = signal_data_text(codec, "mimeType");
    request->kind = producer->kind;
    snprintf(request->mime_type, sizeof request->mime_type, "%s", mime ? mime : "");
}

static void take_transport(struct stats_request *request, struct hub_subject *subject,
                           const struct room_transport *transport) {
    request->of = OF_TRANSPORT;
    request->subject = transport->public_id;
    subject->transport = transport->id;
}

static void take_producer(struct stats_request *request, struct hub_subject *subject,
                          const struct room_producer *producer) {
    request->of = OF_PRODUCER;
    request->subject = producer->public_id;
    subject->producer = producer->id;
    name_codec(request, producer);
}

static void take_consumer(struct stats_request *request, struct hub_subject *subject,
                          const struct room_consumer *consumer) {
    request->of = OF_CONSUMER;
    request->subject = consumer->public_id;
    subject->consumer = consumer->id;
    name_codec(request, consumer->producer);
}

// What is asked about: of media workers, or of the data worker.
struct asked {
    struct hub_subject subject;
    const struct room_data_producer *data_producer;
    const struct room_data_consumer *data_consumer;
};

static bool find_transport(struct signal_call *call, const char *id, struct stats_request *request,
                           struct asked *asked, struct hub_refusal *refusal) {
    const struct room_transport *transport = hub_own_transport(call->hub, call->me, id, refusal);
    if (transport)
        take_transport(request, &asked->subject, transport);
    return transport != NULL;
}

static bool find_producer(struct signal_call *call, const char *id, struct stats_request *request,
                          struct asked *asked, struct hub_refusal *refusal) {
    const struct room_producer *producer = hub_own_producer(call->hub, call->me, id, refusal);
    if (producer)
        take_producer(request, &asked->subject, producer);
    return producer != NULL;
}

static bool find_consumer(struct signal_call *call, const char *id, struct stats_request *request,
                          struct asked *asked, struct hub_refusal *refusal) {
    const struct room_consumer *consumer = hub_own_consumer(call->hub, call->me, id, refusal);
    if (consumer)
        take_consumer(request, &asked->subject, consumer);
    return consumer != NULL;
}

static bool find_data_producer(struct signal_call *call, const char *id, struct stats_request *request,
                               struct asked *asked, struct hub_refusal *refusal) {
    request->of = OF_DATA_PRODUCER;
    asked->data_producer = hub_own_data_producer(call->hub, call->me, id, refusal);
    if (asked->data_producer)
        request->subject = asked->data_producer->public_id;
    return asked->data_producer != NULL;
}

static bool find_data_consumer(struct signal_call *call, const char *id, struct stats_request *request,
                               struct asked *asked, struct hub_refusal *refusal) {
    request->of = OF_DATA_CONSUMER;
    asked->data_consumer = hub_own_data_consumer(call->hub, call->me, id, refusal);
    if (asked->data_consumer)
        request->subject = asked->data_consumer->public_id;
    return asked->data_consumer != NULL;
}

// Which object is asked about; false and a refusal.
static bool find_subject(struct signal_call *call, struct stats_request *request, struct asked *asked) {
    static const struct {
        const char *name;
        bool (*find)(struct signal_call *, const char *, struct stats_request *, struct asked *,
                     struct hub_refusal *);
    } ways[] = {{"transportId", find_transport},
                {"producerId", find_producer},
                {"consumerId", find_consumer},
                {"dataProducerId", find_data_producer},
                {"dataConsumerId", find_data_consumer}};
    size_t count = sizeof ways / sizeof ways[0], way = count, given = 0;
    struct hub_refusal refusal;
    for (size_t i = 0; i < count; i++)
        if (signal_data_text(call->data, ways[i].name)) {
            way = i;
            given++;
        }
    if (given != 1) {
        signal_refuse(call, CODE_BAD_REQUEST,
                      "get-stats: exactly one of `transportId`, `producerId`, `consumerId`, "
                      "`dataProducerId`, `dataConsumerId` is required");
        return false;
    }
    request->worker = call->me->worker;
    if (ways[way].find(call, signal_data_text(call->data, ways[way].name), request, asked, &refusal))
        return true;
    signal_refuse_verb(call, &refusal);
    return false;
}

static bool ask(struct signal_call *call, const struct asked *asked, uint32_t token) {
    struct hub_refusal ignored; // whoever waits is told that it did not answer in time
    if (asked->data_producer || asked->data_consumer)
        return hub_ask_data_stats(call->hub, asked->data_producer, asked->data_consumer, token, &ignored);
    return hub_ask_stats(call->hub, call->me, &asked->subject, token, &ignored);
}

// Registers the request; NULL and a refusal.
static struct stats_request *request_keep(struct signal_call *call, const struct stats_request *template) {
    struct session *session = call->session;
    struct stats_request *request = malloc(sizeof *request);
    if (request) {
        *request = *template;
        list_init(&request->link);
        request->token = slots_add(call->signalling->stats_requests, request);
    }
    if (!request || request->token == 0) {
        free(request);
        signal_refuse_memory(call);
        return NULL;
    }
    request->session = session;
    request->row = call->row;
    request->id = json_incref(call->id);
    wheel_node_init(&request->timer, stats_timer_fire);
    wheel_arm(&call->signalling->wheel, &request->timer, call->signalling->now_us + STATS_TIMEOUT_US);
    list_push_back(&session->stats, &request->link);
    session->stats_count++;
    return request;
}

void signal_get_stats(struct signal_call *call) {
    struct stats_request template = {0};
    struct asked asked = {0};
    if (!find_subject(call, &template, &asked))
        return;
    if (call->session->stats_count >= STATS_WAITING_MAX) {
        signal_refuse(call, CODE_RATE_LIMITED,
                      "get-stats: %d requests are not answered yet; wait for one of them", STATS_WAITING_MAX);
        return;
    }
    struct stats_request *request = request_keep(call, &template);
    if (!request)
        return;
    if (!call->id)
        request->place = signal_hold_place(call->session, request, place_give_up);
    if (!call->id && !request->place) {
        request_free(request);
        signal_refuse_memory(call);
    } else if (!ask(call, &asked, request->token)) {
        give_up(request);
    }
}

// ---- the worker's answer

static json_t *real(float value) {
    return json_real(isfinite(value) ? (double)value : 0.0);
}

static json_t *number(uint64_t value) {
    return json_integer((json_int_t)(value > INT64_MAX ? INT64_MAX : value));
}

static void add_address(json_t *out, const char *ip_key, const char *port_key, const struct addr *address) {
    char ip[ADDR_TEXT_MAX];
    addr_print_ip(address, ip);
    json_object_set_new(out, ip_key, json_string(ip));
    json_object_set_new(out, port_key, json_integer(address->port));
}

static json_t *describe_tuple(const struct tuple *tuple) {
    json_t *out = json_object();
    add_address(out, "localAddress", "localPort", &tuple->local);
    add_address(out, "remoteIp", "remotePort", &tuple->remote);
    json_object_set_new(out, "protocol",
                        json_string(tuple_protocol_name((enum tuple_protocol)tuple->protocol)));
    return out;
}

// What its link carries, and what follows from that.
static void add_link(json_t *out, const struct transport_stats *s) {
    static const char *const reasons[] = {"unknown",     "start", "delay",   "loss",  "probe",
                                          "application", "remb",  "ceiling", "silent"};
    _Static_assert(sizeof reasons / sizeof reasons[0] == LINK_REASONS, "one for each");
    if (s->max_bps)
        json_object_set_new(out, "maxBitrate", number(s->max_bps));
    if (s->estimate_reason == LINK_UNKNOWN || s->estimate_reason >= LINK_REASONS)
        return;
    json_object_set_new(out, "availableOutgoingBitrate", number(s->estimate_bps));
    json_object_set_new(out, "availableOutgoingBitrateReason", json_string(reasons[s->estimate_reason]));
    json_object_set_new(out, "targetOutgoingBitrate", number(s->target_bps));
    json_object_set_new(out, "wantedOutgoingBitrate", number(s->wanted_bps));
    json_object_set_new(out, "probationBytesSent", number(s->padding_bytes_sent));
}

// Of a transport that carries data channels: how its association is.
static void add_sctp(json_t *out, const struct stats_request *request) {
    const struct session *session = request->session;
    struct hub_refusal ignored;
    const struct room_transport *transport =
        session->participant ? hub_own_transport(session->signalling->hub, session->participant,
                                                 request->subject.text, &ignored)
                             : NULL;
    if (transport && transport->data)
        json_object_set_new(out, "sctpState", json_string(data_state_name(transport->data_state)));
}

static json_t *describe_transport_stats(const struct stats_request *request, const struct transport_stats *s,
                                        uint64_t now_ms) {
    json_t *out = json_object();
    json_object_set_new(out, "type", json_string("webrtc-transport"));
    json_object_set_new(out, "transportId", json_string(request->subject.text));
    json_object_set_new(out, "timestamp", number(now_ms));
    json_object_set_new(out, "iceRole",
                        json_string(s->full && s->controlling ? "controlling" : "controlled"));
    if (s->full)
        json_object_set_new(out, "iceLite", json_false());
    json_object_set_new(out, "iceState", json_string(ice_state_name(s->ice)));
    if (s->selected.protocol != TUPLE_NONE)
        json_object_set_new(out, "iceSelectedTuple", describe_tuple(&s->selected));
    if (s->full && s->selected.protocol != TUPLE_NONE) {
        json_object_set_new(out, "localCandidateType", json_string(ice_candidate_type_name(s->local_type)));
        json_object_set_new(out, "remoteCandidateType", json_string(ice_candidate_type_name(s->remote_type)));
    }
    json_object_set_new(out, "dtlsState", json_string(dtls_state_name(s->dtls)));
    add_sctp(out, request);
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"bytesReceived", s->bytes_received},
        {"recvBitrate", s->recv_bitrate_bps},
        {"bytesSent", s->bytes_sent},
        {"sendBitrate", s->send_bitrate_bps},
        {"rtpBytesReceived", s->rtp_bytes_received},
        {"rtpRecvBitrate", s->rtp_recv_bitrate_bps},
        {"rtpBytesSent", s->rtp_bytes_sent},
        {"rtpSendBitrate", s->rtp_send_bitrate_bps},
        {"rtxBytesReceived", s->rtx_bytes_received},
        {"rtxRecvBitrate", s->rtx_recv_bitrate_bps},
        {"rtxBytesSent", s->rtx_bytes_sent},
        {"rtxSendBitrate", s->rtx_send_bitrate_bps},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_object_set_new(out, counts[i].key, number(counts[i].value));
    add_link(out, s);
    json_object_set_new(out, "rtpPacketLossReceived", real(s->rtp_packet_loss_received));
    json_object_set_new(out, "rtpPacketLossSent", real(s->rtp_packet_loss_sent));
    return out;
}

static json_t *describe_stream(const struct stats_request *request, const struct stream_report *s,
                               bool outbound, uint64_t now_ms) {
    json_t *out = json_object();
    json_object_set_new(out, "type", json_string(outbound ? "outbound-rtp" : "inbound-rtp"));
    json_object_set_new(out, "timestamp", number(now_ms));
    json_object_set_new(out, "ssrc", number(s->ssrc));
    if (s->rtx_ssrc)
        json_object_set_new(out, "rtxSsrc", number(s->rtx_ssrc));
    if (s->rid[0])
        json_object_set_new(out, "rid", json_string(s->rid));
    json_object_set_new(out, "kind", json_string(media_kind_name(request->kind)));
    json_object_set_new(out, "mimeType", json_string(request->mime_type));
    const struct {
        const char *key;
        uint64_t value;
    } counts[] = {
        {"packetCount", s->packet_count},
        {"byteCount", s->byte_count},
        {"bitrate", s->bitrate_bps},
        {"packetsLost", s->packets_lost},
        {"fractionLost", s->fraction_lost},
        {"jitter", s->jitter},
        {"packetsDiscarded", s->packets_discarded},
        {"packetsRetransmitted", s->packets_retransmitted},
        {"packetsRepaired", s->packets_repaired},
        {"rtxPacketsDiscarded", s->rtx_packets_discarded},
        {"nackCount", s->nack_count},
        {"nackPacketCount", s->nack_packet_count},
        {"pliCount", s->pli_count},
        {"firCount", s->fir_count},
        {"keyFrames", s->key_frames},
        {"score", s->score},
    };
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        json_object_set_new(out, counts[i].key, number(counts[i].value));
    if (s->round_trip_ms > 0)
        json_object_set_new(out, "roundTripTime", real(s->round_trip_ms));
    if (s->playout_delay_ms)
        json_object_set_new(out, "playoutDelay", number(s->playout_delay_ms));
    return out;
}

static json_t *describe_stats(const struct stats_request *request, const struct media_stats *stats) {
    uint64_t now_ms = hub_wall_us(request->session->signalling->hub) / US_PER_MS;
    json_t *list = json_array();
    if (request->of == OF_TRANSPORT)
        json_array_append_new(list, describe_transport_stats(request, &stats->transport, now_ms));
    unsigned count = stats->stream_count < STREAMS_MAX ? stats->stream_count : STREAMS_MAX;
    for (unsigned i = 0; i < count && request->of != OF_TRANSPORT; i++)
        json_array_append_new(
            list, describe_stream(request, &stats->streams[i], request->of == OF_CONSUMER && i == 0, now_ms));
    return json_pack("{s:o}", "stats", list);
}

static bool is_of_data(const struct stats_request *request) {
    return request->of == OF_DATA_PRODUCER || request->of == OF_DATA_CONSUMER;
}

void signal_stats_event(struct signalling *signalling, unsigned worker, const struct media_stats *stats) {
    struct stats_request *request = slots_get(signalling->stats_requests, stats->token);
    if (!request || request->worker != worker || is_of_data(request))
        return; // given up meanwhile
    struct signal_call call = call_of(request);
    if (stats->found)
        signal_answer(&call, OUT_STATS, describe_stats(request, stats));
    else
        signal_refuse(&call, CODE_NOT_FOUND, "get-stats: it was closed meanwhile");
    request_free(request);
}

// ---- the data worker's answer

static json_t *describe_data(const struct stats_request *request, const char *label, const char *protocol,
                             const struct data_stats *stats) {
    bool sent = request->of == OF_DATA_CONSUMER;
    json_t *one =
        json_pack("{s:s, s:o, s:s, s:s, s:o, s:o}", "type", sent ? "data-consumer" : "data-producer",
                  "timestamp", number(hub_wall_us(request->session->signalling->hub) / US_PER_MS), "label",
                  label, "protocol", protocol, sent ? "messagesSent" : "messagesReceived",
                  number(stats->messages), sent ? "bytesSent" : "bytesReceived", number(stats->bytes));
    if (sent)
        json_object_set_new(one, "bufferedAmount", number(stats->waiting_bytes));
    return json_pack("{s:[o]}", "stats", one);
}

// NULL: it is closed, or there is no memory.
static json_t *describe_data_stats(const struct stats_request *request, const struct data_stats *stats) {
    const struct hub *hub = request->session->signalling->hub;
    const struct participant *me = request->session->participant;
    const char *id = request->subject.text;
    const struct room_data_producer *producer = NULL;
    struct hub_refusal ignored;
    if (me && request->of == OF_DATA_PRODUCER) {
        producer = hub_own_data_producer(hub, me, id, &ignored);
    } else if (me) {
        const struct room_data_consumer *consumer = hub_own_data_consumer(hub, me, id, &ignored);
        if (consumer && consumer->channel)
            return describe_data(request, consumer->channel->label, "", stats);
        producer = consumer ? consumer->producer : NULL;
    }
    return producer ? describe_data(request, producer->label, producer->protocol, stats) : NULL;
}

void signal_data_stats_event(struct signalling *signalling, const struct data_stats *stats) {
    struct stats_request *request = slots_get(signalling->stats_requests, stats->token);
    if (!request || !is_of_data(request))
        return; // given up meanwhile
    struct signal_call call = call_of(request);
    json_t *answer = stats->found ? describe_data_stats(request, stats) : NULL;
    if (answer)
        signal_answer(&call, OUT_STATS, answer);
    else
        signal_refuse(&call, CODE_NOT_FOUND, "get-stats: it was closed meanwhile");
    request_free(request);
}
