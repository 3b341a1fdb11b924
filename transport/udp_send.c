#include "transport/udp_send.h"

#include "base/bytes.h"
#include "base/entropy.h"
#include "base/log.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdlib.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define SEND_BATCH 32 // messages of one sendmmsg; more gains nothing
#define SEND_MESSAGE_BYTES_MAX 65000
#define SEND_CHAIN_SLOTS (UDP_PORT_QUEUE_MAX * 2)
// Dropping from the middle leaves gaps. They are closed when the ring is full of them, which takes as many
// drops.
#define SEND_RING (UDP_PORT_QUEUE_MAX * 2)
#define SEND_CONTROL_BYTES (CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(uint16_t)))
#define LOOK_AHEAD (2 * UDP_PORT_SEGMENTS) // datagrams of a tuple that are looked at to fill one message
#define NONE UINT32_MAX

_Static_assert((UDP_PORT_QUEUE_MAX & (UDP_PORT_QUEUE_MAX - 1)) == 0, "ring of a power of two");
_Static_assert(BLOCK_CAPACITY < SEND_MESSAGE_BYTES_MAX, "one datagram always fits a message");

struct send_entry {
    struct tuple to;
    struct block *block; // NULL: sent or dropped
    uint32_t next;       // the next one of this tuple, for the time of a flush
    uint32_t flow;       // what must stay in order: an SSRC, or 0
};

struct send_chain { // the datagrams of one tuple, for the time of a flush
    uint32_t first, last;
};

struct send_slot {  // of the hash table from tuple to chain
    uint32_t flush; // valid when it is the present one: nothing needs clearing
    uint32_t chain;
};

struct send_message {
    uint32_t first, count; // entries of one chain
    struct sockaddr_storage name;
    _Alignas(struct cmsghdr) uint8_t control[SEND_CONTROL_BYTES];
};

struct udp_send {
    struct udp_port_counters *counters;
    bool segmentation;
    uint32_t refusals; // in a row
    uint64_t hash_seed;
    uint32_t head, count; // of the ring, gaps included
    uint32_t full_at;     // entries at which the queue is full: UDP_PORT_QUEUE_MAX, and the gaps among them
    uint32_t no_video;    // so many entries from the head on are known to be gaps or to be kept
    uint32_t backlog;
    uint32_t flush, chain_count, last_chain;
    bool chains_stale; // something left the queue by its head: build them anew
    uint32_t batched;  // messages being collected
    uint32_t iovecs_used;
    struct send_message messages[SEND_BATCH];
    struct mmsghdr headers[SEND_BATCH];
    struct iovec iovecs[SEND_BATCH * UDP_PORT_SEGMENTS];
    struct send_slot slots[SEND_CHAIN_SLOTS];
    struct send_chain chains[UDP_PORT_QUEUE_MAX];
    uint8_t worth[SEND_RING]; // enum udp_worth of each entry
    struct send_entry entries[SEND_RING];
};

struct udp_send *udp_send_create(struct udp_port_counters *counters, bool segmentation) {
    struct udp_send *send = calloc(1, sizeof *send); // pages are touched as the queue grows
    if (!send)
        return NULL;
    send->counters = counters;
    send->segmentation = segmentation;
    send->hash_seed = entropy_u64() | 1;
    send->flush = 1; // no slot has this mark
    send->full_at = UDP_PORT_QUEUE_MAX;
    return send;
}

static struct send_entry *send_entry_at(struct udp_send *send, uint32_t i) {
    return &send->entries[(send->head + i) & (SEND_RING - 1)];
}

static uint8_t *send_worth_at(struct udp_send *send, uint32_t i) {
    return &send->worth[(send->head + i) & (SEND_RING - 1)];
}

void udp_send_destroy(struct udp_send *send) {
    if (!send)
        return;
    for (uint32_t i = 0; i < send->count; i++)
        block_release(send_entry_at(send, i)->block);
    free(send);
}

bool udp_send_full(const struct udp_send *send) {
    return send->count == send->full_at;
}

uint32_t udp_send_backlog(const struct udp_send *send) {
    return send->backlog;
}

// Grouping

static uint64_t tuple_hash(const struct tuple *tuple, uint64_t seed) {
    uint64_t words[sizeof *tuple / 8], hash = seed;
    memcpy(words, tuple, sizeof words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        __extension__ unsigned __int128 product =
            (unsigned __int128)(hash ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15);
        hash = (uint64_t)product ^ (uint64_t)(product >> 64) ^ seed;
    }
    return hash;
}

// The slot of the tuple's chain, or the free one where it belongs. At most half of them are taken.
static struct send_slot *send_slot_find(struct udp_send *send, const struct tuple *tuple) {
    uint32_t i = (uint32_t)tuple_hash(tuple, send->hash_seed);
    for (;; i++) {
        struct send_slot *slot = &send->slots[i & (SEND_CHAIN_SLOTS - 1)];
        if (slot->flush != send->flush ||
            tuple_equal(&send->entries[send->chains[slot->chain].first].to, tuple))
            return slot;
    }
}

// The chain that the last datagram joined is tried first: what is for one peer mostly comes in a row.
static bool send_last_is_of(const struct udp_send *send, const struct tuple *to) {
    return send->chain_count > 0 && tuple_equal(&send->entries[send->chains[send->last_chain].first].to, to);
}

static void send_chain_append(struct udp_send *send, uint32_t entry) {
    if (!send_last_is_of(send, &send->entries[entry].to)) {
        struct send_slot *slot = send_slot_find(send, &send->entries[entry].to);
        if (slot->flush != send->flush) {
            assert(send->chain_count < UDP_PORT_QUEUE_MAX);
            *slot = (struct send_slot){.flush = send->flush, .chain = send->chain_count};
            send->last_chain = send->chain_count;
            send->chains[send->chain_count++] = (struct send_chain){.first = entry, .last = entry};
            return;
        }
        send->last_chain = slot->chain;
    }
    struct send_chain *chain = &send->chains[send->last_chain];
    send->entries[chain->last].next = entry;
    chain->last = entry;
}

// RTP and RTCP of one SSRC must stay in order; streams may overtake each other within a flush. SRTP leaves
// both SSRCs in the clear (RFC 3711, sections 3.1 and 3.4); other datagrams have none.
static uint32_t flow_of(struct block *block) {
    const uint8_t *bytes = block_data(block);
    if (block->len < 12 || bytes[0] < 128 || bytes[0] > 191) // RFC 7983, section 7
        return 0;
    bool rtcp = bytes[1] >= 192 && bytes[1] <= 223; // RFC 5761, section 4
    return load_be32(bytes + (rtcp ? 4 : 8));
}

// Closes the gaps of what was sent or dropped; the rest keeps its order.
static void send_compact(struct udp_send *send) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < send->count; i++) {
        struct send_entry *entry = send_entry_at(send, i);
        if (!entry->block)
            continue;
        if (kept != i) {
            *send_entry_at(send, kept) = *entry;
            *send_worth_at(send, kept) = *send_worth_at(send, i);
        }
        kept++;
    }
    send->count = kept;
    send->no_video = 0;
    send->full_at = UDP_PORT_QUEUE_MAX;
}

static void send_drop_head(struct udp_send *send) {
    send->head++;
    send->count--;
    send->no_video -= send->no_video > 0;
}

// Drops the oldest that may be dropped first, else the oldest of all. False: what is to be queued is itself
// the only one that may. Each entry is looked at once: those before `no_video` stay what they are.
static bool send_make_room(struct udp_send *send, enum udp_worth worth) {
    assert(send_entry_at(send, 0)->block);
    while (send->no_video < send->count &&
           (*send_worth_at(send, send->no_video) == UDP_KEEP || !send_entry_at(send, send->no_video)->block))
        send->no_video++;
    send->counters->queue_dropped++;
    if (send->no_video == send->count && worth == UDP_DROP_FIRST)
        return false;
    uint32_t victim = send->no_video < send->count ? send->no_video : 0;
    struct send_entry *entry = send_entry_at(send, victim);
    block_release(entry->block);
    entry->block = NULL;
    send->chains_stale = true;
    send->backlog -= send->backlog > 0;
    send->full_at++;
    for (; send->count > 0 && !send_entry_at(send, 0)->block; send->full_at--)
        send_drop_head(send);
    if (send->count == SEND_RING)
        send_compact(send);
    return true;
}

bool udp_send_queue(struct udp_send *send, const struct tuple *to, struct block *block,
                    enum udp_worth worth) {
    assert(block && block->start + block->len <= BLOCK_CAPACITY);
    assert(to->protocol == TUPLE_UDP && (to->remote.family == 4 || to->remote.family == 6));
    bool room = !udp_send_full(send);
    if (!room && !send_make_room(send, worth)) {
        block_release(block);
        return false;
    }
    *send_worth_at(send, send->count) = (uint8_t)worth;
    struct send_entry *entry = send_entry_at(send, send->count++);
    *entry = (struct send_entry){.to = *to, .block = block, .next = NONE, .flow = flow_of(block)};
    if (!send->chains_stale)
        send_chain_append(send, (uint32_t)(entry - send->entries));
    return room;
}

bool udp_send_ripe(const struct udp_send *send, const struct tuple *next) {
    return send->count >= UDP_SEND_RIPE && send->backlog == 0 && !send_last_is_of(send, next);
}

static void send_chains_clear(struct udp_send *send) {
    if (++send->flush == 0) { // wrapped: old marks would look new
        memset(send->slots, 0, sizeof send->slots);
        send->flush = 1;
    }
    send->chain_count = 0;
    send->chains_stale = false;
}

static void send_chains_build(struct udp_send *send) {
    send_chains_clear(send);
    for (uint32_t i = 0; i < send->count; i++) {
        struct send_entry *entry = send_entry_at(send, i);
        if (!entry->block)
            continue;
        entry->next = NONE;
        send_chain_append(send, (uint32_t)(entry - send->entries));
    }
}

// One bit of 64 for each flow: enough to say "surely not seen".
static uint64_t flow_bit(uint32_t flow) {
    return UINT64_C(1) << ((flow * UINT32_C(2654435761)) >> 26);
}

// Takes the datagrams of the next message off a chain: the first one, those of its size that may overtake
// what stays behind, and a shorter one that may be the last segment. They are linked to each other; `*chain`
// becomes what is left. Returns how many.
static uint32_t send_take_run(struct udp_send *send, uint32_t *chain) {
    uint32_t first = *chain, tail = first, count = 1, bytes = send->entries[first].block->len;
    uint32_t segment = bytes, rest = NONE, rest_tail = NONE, next = send->entries[first].next;
    uint64_t stay = 0; // flows of which something stays behind
    bool more = send->segmentation && segment > 0;
    for (uint32_t seen = 0; more && next != NONE && seen < LOOK_AHEAD; seen++) {
        uint32_t i = next, len = send->entries[i].block->len;
        uint64_t bit = flow_bit(send->entries[i].flow);
        next = send->entries[i].next;
        if (len == segment && !(stay & bit) && bytes + len <= SEND_MESSAGE_BYTES_MAX) {
            tail = send->entries[tail].next = i;
            bytes += len;
            more = ++count < UDP_PORT_SEGMENTS;
            continue;
        }
        stay |= bit;
        if (rest == NONE)
            rest = i;
        else
            send->entries[rest_tail].next = i;
        rest_tail = i;
    }
    if (rest == NONE)
        rest = next;
    else
        send->entries[rest_tail].next = next;
    // The first that stays behind overtakes nothing of its own flow. An empty datagram cannot be a segment.
    uint32_t len = rest == NONE ? 0 : send->entries[rest].block->len;
    if (more && len > 0 && len < segment && bytes + len <= SEND_MESSAGE_BYTES_MAX) {
        tail = send->entries[tail].next = rest;
        rest = send->entries[rest].next;
        count++;
    }
    send->entries[tail].next = NONE;
    *chain = rest;
    return count;
}

// Messages

static size_t control_add(struct msghdr *header, size_t used, int level, int type, const void *data,
                          size_t len) {
    struct cmsghdr *c = (struct cmsghdr *)(void *)((uint8_t *)header->msg_control + used);
    assert(used + CMSG_SPACE(len) <= SEND_CONTROL_BYTES);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    memcpy(CMSG_DATA(c), data, len);
    return used + CMSG_SPACE(len);
}

// The source address, for a peer drops what comes from an address that it did not check. Said whenever it is
// known: that costs some 30 ns a message, and there is no cheaper way to learn what the kernel would choose.
static size_t control_add_source(struct msghdr *header, const struct addr *local) {
    if (local->family == 4) {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, local->ip, 4);
        return control_add(header, 0, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
    if (local->family == 6) {
        struct in6_pktinfo info = {.ipi6_ifindex = local->scope};
        memcpy(&info.ipi6_addr, local->ip, 16);
        return control_add(header, 0, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
    return 0;
}

// Describes `count` datagrams of a chain as one message.
static void message_build(struct udp_send *send, struct send_message *message, struct msghdr *header,
                          struct iovec *iovecs, uint32_t first, uint32_t count) {
    const struct tuple *to = &send->entries[first].to;
    message->first = first;
    message->count = count;
    *header = (struct msghdr){.msg_name = &message->name,
                              .msg_namelen = addr_to_sockaddr(&to->remote, &message->name),
                              .msg_iov = iovecs,
                              .msg_iovlen = count,
                              .msg_control = message->control};
    memset(message->control, 0, sizeof message->control);
    size_t control = control_add_source(header, &to->local);
    if (count > 1) {
        uint16_t segment = send->entries[first].block->len;
        control = control_add(header, control, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
    }
    header->msg_controllen = control;
    if (control == 0)
        header->msg_control = NULL;
    uint32_t entry = first;
    for (uint32_t i = 0; i < count; i++, entry = send->entries[entry].next) {
        struct block *block = send->entries[entry].block;
        iovecs[i] = (struct iovec){.iov_base = block_data(block), .iov_len = block->len};
    }
}

static void entry_finish(struct udp_send *send, struct send_entry *entry, bool sent) {
    if (sent) {
        send->counters->datagrams_out++;
        send->counters->bytes_out += entry->block->len;
    } else {
        send->counters->send_failed++;
    }
    block_release(entry->block);
    entry->block = NULL;
}

static void message_finish(struct udp_send *send, const struct send_message *message, bool sent) {
    uint32_t entry = message->first;
    for (uint32_t i = 0; i < message->count; i++, entry = send->entries[entry].next)
        entry_finish(send, &send->entries[entry], sent);
    send->counters->messages_out += sent;
    if (sent && message->count > 1) {
        send->counters->segmented_messages++;
        send->refusals = 0;
    }
}

static void segmentation_refused(struct udp_send *send, int cause) {
    if (++send->refusals < UDP_SEND_REFUSALS_MAX || !send->segmentation)
        return;
    send->segmentation = false;
    LOG_WARN("udp segmentation given up", LOG_TEXT("reason", strerrorname_np(cause)));
}

static bool errno_is_full(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

static bool errno_is_refusal(int error) {
    return error == EMSGSIZE || error == EINVAL || error == EIO;
}

// The datagrams of a refused message one by one. False: the socket is full.
static bool send_singly(struct udp_send *send, int fd, const struct send_message *run, int cause) {
    struct send_message message;
    struct msghdr header;
    struct iovec iovec;
    bool sent_any = false, full = false;
    uint32_t entry = run->first;
    for (uint32_t i = 0; i < run->count && !full; i++, entry = send->entries[entry].next) {
        message_build(send, &message, &header, &iovec, entry, 1);
        ssize_t n;
        do {
            n = sendmsg(fd, &header, 0);
            send->counters->send_calls++;
        } while (n < 0 && errno == EINTR);
        full = n < 0 && errno_is_full(errno);
        if (!full)
            entry_finish(send, &send->entries[entry], n >= 0);
        sent_any = sent_any || n >= 0;
    }
    if (sent_any) // it was the segmentation, not the address
        segmentation_refused(send, cause);
    return !full;
}

// Sends the collected messages. False: the socket is full.
static bool batch_send(struct udp_send *send, int fd) {
    uint32_t done = 0, n = send->batched;
    send->batched = 0;
    send->iovecs_used = 0;
    while (done < n) {
        int sent = sendmmsg(fd, send->headers + done, n - done, 0);
        send->counters->send_calls++;
        for (int i = 0; i < sent; i++)
            message_finish(send, &send->messages[done++], true);
        if (sent >= 0)
            continue; // the error of the first one not sent comes back with the next call
        int error = errno;
        if (error == EINTR)
            continue;
        if (errno_is_full(error))
            return false;
        // Unreachable, forbidden by a firewall, source address gone, no buffers: a matter of this message
        // alone.
        const struct send_message *message = &send->messages[done++];
        if (message->count == 1 || !errno_is_refusal(error))
            message_finish(send, message, false);
        else if (!send_singly(send, fd, message, error))
            return false;
    }
    return true;
}

static bool batch_add(struct udp_send *send, int fd, uint32_t first, uint32_t count) {
    uint32_t i = send->batched++;
    message_build(send, &send->messages[i], &send->headers[i].msg_hdr, send->iovecs + send->iovecs_used,
                  first, count);
    send->iovecs_used += count;
    return send->batched < SEND_BATCH || batch_send(send, fd);
}

// Everything of one family. False: the socket is full.
static bool send_family(struct udp_send *send, int family, int fd) {
    for (uint32_t c = 0; c < send->chain_count; c++) {
        uint32_t entry = send->chains[c].first;
        if (send->entries[entry].to.remote.family != family)
            continue;
        while (entry != NONE) {
            uint32_t first = entry, count = send_take_run(send, &entry);
            if (!batch_add(send, fd, first, count))
                return false;
        }
    }
    return batch_send(send, fd);
}

static void drop_family(struct udp_send *send, int family) {
    for (uint32_t i = 0; i < send->count; i++) {
        struct send_entry *entry = send_entry_at(send, i);
        if (entry->block && entry->to.remote.family == family)
            entry_finish(send, entry, false);
    }
}

void udp_send_flush(struct udp_send *send, int fd4, int fd6) {
    if (send->count == 0)
        return;
    if (send->chains_stale)
        send_chains_build(send);
    bool all = true;
    if (fd4 >= 0)
        all = send_family(send, 4, fd4) && all;
    else
        drop_family(send, 4);
    if (fd6 >= 0)
        all = send_family(send, 6, fd6) && all;
    else
        drop_family(send, 6);
    if (all) {
        send->count = send->no_video = 0;
        send->full_at = UDP_PORT_QUEUE_MAX;
    } else {
        send_compact(send);
    }
    send_chains_clear(send);
    send->backlog = send->count;
    send->chains_stale = send->count > 0;
}
