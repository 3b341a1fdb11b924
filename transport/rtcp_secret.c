#include "transport/rtcp_secret.h"

#include "base/bytes.h"
#include "base/entropy.h"
#include "rtp/rtcp_read.h"

#define TYPE_SR 200
#define TYPE_XR 207
#define XR_RRTR 4
#define XR_DLRR 5
#define DLRR_WORDS 3 // of each entry
#define NTP_OFFSET 8
#define SR_BYTES 28
#define LATE_MAX 4095 // in 1/65536 s

void rtcp_secret_ask(uint32_t ssrc, uint32_t secret, uint8_t out[RTCP_SECRET_QUESTION_BYTES]) {
    struct writer w = writer_of(out, RTCP_SECRET_QUESTION_BYTES);
    write_u8(&w, 0x80);
    write_u8(&w, TYPE_XR);
    write_u16(&w, RTCP_SECRET_QUESTION_BYTES / 4 - 1);
    write_u32(&w, ssrc);
    write_u8(&w, XR_RRTR);
    write_u8(&w, 0);
    write_u16(&w, 2);
    write_u32(&w, secret >> 16); // the middle 32 bits of the time are what is repeated
    write_u32(&w, secret << 16);
}

struct asked {
    uint32_t ssrc, secret, before;
};

// The entries of a DLRR block about our RRTR; counts those that name another time.
static bool dlrr_says(struct reader *block, const struct asked *asked, uint8_t *lies) {
    bool found = false;
    while (block->left >= DLRR_WORDS * 4) {
        uint32_t of = read_u32(block), last = read_u32(block);
        read_u32(block); // the delay since
        if (of != asked->ssrc || (last == asked->before && last != asked->secret))
            continue;
        found |= last == asked->secret;
        if (last != asked->secret && *lies < RTCP_SECRET_LIES)
            ++*lies;
    }
    return found;
}

bool rtcp_secret_answered(struct rtcp_secrets *secrets, struct span datagram, uint32_t ssrc, uint32_t secret,
                          uint32_t before) {
    struct asked asked = {ssrc, secret, before};
    bool found = false;
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    for (struct rtcp_packet packet; rtcp_walk_next(&walk, &packet);) {
        struct reader blocks = reader_of(packet.body);
        while (packet.kind == RTCP_XR && blocks.left > 0) {
            uint8_t type = read_u8(&blocks);
            read_u8(&blocks);
            size_t words = read_u16(&blocks);
            struct reader block = read_sub(&blocks, words * 4);
            if (type == XR_DLRR)
                found |= dlrr_says(&block, &asked, &secrets->lies);
        }
    }
    return found && secrets->lies < RTCP_SECRET_LIES; // one among many guesses is none
}

static void secrets_keep(struct rtcp_secrets *secrets, const struct rtcp_secret_report *report) {
    secrets->reports[secrets->next] = *report;
    secrets->next = (uint8_t)((secrets->next + 1) % RTCP_SECRET_REPORTS);
    if (secrets->count < RTCP_SECRET_REPORTS)
        secrets->count++;
}

static void report_mark(struct rtcp_secrets *secrets, uint8_t *packet) {
    struct rtcp_secret_report report = {.ssrc = load_be32(packet + 4),
                                        .time = load_be32(packet + NTP_OFFSET + 2)};
    uint32_t late = 1 + entropy_u32() % (LATE_MAX);
    uint64_t ntp = (uint64_t)load_be32(packet + NTP_OFFSET) << 32 | load_be32(packet + NTP_OFFSET + 4);
    ntp += (uint64_t)late << 16;
    store_be32(packet + NTP_OFFSET, (uint32_t)(ntp >> 32));
    store_be32(packet + NTP_OFFSET + 4, (uint32_t)ntp);
    report.told = report.time + late;
    secrets_keep(secrets, &report);
}

bool rtcp_secret_mark(struct rtcp_secrets *secrets, uint32_t key, uint8_t *datagram, size_t len) {
    if (secrets->key != key)
        *secrets = (struct rtcp_secrets){.key = key, .lies = secrets->lies};
    bool some = false;
    for (size_t at = 0; at + SR_BYTES <= len;) { // our own packets: their lengths are right
        if (datagram[at + 1] == TYPE_SR) {
            report_mark(secrets, datagram + at);
            some = true;
        }
        at += 4 * ((size_t)load_be16(datagram + at + 2) + 1);
    }
    return some;
}

// 1: it repeats what was told on the tuple alone; -1: a time that nobody told; 0: neither.
static int secrets_judge(struct rtcp_secrets *secrets, const struct rtcp_report *said) {
    for (unsigned i = 0; i < secrets->count; i++) {
        struct rtcp_secret_report *report = &secrets->reports[i];
        uint32_t late = said->last_sr - report->time;
        if (report->ssrc != said->ssrc || late == 0 || late > LATE_MAX)
            continue;
        if (said->last_sr != report->told)
            return -1;
        *report = secrets->reports[--secrets->count]; // each counts once
        secrets->next = secrets->count;
        return 1;
    }
    return 0;
}

bool rtcp_secret_echo(struct rtcp_secrets *secrets, struct span datagram) {
    struct rtcp_walk walk = rtcp_walk_of(datagram);
    for (struct rtcp_packet packet; secrets->lies < RTCP_SECRET_LIES && rtcp_walk_next(&walk, &packet);) {
        if (packet.kind != RTCP_SENDER_REPORT && packet.kind != RTCP_RECEIVER_REPORT)
            continue;
        struct reader body = reader_of(packet.body);
        for (struct rtcp_report said; rtcp_report_next(&body, &said);) {
            int judged = secrets_judge(secrets, &said);
            if (judged > 0 && ++secrets->echoes >= RTCP_SECRET_ECHOES)
                return true;
            if (judged < 0) {
                secrets->echoes = 0;
                secrets->lies++;
            }
        }
    }
    return false;
}
