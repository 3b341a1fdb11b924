#include "transport/udp_steer.h"

#include "base/bytes.h"

#include <assert.h>
#include <linux/filter.h>

#define KEY_FACTOR UINT32_C(0x9e3779b1)
#define KEY_WORD_INSTRUCTIONS 4 // at most, for each word of the address
#define KEY_INSTRUCTIONS (4 * KEY_WORD_INSTRUCTIONS + 2)
#define LEAF_INSTRUCTIONS 3
#define NODE_INSTRUCTIONS 2
#define NO_SOCKET UINT32_MAX // the kernel falls back to its hash

_Static_assert(KEY_INSTRUCTIONS + UDP_STEER_MAX * (LEAF_INSTRUCTIONS + NODE_INSTRUCTIONS) <= BPF_MAXINSNS &&
                   UDP_STEER_PROGRAM_MAX >= BPF_MAXINSNS,
               "the kernel takes the longest program");

// Where the kernel keeps what is looked at, from the start of the IP header. A header with options is longer:
// then the port is not where it is looked for, and the datagram is spread as any other.
static const struct layout {
    unsigned address, words, port;
} layouts[] = {{.address = 12, .words = 1, .port = 20}, {.address = 8, .words = 4, .port = 40}};

static const struct layout *layout_of(int family) {
    assert(family == 4 || family == 6);
    return &layouts[family == 6];
}

uint32_t udp_steer_key(const struct addr *remote) {
    uint32_t key = 0;
    for (unsigned i = 0; i < layout_of(remote->family)->words; i++)
        key = (load_be32(remote->ip + 4 * i) ^ key) * KEY_FACTOR;
    return key ^ remote->port;
}

struct program {
    struct sock_filter *out;
    unsigned len;
};

static struct sock_filter *emit(struct program *p, unsigned code, uint32_t k) {
    assert(p->len < UDP_STEER_PROGRAM_MAX);
    struct sock_filter *f = &p->out[p->len++];
    *f = (struct sock_filter){.code = (uint16_t)code, .k = k};
    return f;
}

static void emit_load(struct program *p, unsigned size, unsigned at) {
    emit(p, BPF_LD | size | BPF_ABS, (uint32_t)SKF_NET_OFF + at);
}

// The sender's key in the accumulator, as udp_steer_key makes it.
static void emit_key(struct program *p, const struct layout *layout) {
    for (unsigned i = 0; i < layout->words; i++) {
        emit_load(p, BPF_W, layout->address + 4 * i);
        if (i > 0)
            emit(p, BPF_ALU | BPF_XOR | BPF_X, 0);
        emit(p, BPF_ALU | BPF_MUL | BPF_K, KEY_FACTOR);
        emit(p, BPF_MISC | BPF_TAX, 0);
    }
    emit_load(p, BPF_H, layout->port);
    emit(p, BPF_ALU | BPF_XOR | BPF_X, 0);
}

// Jumps lead forward only; a conditional one reaches 255 instructions, so it skips one that reaches all.
static void emit_tree(struct program *p, const struct steer_entry *entries, unsigned count) {
    if (count == 0) {
        emit(p, BPF_RET | BPF_K, NO_SOCKET);
        return;
    }
    if (count == 1) {
        emit(p, BPF_JMP | BPF_JEQ | BPF_K, entries->key)->jf = 1;
        emit(p, BPF_RET | BPF_K, entries->socket);
        emit(p, BPF_RET | BPF_K, NO_SOCKET);
        return;
    }
    unsigned lower = count / 2;
    assert(entries[lower - 1].key < entries[lower].key);
    emit(p, BPF_JMP | BPF_JGE | BPF_K, entries[lower].key)->jf = 1;
    struct sock_filter *jump = emit(p, BPF_JMP | BPF_JA, 0);
    unsigned from = p->len;
    emit_tree(p, entries, lower);
    jump->k = p->len - from;
    emit_tree(p, entries + lower, count - lower);
}

unsigned udp_steer_program(int family, const struct steer_entry *entries, unsigned count,
                           struct sock_filter *program) {
    assert(count <= UDP_STEER_MAX);
    struct program p = {.out = program};
    emit_key(&p, layout_of(family));
    emit_tree(&p, entries, count);
    return p.len;
}
