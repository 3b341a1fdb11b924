#include "transport/ice_screen.h"

#include <assert.h>
#include <linux/filter.h>
#include <stdint.h>
#include <sys/socket.h>

#define UDP_HEADER 8 // the program sees the datagram with it
#define STUN_HEADER 20
#define STUN_COOKIE UINT32_C(0x2112A442)
#define BINDING_SUCCESS 0x0101
#define CLASS_ERROR_BIT 0x0010
#define BINDING_ERROR (BINDING_SUCCESS | CLASS_ERROR_BIT)
#define DATA_INDICATION 0x0017
#define MESSAGE_INTEGRITY 0x0008
#define MESSAGE_INTEGRITY_BYTES 20
#define XOR_MAPPED_ADDRESS 0x0020
#define MAPPED_ADDRESS 0x0001
#define MAPPED_BYTES_IP4 8
#define MAPPED_BYTES_IP6 20
#define ERROR_CODE 0x0009
#define ERROR_CODE_MASK 0x07ff // class and number (RFC 8489, section 14.8)
#define ROLE_CONFLICT 0x0457   // 487
#define DATA_ATTRIBUTE 0x0013
#define DATA_ATTRIBUTES_BEFORE 6 // at most that stand before DATA in an indication
#define ATTRIBUTE_HEADER 4
#define CHANNEL_HEADER 4

#define PROGRAM_MAX 1280
#define ALL UINT32_MAX
#define NONE 0

// Places of the scratch memory.
enum { AT_END, AT_TYPE, AT_SEEN, AT_HEADER, AT_FAMILY };

struct program {
    struct sock_filter code[PROGRAM_MAX];
    unsigned len;
};

static void emit(struct program *p, unsigned code, uint32_t k) {
    assert(p->len < PROGRAM_MAX);
    p->code[p->len++] = (struct sock_filter){.code = (uint16_t)code, .k = k};
}

// Goes on with the next instruction, or leaves out `skip` of them.
static void emit_if(struct program *p, unsigned test, uint32_t k, unsigned skip_true, unsigned skip_false) {
    assert(p->len < PROGRAM_MAX);
    p->code[p->len++] = (struct sock_filter){
        .code = (uint16_t)(BPF_JMP | test), .jt = (uint8_t)skip_true, .jf = (uint8_t)skip_false, .k = k};
}

static void emit_return(struct program *p, uint32_t bytes) {
    emit(p, BPF_RET | BPF_K, bytes);
}

// Bytes from the place in X on; one that is not there drops the datagram.
static void emit_load(struct program *p, unsigned size, uint32_t at) {
    emit(p, BPF_LD | size | BPF_IND, at);
}

// X to the next attribute; in A is the length of this one.
static void emit_to_next(struct program *p) {
    emit(p, BPF_ALU | BPF_ADD | BPF_K, ATTRIBUTE_HEADER + 3);
    emit(p, BPF_ALU | BPF_AND | BPF_K, ~UINT32_C(3));
    emit(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    emit(p, BPF_MISC | BPF_TAX, 0);
}

static void emit_next_attribute(struct program *p) {
    emit_load(p, BPF_H, 2);
    emit_to_next(p);
}

// Behind the last attribute: good, unless it is an error that says no code, or an answer that says no
// address. Else what follows.
static void emit_end(struct program *p) {
    emit(p, BPF_LD | BPF_MEM, AT_END);
    emit_if(p, BPF_JGT | BPF_X, 0, 7, 0);
    emit(p, BPF_LD | BPF_MEM, AT_TYPE);
    emit(p, BPF_ALU | BPF_AND | BPF_K, ~(uint32_t)CLASS_ERROR_BIT);
    emit_if(p, BPF_JEQ | BPF_K, BINDING_SUCCESS, 0, 2);
    emit(p, BPF_LD | BPF_MEM, AT_SEEN);
    emit_if(p, BPF_JEQ | BPF_K, 0, 1, 0);
    emit_return(p, ALL);
    emit_return(p, NONE);
}

// In A is its type. MESSAGE-INTEGRITY has its length, and what has to be seen in an answer stands before it:
// libnice looks for nothing behind. 7 instructions; the last leads to `skip_drop` and `skip_fine` behind
// them.
static void emit_integrity(struct program *p, unsigned skip_other, unsigned skip_drop, unsigned skip_fine) {
    emit_if(p, BPF_JEQ | BPF_K, MESSAGE_INTEGRITY, 0, 6 + skip_other);
    emit(p, BPF_LD | BPF_MEM, AT_HEADER);
    emit_if(p, BPF_JEQ | BPF_K, MESSAGE_INTEGRITY << 16 | MESSAGE_INTEGRITY_BYTES, 0, 4 + skip_drop);
    emit(p, BPF_LD | BPF_MEM, AT_TYPE);
    emit_if(p, BPF_JEQ | BPF_K, BINDING_SUCCESS, 0, 2 + skip_fine);
    emit(p, BPF_LD | BPF_MEM, AT_SEEN);
    emit_if(p, BPF_JEQ | BPF_K, 0, skip_drop, skip_fine);
}

// Of a Binding error: only a conflict of roles. 5 instructions.
static void emit_error(struct program *p, unsigned skip_fine, unsigned skip_drop, unsigned skip_seen) {
    emit(p, BPF_LD | BPF_MEM, AT_TYPE);
    emit_if(p, BPF_JEQ | BPF_K, BINDING_ERROR, 0, 3 + skip_fine);
    emit_load(p, BPF_W, ATTRIBUTE_HEADER);
    emit(p, BPF_ALU | BPF_AND | BPF_K, ERROR_CODE_MASK);
    emit_if(p, BPF_JEQ | BPF_K, ROLE_CONFLICT, skip_seen, skip_drop);
}

// Of an answer: an address whose family has its length. 13 instructions.
static void emit_mapped(struct program *p, unsigned skip_fine, unsigned skip_drop, unsigned skip_seen) {
    emit(p, BPF_LD | BPF_MEM, AT_TYPE);
    emit_if(p, BPF_JEQ | BPF_K, BINDING_SUCCESS, 0, 11 + skip_fine);
    emit_load(p, BPF_W, ATTRIBUTE_HEADER);
    emit(p, BPF_ALU | BPF_RSH | BPF_K, 16); // a zero, and the family
    emit(p, BPF_ST, AT_FAMILY);
    emit(p, BPF_LD | BPF_MEM, AT_HEADER);
    emit(p, BPF_ALU | BPF_AND | BPF_K, 0xffff);
    emit_if(p, BPF_JEQ | BPF_K, MAPPED_BYTES_IP4, 1, 0);
    emit_if(p, BPF_JEQ | BPF_K, MAPPED_BYTES_IP6, 2, 2 + skip_drop);
    emit(p, BPF_LD | BPF_MEM, AT_FAMILY);
    emit_if(p, BPF_JEQ | BPF_K, 1, skip_seen + 2, skip_drop + 2);
    emit(p, BPF_LD | BPF_MEM, AT_FAMILY);
    emit_if(p, BPF_JEQ | BPF_K, 2, skip_seen, skip_drop);
}

static void emit_attribute(struct program *p) {
    enum { INTEGRITY = 7, ERROR = 5, MAPPED = 13 };
    emit_end(p);
    emit_load(p, BPF_W, 0);
    emit(p, BPF_ST, AT_HEADER);
    emit(p, BPF_ALU | BPF_RSH | BPF_K, 16);
    unsigned rest =
        3 + ERROR + MAPPED; // behind emit_integrity, until it is dropped; then it is seen, or fine
    emit_integrity(p, 0, rest, rest + 3);
    emit_if(p, BPF_JEQ | BPF_K, ERROR_CODE, 2, 0);
    emit_if(p, BPF_JEQ | BPF_K, XOR_MAPPED_ADDRESS, 1 + ERROR, 0);
    emit_if(p, BPF_JEQ | BPF_K, MAPPED_ADDRESS, ERROR, ERROR + MAPPED + 3);
    emit_error(p, MAPPED + 3, MAPPED, MAPPED + 1);
    emit_mapped(p, 3, 0, 1);
    emit_return(p, NONE);
    emit(p, BPF_LD | BPF_IMM, 1);
    emit(p, BPF_ST, AT_SEEN);
    emit(p, BPF_LD | BPF_MEM, AT_HEADER);
    emit(p, BPF_ALU | BPF_AND | BPF_K, 0xffff);
    emit_to_next(p);
}

// What begins at X: STUN is looked at, DTLS and RTP go through.
static void emit_message(struct program *p) {
    emit_load(p, BPF_B, 0);
    emit_if(p, BPF_JGE | BPF_K, 128, 0, 1);
    emit_return(p, ALL);
    emit_if(p, BPF_JGE | BPF_K, 64, 0, 1); // of TURN, inside of TURN or not of our server
    emit_return(p, ALL);
    emit_if(p, BPF_JGE | BPF_K, 20, 0, 4);
    emit_load(p, BPF_W, 4); // libnice takes for STUN whatever has its cookie
    emit_if(p, BPF_JEQ | BPF_K, STUN_COOKIE, 0, 1);
    emit_return(p, NONE);
    emit_return(p, ALL);
    emit_if(p, BPF_JGE | BPF_K, 4, 0, 1);
    emit_return(p, NONE);
    emit_load(p, BPF_H, 0);
    emit(p, BPF_ST, AT_TYPE);
    emit(p, BPF_LD | BPF_IMM, 0);
    emit(p, BPF_ST, AT_SEEN);
    emit_load(p, BPF_H, 2);
    emit(p, BPF_ALU | BPF_ADD | BPF_K, STUN_HEADER);
    emit(p, BPF_ALU | BPF_ADD | BPF_X, 0);
    emit(p, BPF_ST, AT_END);
    emit(p, BPF_MISC | BPF_TXA, 0);
    emit(p, BPF_ALU | BPF_ADD | BPF_K, STUN_HEADER);
    emit(p, BPF_MISC | BPF_TAX, 0);
    for (unsigned i = 0; i < ICE_SCREEN_ATTRIBUTES; i++)
        emit_attribute(p);
    emit_end(p);
    emit_return(p, NONE);
}

// X to what a Data indication carries; one that carries nothing among its first attributes is dropped.
static void emit_find_data(struct program *p) {
    const unsigned each = 7;
    emit(p, BPF_LDX | BPF_IMM, UDP_HEADER + STUN_HEADER);
    for (unsigned i = 0; i < DATA_ATTRIBUTES_BEFORE; i++) {
        emit_load(p, BPF_H, 0);
        emit_if(p, BPF_JEQ | BPF_K, DATA_ATTRIBUTE, (DATA_ATTRIBUTES_BEFORE - i) * each - 2 + 1, 0);
        emit_next_attribute(p);
    }
    emit_return(p, NONE);
    emit(p, BPF_MISC | BPF_TXA, 0);
    emit(p, BPF_ALU | BPF_ADD | BPF_K, ATTRIBUTE_HEADER);
    emit(p, BPF_MISC | BPF_TAX, 0);
}

static void emit_program(struct program *p) {
    const unsigned find_data = 1 + DATA_ATTRIBUTES_BEFORE * 7 + 4;
    emit(p, BPF_LDX | BPF_IMM, UDP_HEADER);
    emit_load(p, BPF_B, 0);
    emit(p, BPF_ALU | BPF_AND | BPF_K, 0xc0);
    emit_if(p, BPF_JEQ | BPF_K, 0x40, 0, 2);
    emit(p, BPF_LDX | BPF_IMM, UDP_HEADER + CHANNEL_HEADER);
    emit(p, BPF_JMP | BPF_JA, 2 + find_data);
    emit_load(p, BPF_H, 0);
    emit_if(p, BPF_JEQ | BPF_K, DATA_INDICATION, 0, find_data);
    unsigned before = p->len;
    emit_find_data(p);
    assert(p->len - before == find_data);
    (void)before;
    emit_message(p);
}

bool ice_screen_attach(int fd) {
    struct program program = {.len = 0};
    emit_program(&program);
    struct sock_fprog filter = {.len = (unsigned short)program.len, .filter = program.code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0;
}

void ice_screen_shut(int fd) {
    struct sock_filter none = {.code = BPF_RET | BPF_K, .k = NONE};
    struct sock_fprog filter = {.len = 1, .filter = &none};
    (void)setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
}
