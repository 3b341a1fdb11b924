// token_bucket: how much may pass: so much a second on the long run, and a burst at once. Pure; plain
// integers on now_us, a multiplication a look.
//
// What it counts (packets, bytes, bits) is its user's. A bucket that is all zero is full at its first look.
// Its level may be below zero (token_bucket_spend): then nothing passes until that is made good.
#ifndef RTP_TOKEN_BUCKET_H
#define RTP_TOKEN_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

#define TOKEN INT64_C(1000000)        // in units of a level
#define TOKEN_BUCKET_IDLE_US 60000000 // longer pauses count as this: a burst is at most what a minute brings

struct token_rate {
    uint32_t per_second; // 1 or more
    uint32_t burst;
};

struct token_bucket {
    int64_t level;  // millionths
    uint64_t at_us; // when that was so; 0: never looked at
};

// Up to now.
static inline void token_bucket_fill(struct token_bucket *b, const struct token_rate *rate, uint64_t now_us) {
    int64_t full = (int64_t)rate->burst * TOKEN;
    if (b->at_us == 0) {
        b->level += full;
        b->at_us = now_us;
    } else if (now_us > b->at_us) {
        uint64_t us = now_us - b->at_us < TOKEN_BUCKET_IDLE_US ? now_us - b->at_us : TOKEN_BUCKET_IDLE_US;
        b->level += (int64_t)(us * rate->per_second);
        b->level = b->level < full ? b->level : full;
        b->at_us = now_us;
    }
}

// Whether so many are there now; nothing is taken.
static inline bool token_bucket_has(struct token_bucket *b, const struct token_rate *rate, uint64_t tokens,
                                    uint64_t now_us) {
    token_bucket_fill(b, rate, now_us);
    return b->level >= (int64_t)tokens * TOKEN;
}

// Takes what is there or not, into debt.
static inline void token_bucket_spend(struct token_bucket *b, uint64_t tokens) {
    b->level -= (int64_t)tokens * TOKEN;
}

// False, and nothing is taken, when not so many are there.
static inline bool token_bucket_take(struct token_bucket *b, const struct token_rate *rate, uint64_t tokens,
                                     uint64_t now_us) {
    bool has = token_bucket_has(b, rate, tokens, now_us);
    if (has)
        token_bucket_spend(b, tokens);
    return has;
}

#endif
