// The program that steers datagrams, run here as the kernel runs it, against udp_steer_key. The input: a byte
// for the family, one for how many senders are known, 19 bytes of address, port and socket for each, then
// datagrams as the kernel sees them from their IP header on.
#include "transport/udp_steer.h"

#include "base/bytes.h"

#include <assert.h>
#include <linux/filter.h>
#include <stdlib.h>

#define SENDER_BYTES 19
#define DATAGRAM_BYTES 48 // as far as the program looks, and beyond
#define NO_SOCKET UINT32_MAX

struct machine {
    uint32_t a, x;
    struct span packet;
    bool over; // the program has ended, or looked beyond the packet: the kernel returns 0 then
    uint32_t result;
};

static uint32_t load(struct machine *m, uint32_t k, size_t size) {
    size_t at = k - (uint32_t)SKF_NET_OFF;
    if (at + size > m->packet.len) {
        m->over = true;
        m->result = 0;
        return 0;
    }
    return size == 4 ? load_be32(m->packet.ptr + at) : load_be16(m->packet.ptr + at);
}

// One instruction; returns how many to skip after it.
static uint32_t step(struct machine *m, const struct sock_filter *f) {
    switch (f->code) {
    case BPF_LD | BPF_W | BPF_ABS:
        m->a = load(m, f->k, 4);
        return 0;
    case BPF_LD | BPF_H | BPF_ABS:
        m->a = load(m, f->k, 2);
        return 0;
    case BPF_ALU | BPF_XOR | BPF_X:
        m->a ^= m->x;
        return 0;
    case BPF_ALU | BPF_MUL | BPF_K:
        m->a *= f->k;
        return 0;
    case BPF_MISC | BPF_TAX:
        m->x = m->a;
        return 0;
    case BPF_JMP | BPF_JEQ | BPF_K:
        return m->a == f->k ? f->jt : f->jf;
    case BPF_JMP | BPF_JGE | BPF_K:
        return m->a >= f->k ? f->jt : f->jf;
    case BPF_JMP | BPF_JA:
        return f->k;
    case BPF_RET | BPF_K:
        m->over = true;
        m->result = f->k;
        return 0;
    default:
        abort(); // nothing else is ever written
    }
}

static uint32_t run(const struct sock_filter *program, unsigned len, struct span packet) {
    struct machine m = {.packet = packet};
    for (uint64_t at = 0; !m.over;) {
        assert(at < len);
        at += 1 + (uint64_t)step(&m, &program[at]);
    }
    return m.result;
}

static struct addr sender_read(struct reader *r, int family) {
    struct addr a = {.family = (uint8_t)family};
    uint8_t ip[16] = {0};
    const uint8_t *bytes = read_raw(r, sizeof ip);
    if (bytes)
        memcpy(ip, bytes, sizeof ip);
    memcpy(a.ip, ip, family == 4 ? 4 : 16);
    a.port = read_u16(r);
    return a;
}

static struct span packet_of(const struct addr *sender, uint8_t out[DATAGRAM_BYTES]) {
    memset(out, 0x45, DATAGRAM_BYTES);
    bool ip6 = sender->family == 6;
    memcpy(out + (ip6 ? 8 : 12), sender->ip, ip6 ? 16 : 4);
    store_be16(out + (ip6 ? 40 : 20), sender->port);
    return span_of(out, DATAGRAM_BYTES);
}

// By key, each once: as `server/media/steering.c` keeps them.
static unsigned entry_insert(struct steer_entry *entries, unsigned count, struct steer_entry entry) {
    unsigned at = 0;
    while (at < count && entries[at].key < entry.key)
        at++;
    if (at < count && entries[at].key == entry.key)
        return count;
    memmove(&entries[at + 1], &entries[at], (count - at) * sizeof *entries);
    entries[at] = entry;
    return count + 1;
}

static uint32_t expected(const struct steer_entry *entries, unsigned count, uint32_t key) {
    for (unsigned i = 0; i < count; i++)
        if (entries[i].key == key)
            return entries[i].socket;
    return NO_SOCKET;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct sock_filter program[UDP_STEER_PROGRAM_MAX];
    struct steer_entry entries[UDP_STEER_MAX + 1];
    struct addr senders[256];
    unsigned count = 0, known = 0;
    struct reader r = reader_of(span_of(data, size));
    int family = read_u8(&r) & 1 ? 6 : 4;
    unsigned many = read_u8(&r);
    // Beside the known ones a row of others, so that trees of every size come.
    for (unsigned i = 0; i < many * 3 && i < UDP_STEER_MAX - 256; i++)
        count = entry_insert(entries, count, (struct steer_entry){i * UINT32_C(0x01234567), (uint8_t)i});
    while (r.left >= SENDER_BYTES && known < many) {
        senders[known] = sender_read(&r, family);
        struct steer_entry entry = {udp_steer_key(&senders[known++]), read_u8(&r)};
        count = entry_insert(entries, count, entry);
    }
    unsigned len = udp_steer_program(family, entries, count, program);
    assert(len > 0 && len <= BPF_MAXINSNS);
    uint8_t bytes[DATAGRAM_BYTES];
    for (unsigned i = 0; i < known; i++)
        assert(run(program, len, packet_of(&senders[i], bytes)) ==
               expected(entries, count, udp_steer_key(&senders[i])));
    while (r.left >= SENDER_BYTES) {
        struct addr stranger = sender_read(&r, family);
        read_u8(&r);
        assert(run(program, len, packet_of(&stranger, bytes)) ==
               expected(entries, count, udp_steer_key(&stranger)));
    }
    (void)run(program, len, span_of(r.ptr, r.left)); // cut short: it must end all the same
    return 0;
}
