#include "transport/sctp_association.h"

#include "base/bytes.h"
#include "base/log.h"
#include "transport/sctp_screen.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <usrsctp.h>

#define COMMON_HEADER_BYTES 12
#define CHECKSUM_OFFSET 8
#define SCRATCH_BYTES (DATA_MESSAGE_MAX + 1)
#define RESETS_LIST_MAX 64 // streams of one request
#define RESET_WORDS (DATA_STREAMS_MAX / 64)
#define BATCHES_MAX 16
#define BATCH_MESSAGES (ASSOCIATION_SEND_MESSAGES / BATCHES_MAX)
#define CHUNKS_QUEUED_MAX 1024 // of an association, each way, however short
#define RTO_INITIAL_MS 500
#define RTO_MIN_MS 400 // peers may hold an acknowledgement for 200 ms
#define RTO_MAX_MS 10000
#define RETRANSMISSIONS_MAX 12 // over a minute: longer than an ICE restart takes
#define SACK_DELAY_MS 20

// Its place in library.associations is its address as usrsctp knows it (1..). Addresses are registered once
// and never given back: that would wake the library's thread.
struct association {
    struct association_output output;
    struct socket *socket;
    uint32_t address;
    uint16_t streams_out, streams_in; // at most
    enum data_state state;
    bool state_told;
    uint8_t *partial; // of a message whose end has not come, or NULL
    size_t partial_len, partial_cap;
    bool skipping;                      // the rest of a message that is too big
    uint64_t reset_wanted[RESET_WORDS]; // streams to close; a request is under way, or they are the next one
    uint64_t resets_come[RESET_WORDS];  // closed by the peer, not told yet
    uint64_t out_closed[RESET_WORDS];   // our direction is closed, or about to be, and not used since
    bool some_reset_wanted, some_reset_come;
    uint32_t batch_bytes[BATCHES_MAX]; // messages for the peer, oldest first
    unsigned batches, batch_left;      // messages that the last one still takes
};

static struct {
    bool started;
    uint64_t ticked_us; // 0: never
    uint32_t registered, count, next;
    uint8_t *scratch;
    struct association *associations[ASSOCIATIONS_MAX + 1];
} library;

// ---- the library

static void *address_of(uint32_t address) {
    return (void *)(uintptr_t)address;
}

// Called from inside usrsctp, which holds locks of its own: nothing of it may be called.
static int library_output(void *address, void *buffer, size_t len, uint8_t tos, uint8_t set_df) {
    (void)tos, (void)set_df;
    uintptr_t at = (uintptr_t)address;
    struct association *association = at <= ASSOCIATIONS_MAX ? library.associations[at] : NULL;
    if (!association || len < COMMON_HEADER_BYTES)
        return 0;
    // Left to us (crc32c_offload): what comes in needs none, since DTLS has authenticated it.
    uint32_t checksum = usrsctp_crc32c(buffer, len);
    memcpy((uint8_t *)buffer + CHECKSUM_OFFSET, &checksum, sizeof checksum);
    association->output.send(association->output.ctx, span_of(buffer, len));
    return 0;
}

static void library_configure(void) {
    usrsctp_enable_crc32c_offload();
    usrsctp_sysctl_set_sctp_blackhole(2); // no answer to what belongs to nobody
    usrsctp_sysctl_set_sctp_no_csum_on_loopback(0);
    usrsctp_sysctl_set_sctp_ecn_enable(0);
    usrsctp_sysctl_set_sctp_asconf_enable(0);
    usrsctp_sysctl_set_sctp_auto_asconf(0);
    usrsctp_sysctl_set_sctp_auth_enable(0);
    usrsctp_sysctl_set_sctp_nrsack_enable(0);
    usrsctp_sysctl_set_sctp_pktdrop_enable(0);
    usrsctp_sysctl_set_sctp_pr_enable(1);
    usrsctp_sysctl_set_sctp_reconfig_enable(1);
    usrsctp_sysctl_set_sctp_max_chunks_on_queue(CHUNKS_QUEUED_MAX);
    usrsctp_sysctl_set_sctp_delayed_sack_time_default(SACK_DELAY_MS);
    usrsctp_sysctl_set_sctp_rto_initial_default(RTO_INITIAL_MS);
    usrsctp_sysctl_set_sctp_rto_min_default(RTO_MIN_MS);
    usrsctp_sysctl_set_sctp_rto_max_default(RTO_MAX_MS);
    usrsctp_sysctl_set_sctp_init_rto_max_default(RTO_MAX_MS);
    usrsctp_sysctl_set_sctp_assoc_rtx_max_default(RETRANSMISSIONS_MAX);
    usrsctp_sysctl_set_sctp_path_rtx_max_default(RETRANSMISSIONS_MAX);
    usrsctp_sysctl_set_sctp_init_rtx_max_default(RETRANSMISSIONS_MAX);
    usrsctp_sysctl_set_sctp_heartbeat_interval_default(0);
    usrsctp_sysctl_set_sctp_sendspace(ASSOCIATION_SEND_BYTES);
    usrsctp_sysctl_set_sctp_recvspace(ASSOCIATION_RECEIVE_BYTES);
    usrsctp_sysctl_set_sctp_initial_cwnd(10);
    usrsctp_sysctl_set_sctp_max_burst_default(10);
}

enum err sctp_library_start(void) {
    if (library.started)
        return ERR_EXISTS;
    library.scratch = malloc(SCRATCH_BYTES);
    if (!library.scratch)
        return ERR_NO_MEMORY;
    usrsctp_init_nothreads(0, library_output, NULL);
    library_configure();
    library.started = true;
    library.ticked_us = 0;
    library.registered = library.count = library.next = 0;
    return ERR_OK;
}

void sctp_library_stop(void) {
    if (!library.started)
        return;
    assert(library.count == 0);
    int left = usrsctp_finish();
    assert(left == 0);
    (void)left;
    free(library.scratch);
    library.scratch = NULL;
    library.started = false;
}

void sctp_library_advance(uint64_t now_us) {
    assert(library.started);
    if (library.ticked_us == 0)
        library.ticked_us = now_us;
    uint64_t ticks = (now_us - library.ticked_us) / SCTP_LIBRARY_TICK_US;
    if (ticks == 0)
        return;
    library.ticked_us += ticks * SCTP_LIBRARY_TICK_US;
    uint64_t ms = ticks * (SCTP_LIBRARY_TICK_US / 1000);
    usrsctp_handle_timers(ms > UINT16_MAX ? UINT16_MAX : (uint32_t)ms);
}

// ---- life

static void association_on_event(struct socket *socket, void *ctx, int flags) {
    struct association *association = ctx;
    (void)socket, (void)flags;
    association->output.wake(association->output.ctx);
}

static struct sockaddr_conn sockaddr_of(const struct association *association) {
    return (struct sockaddr_conn){.sconn_family = AF_CONN,
                                  .sconn_port = htons(DATA_SCTP_PORT),
                                  .sconn_addr = address_of(association->address)};
}

static bool socket_set(struct socket *socket, int level, int name, const void *value, size_t len) {
    return usrsctp_setsockopt(socket, level, name, value, (socklen_t)len) == 0;
}

static bool socket_subscribe(struct socket *socket) {
    static const uint16_t events[] = {SCTP_ASSOC_CHANGE, SCTP_SHUTDOWN_EVENT, SCTP_STREAM_RESET_EVENT,
                                      SCTP_PARTIAL_DELIVERY_EVENT};
    for (size_t i = 0; i < sizeof events / sizeof events[0]; i++) {
        struct sctp_event event = {.se_assoc_id = SCTP_FUTURE_ASSOC, .se_type = events[i], .se_on = 1};
        if (!socket_set(socket, IPPROTO_SCTP, SCTP_EVENT, &event, sizeof event))
            return false;
    }
    return true;
}

// No heartbeats, since ICE looks after the path; no search for a larger MTU.
static bool socket_set_path(struct socket *socket) {
    struct sctp_paddrparams path = {.spp_flags = SPP_PMTUD_DISABLE | SPP_HB_DISABLE,
                                    .spp_pathmtu = ASSOCIATION_PACKET_MAX - COMMON_HEADER_BYTES};
    return socket_set(socket, IPPROTO_SCTP, SCTP_PEER_ADDR_PARAMS, &path, sizeof path);
}

static bool association_open(struct association *association) {
    struct socket *socket = usrsctp_socket(AF_CONN, SOCK_STREAM, IPPROTO_SCTP, NULL, NULL, 0, NULL);
    if (!socket)
        return false;
    association->socket = socket;
    const struct linger linger = {.l_onoff = 1, .l_linger = 0}; // close aborts, and leaves nothing behind
    const uint32_t on = 1;
    const int send_bytes = ASSOCIATION_SEND_BYTES, receive_bytes = ASSOCIATION_RECEIVE_BYTES;
    const struct sctp_assoc_value resets = {.assoc_id = SCTP_FUTURE_ASSOC,
                                            .assoc_value =
                                                SCTP_ENABLE_RESET_STREAM_REQ | SCTP_ENABLE_CHANGE_ASSOC_REQ};
    const struct sctp_initmsg init = {.sinit_num_ostreams = association->streams_out,
                                      .sinit_max_instreams = association->streams_in};
    struct sockaddr_conn address = sockaddr_of(association);
    return usrsctp_set_non_blocking(socket, 1) == 0 &&
           socket_set(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) &&
           socket_set(socket, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof send_bytes) &&
           socket_set(socket, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes) &&
           socket_set(socket, IPPROTO_SCTP, SCTP_RECVRCVINFO, &on, sizeof on) &&
           socket_set(socket, IPPROTO_SCTP, SCTP_NODELAY, &on, sizeof on) &&
           socket_set(socket, IPPROTO_SCTP, SCTP_ENABLE_STREAM_RESET, &resets, sizeof resets) &&
           socket_set(socket, IPPROTO_SCTP, SCTP_INITMSG, &init, sizeof init) && socket_subscribe(socket) &&
           socket_set_path(socket) &&
           usrsctp_bind(socket, (struct sockaddr *)(void *)&address, sizeof address) == 0 &&
           usrsctp_set_upcall(socket, association_on_event, association) == 0;
}

// The one that has been free for longest, about: what is late for the one before finds nobody.
static uint32_t free_address(void) {
    for (uint32_t i = 0; i < ASSOCIATIONS_MAX; i++) {
        uint32_t address = 1 + library.next;
        library.next = (library.next + 1) % ASSOCIATIONS_MAX;
        if (!library.associations[address])
            return address;
    }
    return 0;
}

struct association *association_create(uint16_t streams_out, uint16_t streams_in,
                                       const struct association_output *output) {
    assert(library.started && streams_out > 0 && streams_out <= DATA_STREAMS_MAX && streams_in > 0 &&
           streams_in <= DATA_STREAMS_MAX);
    if (library.count == ASSOCIATIONS_MAX)
        return NULL;
    struct association *association = calloc(1, sizeof *association);
    if (!association)
        return NULL;
    association->output = *output;
    association->state_told = true;
    association->streams_out = streams_out;
    association->streams_in = streams_in;
    association->address = free_address();
    assert(association->address != 0);
    library.associations[association->address] = association;
    library.count++;
    if (association->address > library.registered) {
        usrsctp_register_address(address_of(association->address));
        library.registered = association->address;
    }
    if (!association_open(association)) {
        association_destroy(association);
        return NULL;
    }
    return association;
}

void association_destroy(struct association *association) {
    if (!association)
        return;
    if (association->socket) {
        usrsctp_set_upcall(association->socket, NULL, NULL);
        usrsctp_close(association->socket);
    }
    library.associations[association->address] = NULL;
    library.count--;
    free(association->partial);
    free(association);
}

static void association_enter(struct association *association, enum data_state state) {
    if (association->state == DATA_STATE_FAILED || association->state == DATA_STATE_CLOSED ||
        association->state == state)
        return;
    association->state = state;
    association->state_told = false;
    association->output.wake(association->output.ctx);
}

void association_connect(struct association *association) {
    if (association->state != DATA_STATE_NEW)
        return;
    struct sockaddr_conn address = sockaddr_of(association);
    int err = usrsctp_connect(association->socket, (struct sockaddr *)(void *)&address, sizeof address);
    association_enter(association,
                      err == 0 || errno == EINPROGRESS ? DATA_STATE_CONNECTING : DATA_STATE_FAILED);
}

// Who sends before we have asked has the path too: it is asked first, so that its question finds a socket
// that waits for an answer.
bool association_input(struct association *association, struct span packet) {
    if (!screen_sctp_packet(packet))
        return false;
    association_connect(association);
    usrsctp_conninput(address_of(association->address), packet.ptr, packet.len, 0);
    return true;
}

enum data_state association_state(const struct association *association) {
    return association->state;
}

// ---- streams that close

// One request is under way at a time (RFC 6525, section 5.1): what is asked meanwhile goes with the next.
static void association_ask_resets(struct association *association) {
    if (!association->some_reset_wanted || association->state != DATA_STATE_CONNECTED)
        return;
    union {
        struct sctp_reset_streams head;
        uint8_t bytes[sizeof(struct sctp_reset_streams) + RESETS_LIST_MAX * sizeof(uint16_t)];
    } request = {.head = {.srs_flags = SCTP_STREAM_RESET_OUTGOING}};
    uint16_t list[RESETS_LIST_MAX], count = 0;
    for (unsigned word = 0; word < RESET_WORDS; word++)
        for (uint64_t bits = association->reset_wanted[word]; bits != 0 && count < RESETS_LIST_MAX;
             bits &= bits - 1)
            list[count++] = (uint16_t)(word * 64 + (unsigned)__builtin_ctzll(bits));
    request.head.srs_number_streams = count;
    memcpy(request.bytes + sizeof request.head, list, count * sizeof list[0]);
    size_t len = sizeof request.head + count * sizeof list[0];
    if (count > 0 && !socket_set(association->socket, IPPROTO_SCTP, SCTP_RESET_STREAMS, &request, len))
        return; // EALREADY: again when that one is through
    for (uint16_t n = 0; n < count; n++)
        association->reset_wanted[list[n] / 64] &= ~(UINT64_C(1) << list[n] % 64);
    association->some_reset_wanted = count == RESETS_LIST_MAX;
}

// Once for each use of a stream: if each end answered each reset with one of its own, two ends of our kind
// would answer each other's answers for ever.
static void association_want_reset(struct association *association, uint16_t stream) {
    if (stream >= association->streams_out || association->out_closed[stream / 64] >> stream % 64 & 1)
        return;
    association->out_closed[stream / 64] |= UINT64_C(1) << stream % 64;
    association->reset_wanted[stream / 64] |= UINT64_C(1) << stream % 64;
    association->some_reset_wanted = true;
}

void association_use_stream(struct association *association, uint16_t stream) {
    if (stream < DATA_STREAMS_MAX)
        association->out_closed[stream / 64] &= ~(UINT64_C(1) << stream % 64);
}

void association_reset_stream(struct association *association, uint16_t stream) {
    association_want_reset(association, stream);
    association_ask_resets(association);
}

// The peer has closed a stream, by itself or in answer; ours, if it is open, is closed with the others of its
// request, by association_notified.
static void association_note_reset(struct association *association, uint16_t stream) {
    if (stream >= DATA_STREAMS_MAX)
        return;
    association->resets_come[stream / 64] |= UINT64_C(1) << stream % 64;
    association->some_reset_come = true;
    association_want_reset(association, stream);
}

static void association_note_resets(struct association *association,
                                    const struct sctp_stream_reset_event *event, size_t len) {
    if (event->strreset_flags & (SCTP_STREAM_RESET_DENIED | SCTP_STREAM_RESET_FAILED) ||
        !(event->strreset_flags & SCTP_STREAM_RESET_INCOMING_SSN))
        return;
    size_t count = (len - sizeof *event) / sizeof event->strreset_stream_list[0];
    for (size_t i = 0; i < count; i++)
        association_note_reset(association, event->strreset_stream_list[i]);
    for (uint16_t all = 0; count == 0 && all < association->streams_in;
         all++) // no list: RFC 6525, section 4.1
        association_note_reset(association, all);
}

// One of those that have come; false: none.
static bool association_take_reset(struct association *association, uint16_t *stream) {
    for (unsigned word = 0; association->some_reset_come && word < RESET_WORDS; word++) {
        uint64_t bits = association->resets_come[word];
        if (bits == 0)
            continue;
        *stream = (uint16_t)(word * 64 + (unsigned)__builtin_ctzll(bits));
        association->resets_come[word] = bits & (bits - 1);
        return true;
    }
    association->some_reset_come = false;
    return false;
}

// ---- in

static void association_drop_partial(struct association *association) {
    free(association->partial);
    association->partial = NULL;
    association->partial_len = association->partial_cap = 0;
}

static enum data_state state_of_change(const struct sctp_assoc_change *change, enum data_state before) {
    switch (change->sac_state) {
    case SCTP_COMM_UP:
    case SCTP_RESTART:
        return DATA_STATE_CONNECTED;
    case SCTP_COMM_LOST:
        return change->sac_length > sizeof *change ? DATA_STATE_CLOSED : DATA_STATE_FAILED; // by its ABORT
    case SCTP_CANT_STR_ASSOC:
        return DATA_STATE_FAILED;
    case SCTP_SHUTDOWN_COMP:
        return DATA_STATE_CLOSED;
    default:
        return before;
    }
}

static void association_notified(struct association *association, struct span bytes) {
    union sctp_notification *note = (union sctp_notification *)(void *)(uintptr_t)bytes.ptr;
    if (bytes.len < sizeof note->sn_header)
        return;
    switch (note->sn_header.sn_type) {
    case SCTP_ASSOC_CHANGE:
        if (bytes.len >= sizeof note->sn_assoc_change) {
            if (note->sn_assoc_change.sac_state == SCTP_RESTART) // the peer knows of no stream before
                memset(association->out_closed, 0, sizeof association->out_closed);
            association_enter(association, state_of_change(&note->sn_assoc_change, association->state));
        }
        association_ask_resets(association);
        break;
    case SCTP_SHUTDOWN_EVENT:
        association_enter(association, DATA_STATE_CLOSED);
        break;
    case SCTP_STREAM_RESET_EVENT:
        if (bytes.len >= sizeof note->sn_strreset_event)
            association_note_resets(association, &note->sn_strreset_event, bytes.len);
        association_ask_resets(association);
        break;
    case SCTP_PARTIAL_DELIVERY_EVENT: // its rest never comes
        association_drop_partial(association);
        association->skipping = false;
        break;
    default:
        break;
    }
}

// A part of a message whose other parts are elsewhere. False: it is dropped.
static bool association_keep_part(struct association *association, struct span part) {
    size_t len = association->partial_len + part.len;
    if (len > DATA_MESSAGE_MAX)
        return false;
    if (len > association->partial_cap) {
        size_t cap = len < DATA_MESSAGE_MAX / 2 ? 2 * len : DATA_MESSAGE_MAX;
        uint8_t *partial = realloc(association->partial, cap);
        if (!partial)
            return false;
        association->partial = partial;
        association->partial_cap = cap;
    }
    memcpy(association->partial + association->partial_len, part.ptr, part.len);
    association->partial_len = len;
    return true;
}

// What a read gave; NOTHING: more is to be read before something can be told.
static enum association_got association_take(struct association *association, struct span part, bool last,
                                             struct association_message *out) {
    if (association->skipping) {
        association->skipping = !last;
        return ASSOCIATION_NOTHING;
    }
    if (association->partial_len == 0 && last && part.len <= DATA_MESSAGE_MAX) {
        out->bytes = part;
        return ASSOCIATION_MESSAGE;
    }
    if (!association_keep_part(association, part)) {
        association_drop_partial(association);
        association->skipping = !last;
        return ASSOCIATION_TOO_BIG;
    }
    if (!last)
        return ASSOCIATION_NOTHING;
    memcpy(library.scratch, association->partial, association->partial_len);
    out->bytes = span_of(library.scratch, association->partial_len);
    association_drop_partial(association);
    return ASSOCIATION_MESSAGE;
}

// One read. NOTHING with *more: it was of no interest by itself.
static enum association_got association_read(struct association *association, struct association_message *out,
                                             bool *more) {
    struct sctp_rcvinfo info = {0};
    struct sockaddr_conn from;
    socklen_t from_len = sizeof from, info_len = sizeof info;
    unsigned info_type = 0;
    int flags = 0;
    ssize_t len =
        usrsctp_recvv(association->socket, library.scratch, SCRATCH_BYTES, (struct sockaddr *)(void *)&from,
                      &from_len, &info, &info_len, &info_type, &flags);
    *more = len > 0;
    if (len <= 0)
        return ASSOCIATION_NOTHING;
    struct span part = span_of(library.scratch, (size_t)len);
    if (flags & MSG_NOTIFICATION) {
        if (flags & MSG_EOR)
            association_notified(association, part);
        return ASSOCIATION_NOTHING;
    }
    association_use_stream(association, info.rcv_sid);
    out->stream = info.rcv_sid;
    out->ppid = ntohl(info.rcv_ppid);
    return association_take(association, part, flags & MSG_EOR, out);
}

enum association_got association_receive(struct association *association, struct association_message *out) {
    enum association_got got = ASSOCIATION_NOTHING;
    bool more = true;
    *out = (struct association_message){0};
    while (more) {
        if (!association->state_told) {
            association->state_told = true;
            return ASSOCIATION_STATE;
        }
        if (association_take_reset(association, &out->stream))
            return ASSOCIATION_RESET;
        got = association_read(association, out, &more);
        if (got != ASSOCIATION_NOTHING)
            return got;
    }
    return ASSOCIATION_NOTHING;
}

// ---- out

static enum err err_of_send(void) {
    switch (errno) {
    case EWOULDBLOCK:
    case ENOBUFS:
    case ENOMEM:
        return ERR_AGAIN;
    case EINVAL: // a stream that the peer does not have
    case ENOTCONN:
        return ERR_WRONG_STATE;
    default:
        return ERR_IO;
    }
}

// What the library still holds for the peer, with the headers of its chunks. The option is as old as the
// library's interface, and missing in its header.
static uint32_t association_queued_bytes(const struct association *association) {
    struct {
        sctp_assoc_t id;
        uint32_t to_send, received;
    } use = {0};
    const int get_buffer_use = 0x1101; // SCTP_GET_SNDBUF_USE
    socklen_t len = sizeof use;
    if (usrsctp_getsockopt(association->socket, IPPROTO_SCTP, get_buffer_use, &use, &len) != 0)
        return UINT32_MAX;
    return use.to_send;
}

uint32_t association_waiting_bytes(const struct association *association) {
    uint32_t bytes = association->state == DATA_STATE_CONNECTED ? association_queued_bytes(association) : 0;
    return bytes == UINT32_MAX ? 0 : bytes;
}

// The library bounds bytes, and a byte of a message of its own takes hundreds: so messages are counted by the
// batch, and a batch is gone when what is queued is no more than the ones behind it.
static bool association_has_room(struct association *association) {
    if (association->batches < BATCHES_MAX || association->batch_left > 0)
        return true;
    uint32_t queued = association_queued_bytes(association), gone = 0, all = 0;
    for (unsigned i = 0; i < association->batches; i++)
        all += association->batch_bytes[i];
    for (; gone < association->batches && all - association->batch_bytes[gone] >= queued; gone++)
        all -= association->batch_bytes[gone];
    association->batches -= gone;
    memmove(association->batch_bytes, association->batch_bytes + gone,
            association->batches * sizeof association->batch_bytes[0]);
    return gone > 0;
}

static void association_count_sent(struct association *association, size_t len) {
    if (association->batch_left == 0) {
        assert(association->batches < BATCHES_MAX);
        association->batch_bytes[association->batches++] = 0;
        association->batch_left = BATCH_MESSAGES;
    }
    association->batch_left--;
    association->batch_bytes[association->batches - 1] += (uint32_t)len;
}

enum err association_send(struct association *association, const struct data_stream *stream, uint32_t ppid,
                          struct span message) {
    if (association->state != DATA_STATE_CONNECTED || stream->id >= association->streams_out)
        return ERR_WRONG_STATE;
    assert(message.len > 0 && message.len <= DATA_MESSAGE_MAX);
    if (!association_has_room(association))
        return ERR_AGAIN;
    struct sctp_sendv_spa spa = {.sendv_flags = SCTP_SEND_SNDINFO_VALID,
                                 .sendv_sndinfo = {.snd_sid = stream->id,
                                                   .snd_flags = stream->ordered ? 0 : SCTP_UNORDERED,
                                                   .snd_ppid = htonl(ppid)}};
    if (stream->reliability != DATA_RELIABLE) {
        spa.sendv_flags |= SCTP_SEND_PRINFO_VALID;
        spa.sendv_prinfo.pr_policy =
            stream->reliability == DATA_MAX_RETRANSMITS ? SCTP_PR_SCTP_RTX : SCTP_PR_SCTP_TTL;
        // A lifetime of nothing would be none at all to the library.
        spa.sendv_prinfo.pr_value =
            stream->limit == 0 && stream->reliability == DATA_MAX_LIFETIME ? 1 : stream->limit;
    }
    ssize_t sent = usrsctp_sendv(association->socket, message.ptr, message.len, NULL, 0, &spa, sizeof spa,
                                 SCTP_SENDV_SPA, 0);
    if (sent < 0)
        return err_of_send();
    assert((size_t)sent == message.len);
    association_use_stream(association, stream->id);
    association_count_sent(association, message.len);
    return ERR_OK;
}
