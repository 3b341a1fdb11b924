// answer_head: the head of an answer under construction.
//
// Pure, no allocation. Any thread.
#ifndef SERVER_ANSWER_HEAD_H
#define SERVER_ANSWER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANSWER_HEAD_MAX 6144

struct answer_head {
    char text[ANSWER_HEAD_MAX];
    size_t len;
    bool full; // something did not fit
};

void head_begin(struct answer_head *h, unsigned status);
__attribute__((format(printf, 2, 3))) void head_add(struct answer_head *h, const char *format, ...);
void head_add_body(struct answer_head *h, const char *content_type, uint64_t len);

#endif
