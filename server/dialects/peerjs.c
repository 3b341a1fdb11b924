#include "server/dialects/peerjs.h"

#include "base/clock.h"
#include "base/entropy.h"
#include "base/log.h"
#include "server/common/query_text.h"
#include "server/dialects/broker.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_US (5 * US_PER_SECOND)   // that a message is kept
#define ALIVE_US (90 * US_PER_SECOND) // without a word; a page in the background still says one a minute

struct peerjs {
    struct peerjs_config config;
    struct dialect_io io;
    struct broker *broker;
    uint64_t relayed, expired, refused;
};

enum message_type { OFFER, ANSWER, CANDIDATE, LEAVE, EXPIRE, HEARTBEAT, NO_TYPE };
static const char *const type_names[] = {"OFFER", "ANSWER", "CANDIDATE", "LEAVE", "EXPIRE", "HEARTBEAT"};

static enum message_type type_of(const char *name) {
    enum message_type type = OFFER;
    while (type < NO_TYPE && (!name || strcmp(type_names[type], name) != 0))
        type++;
    return type;
}

struct peerjs *peerjs_create(const struct peerjs_config *config, const struct dialect_io *io,
                             uint64_t now_us) {
    struct broker_config broker = {
        .clients_max = config->limits->clients_max, .wait_us = WAIT_US, .alive_us = ALIVE_US};
    struct peerjs *peerjs = calloc(1, sizeof *peerjs);
    if (!peerjs)
        return NULL;
    peerjs->config = *config;
    peerjs->io = *io;
    peerjs->broker = broker_create(&broker, now_us);
    if (peerjs->broker)
        return peerjs;
    free(peerjs);
    return NULL;
}

void peerjs_destroy(struct peerjs *peerjs) {
    if (!peerjs)
        return;
    broker_destroy(peerjs->broker);
    free(peerjs);
}

// ---- out

static void send_text(struct peerjs *peerjs, uint32_t client, const char *text) {
    peerjs->io.send(peerjs->io.ctx, client, text, strlen(text));
}

// Says why, in a message that the package knows, and closes.
static void turn_away(struct peerjs *peerjs, uint32_t client, const char *type, const char *why) {
    char text[256];
    peerjs->refused++;
    LOG_DEBUG("PeerJS client refused", LOG_TEXT("type", type), LOG_TEXT("reason", why));
    snprintf(text, sizeof text, "{\"type\":\"%s\",\"payload\":{\"msg\":\"%s\"}}", type, why);
    send_text(peerjs, client, text);
    peerjs->io.close(peerjs->io.ctx, client, DIALECT_CLOSE_REFUSED, why);
}

// A client that has an id, with it.
static void part_with(struct peerjs *peerjs, struct broker_client *one, uint16_t code, const char *why) {
    uint32_t client = one->client;
    broker_close(peerjs->broker, one);
    peerjs->io.close(peerjs->io.ctx, client, code, why);
}

static void say_expired(struct peerjs *peerjs, uint32_t client, const char *to, const char *from) {
    json_t *said = json_pack("{s:s, s:s, s:s}", "type", "EXPIRE", "src", to, "dst", from);
    char *text = said ? json_dumps(said, JSON_COMPACT) : NULL;
    if (text)
        send_text(peerjs, client, text);
    free(text);
    json_decref(said);
}

// ---- in: who comes

// Whether it is an id by the rule of the package: letters and digits, and between them single spaces, "-"
// or "_". What pages send by mistake for "no id" (peers/peerjs pull 1362) is none.
static bool id_valid(const char *id) {
    bool inside = false;
    for (const char *c = id; *c; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');
        if (!plain && (!inside || (*c != ' ' && *c != '-' && *c != '_')))
            return false;
        inside = plain;
    }
    return inside && strcmp(id, "null") != 0 && strcmp(id, "undefined") != 0;
}

struct asked {
    char key[DIALECT_NAME_MAX + 1], id[DIALECT_NAME_MAX + 1], token[BROKER_TOKEN_MAX + 1];
    struct dialect_name name;
};

// NULL, or why nobody comes in so.
static const char *read_query(struct span query, struct asked *out) {
    int key = query_text_value(query, "key", out->key, sizeof out->key);
    int id = query_text_value(query, "id", out->id, sizeof out->id);
    int token = query_text_value(query, "token", out->token, sizeof out->token);
    if (key <= 0 || !out->key[0] || token <= 0 || !out->token[0] || id == 0)
        return "the WebSocket needs key, id and token, of at most 64 bytes each";
    if (id < 0 || !id_valid(out->id) || !dialect_name_of(out->id, &out->name))
        return "an id has 1 to 64 letters and digits, with single spaces, - or _ between them";
    return NULL;
}

// The time it takes does not tell how much of the token is right.
static bool token_right(const struct broker_client *holder, const char *token) {
    unsigned differs = 0;
    char padded[BROKER_TOKEN_MAX] = {0};
    memcpy(padded, token, strlen(token));
    for (size_t i = 0; i < sizeof padded; i++)
        differs |= (unsigned char)padded[i] ^ (unsigned char)holder->token[i];
    return differs == 0;
}

static void deliver_kept(struct peerjs *peerjs, struct broker_client *to) {
    struct broker_message *message;
    while ((message = broker_take(peerjs->broker, &to->name))) {
        peerjs->io.send(peerjs->io.ctx, to->client, message->text, message->len);
        peerjs->relayed++;
        broker_message_free(message);
    }
}

void peerjs_opened(struct peerjs *peerjs, uint32_t client, struct span query, uint64_t now_us) {
    static const struct net_address nowhere;
    struct asked asked;
    const char *why = read_query(query, &asked);
    if (why) {
        turn_away(peerjs, client, "ERROR", why);
        return;
    }
    if (strcmp(asked.key, peerjs->config.key) != 0) {
        turn_away(peerjs, client, "INVALID-KEY", "this server has another key");
        return;
    }
    struct broker_client *holder = broker_find_named(peerjs->broker, &asked.name);
    if (holder && !token_right(holder, asked.token)) {
        turn_away(peerjs, client, "ID-TAKEN", "ID is taken");
        return;
    }
    if (holder)
        part_with(peerjs, holder, DIALECT_CLOSE_NORMAL, "a newer connection with the same token is here");
    struct broker_client *one = broker_open(peerjs->broker, client, &nowhere, false, now_us);
    if (!one || !broker_name(peerjs->broker, one, &asked.name)) {
        if (one)
            broker_close(peerjs->broker, one);
        turn_away(peerjs, client, "ERROR",
                  "this server has as many clients as it takes (dialect-clients-max)");
        return;
    }
    memcpy(one->token, asked.token, strlen(asked.token));
    send_text(peerjs, client, "{\"type\":\"OPEN\"}");
    deliver_kept(peerjs, one);
}

// ---- in: messages

static void pass_on(struct peerjs *peerjs, struct broker_client *from, enum message_type type,
                    const char *dst, const char *text, size_t len, uint64_t now_us) {
    char src[DIALECT_NAME_MAX + 1];
    struct broker_message message = {
        .from = from->name, .text = text, .len = len, .follows = type == CANDIDATE};
    uint32_t sender = from->client;
    dialect_name_text(&from->name, src);
    if (!id_valid(dst) || !dialect_name_of(dst, &message.to)) { // nobody can have it
        peerjs->refused++;
        if (type <= CANDIDATE)
            say_expired(peerjs, sender, dst, src);
        return;
    }
    const struct broker_client *to = broker_find_named(peerjs->broker, &message.to);
    if (to) {
        peerjs->relayed++;
        peerjs->io.send(peerjs->io.ctx, to->client, text, len);
    } else if (type <= CANDIDATE && !broker_keep(peerjs->broker, from, &message, now_us)) {
        peerjs->refused++;
        say_expired(peerjs, sender, dst, src);
    }
}

static void take_message(struct peerjs *peerjs, struct broker_client *from, json_t *message,
                         uint64_t now_us) {
    char src[DIALECT_NAME_MAX + 1];
    enum message_type type = type_of(json_string_value(json_object_get(message, "type")));
    const char *dst = json_string_value(json_object_get(message, "dst"));
    if (type == HEARTBEAT)
        return;
    if (type == LEAVE && !dst) {
        part_with(peerjs, from, DIALECT_CLOSE_NORMAL, "you have left");
        return;
    }
    if (type == NO_TYPE || !dst) {
        peerjs->refused++;
        return;
    }
    dialect_name_text(&from->name, src);
    bool fine = json_object_set_new(message, "src", json_string(src)) == 0;
    char *text = fine ? json_dumps(message, JSON_COMPACT) : NULL;
    if (text && strlen(text) <= 2 * DIALECT_MESSAGE_MAX)
        pass_on(peerjs, from, type, dst, text, strlen(text), now_us);
    else
        peerjs->refused++;
    free(text);
}

// Numbers beyond 64 bits are read as JavaScript reads them.
static json_t *read_json(const char *text, size_t len) {
    json_t *message = json_loadb(text, len, 0, NULL);
    if (!message)
        message = json_loadb(text, len, JSON_DECODE_INT_AS_REAL, NULL);
    if (json_is_object(message))
        return message;
    json_decref(message);
    return NULL;
}

void peerjs_message(struct peerjs *peerjs, uint32_t client, const char *text, size_t len, uint64_t now_us) {
    struct broker_client *from = broker_find(peerjs->broker, client);
    if (!from)
        return; // it is being closed
    if (!dialect_spend(&from->spent, peerjs->config.limits, len, now_us)) {
        peerjs->refused++;
        part_with(peerjs, from, DIALECT_CLOSE_REFUSED, "too many messages, or too long ones");
        return;
    }
    broker_heard(peerjs->broker, from, now_us);
    json_t *message = read_json(text, len);
    if (message)
        take_message(peerjs, from, message, now_us);
    else
        peerjs->refused++; // as PeerJS's own server: what is no message is not answered
    json_decref(message);
}

void peerjs_bad_frame(struct peerjs *peerjs, uint32_t client, bool binary) {
    struct broker_client *one = broker_find(peerjs->broker, client);
    peerjs->refused++;
    if (one)
        part_with(peerjs, one, binary ? DIALECT_CLOSE_BINARY : DIALECT_CLOSE_TOO_BIG,
                  binary ? "messages are text" : "a message has at most 64 KiB");
}

void peerjs_closed(struct peerjs *peerjs, uint32_t client) {
    struct broker_client *one = broker_find(peerjs->broker, client);
    if (one)
        broker_close(peerjs->broker, one);
}

// ---- ids over HTTP

void peerjs_make_id(char out[PEERJS_ID_BYTES]) {
    uint8_t b[16];
    entropy_fill(b, sizeof b);
    b[6] = (uint8_t)((b[6] & 0x0f) | 0x40); // version 4 (RFC 9562, section 5.4)
    b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
    snprintf(out, PEERJS_ID_BYTES, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
             b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14],
             b[15]);
}

char *peerjs_list(const struct peerjs *peerjs) {
    if (!peerjs->config.lists_peers)
        return NULL;
    json_t *list = json_array();
    uint32_t cursor = 0;
    const struct broker_client *one;
    while ((one = broker_next(peerjs->broker, &cursor))) {
        char id[DIALECT_NAME_MAX + 1];
        dialect_name_text(&one->name, id);
        if (json_array_append_new(list, json_string(id)) != 0)
            break;
    }
    char *text = list ? json_dumps(list, JSON_COMPACT) : NULL;
    json_decref(list);
    return text;
}

// ---- time

uint64_t peerjs_next_us(const struct peerjs *peerjs) {
    return broker_next_us(peerjs->broker);
}

static void expire(struct peerjs *peerjs, uint64_t now_us) {
    struct broker_message *message;
    while ((message = broker_take_expired(peerjs->broker, now_us))) {
        const struct broker_client *from = broker_find_named(peerjs->broker, &message->from);
        char to[DIALECT_NAME_MAX + 1], src[DIALECT_NAME_MAX + 1];
        dialect_name_text(&message->to, to);
        dialect_name_text(&message->from, src);
        if (from && !message->quiet)
            say_expired(peerjs, from->client, to, src);
        peerjs->expired++;
        broker_message_free(message);
    }
}

void peerjs_advance(struct peerjs *peerjs, uint64_t now_us) {
    struct broker_client *silent;
    while ((silent = broker_silent(peerjs->broker, now_us)))
        part_with(peerjs, silent, DIALECT_CLOSE_NORMAL, "no HEARTBEAT for 90 seconds");
    expire(peerjs, now_us);
}

void peerjs_read_counts(const struct peerjs *peerjs, struct dialect_counts *counts) {
    counts->peerjs_clients += broker_client_count(peerjs->broker);
    counts->relayed += peerjs->relayed;
    counts->expired += peerjs->expired;
    counts->refused += peerjs->refused;
    broker_read_counts(peerjs->broker, counts);
}
