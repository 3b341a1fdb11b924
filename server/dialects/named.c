#include "server/dialects/named.h"

#include "base/clock.h"
#include "base/log.h"
#include "server/dialects/broker.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define WAIT_US (60 * US_PER_SECOND) // that a message is kept

struct named {
    const struct dialect_limits *limits;
    struct dialect_io io;
    struct broker *broker;
    uint64_t relayed, expired, refused;
};

struct named *named_create(const struct dialect_limits *limits, const struct dialect_io *io,
                           uint64_t now_us) {
    struct broker_config config = {
        .clients_max = limits->clients_max, .wait_us = WAIT_US, .alive_us = TIME_NEVER};
    struct named *named = calloc(1, sizeof *named);
    if (!named)
        return NULL;
    named->limits = limits;
    named->io = *io;
    named->broker = broker_create(&config, now_us);
    if (named->broker)
        return named;
    free(named);
    return NULL;
}

void named_destroy(struct named *named) {
    if (!named)
        return;
    broker_destroy(named->broker);
    free(named);
}

// ---- out

static void say_error(struct named *named, uint32_t client, const char *to, const char *why) {
    json_t *said = json_pack("{s:s, s:s*, s:{s:s}}", "type", "error", "to", to, "payload", "message", why);
    char *text = said ? json_dumps(said, JSON_COMPACT) : NULL;
    if (text)
        named->io.send(named->io.ctx, client, text, strlen(text));
    free(text);
    json_decref(said);
}

static void refuse(struct named *named, uint32_t client, const char *to, const char *why) {
    named->refused++;
    LOG_DEBUG("message refused", LOG_NUMBER("client", client), LOG_TEXT("reason", why));
    say_error(named, client, to, why);
}

static void part_with(struct named *named, struct broker_client *one, uint16_t code, const char *why) {
    uint32_t client = one->client;
    broker_close(named->broker, one);
    named->io.close(named->io.ctx, client, code, why);
}

// ---- in: connections

void named_opened(struct named *named, uint32_t client, const struct net_address *address, uint64_t now_us) {
    static const struct net_address nowhere;
    if (broker_open(named->broker, client, address ? address : &nowhere, address != NULL, now_us))
        return;
    static const char why[] = "this server has as many clients as it takes (dialect-clients-max)";
    refuse(named, client, NULL, why);
    named->io.close(named->io.ctx, client, DIALECT_CLOSE_REFUSED, why);
}

void named_bad_frame(struct named *named, uint32_t client, bool binary) {
    struct broker_client *one = broker_find(named->broker, client);
    named->refused++;
    if (one)
        part_with(named, one, binary ? DIALECT_CLOSE_BINARY : DIALECT_CLOSE_TOO_BIG,
                  binary ? "messages are text" : "a message has at most 64 KiB");
}

void named_closed(struct named *named, uint32_t client) {
    struct broker_client *one = broker_find(named->broker, client);
    if (one)
        broker_close(named->broker, one);
}

// ---- in: messages

struct said {
    const char *type, *from, *to; // "" where the message has none
};

static struct said read_said(const json_t *message) {
    const char *type = json_string_value(json_object_get(message, "type"));
    const char *from = json_string_value(json_object_get(message, "from"));
    const char *to = json_string_value(json_object_get(message, "to"));
    return (struct said){type ? type : "", from ? from : "", to ? to : ""};
}

bool named_begins(const char *text, size_t len) {
    static const char word[] = "register";
    if (len > 1024 || !memmem(text, len, word, sizeof word - 1)) // most are none, which costs little so
        return false;
    json_t *message = json_loadb(text, len, 0, NULL);
    struct said said = read_said(message);
    bool begins = strcmp(said.type, "register") == 0 && said.from[0];
    json_decref(message);
    return begins;
}

static void deliver_kept(struct named *named, const struct broker_client *to) {
    struct broker_message *message;
    while ((message = broker_take(named->broker, &to->name))) {
        named->io.send(named->io.ctx, to->client, message->text, message->len);
        named->relayed++;
        broker_message_free(message);
    }
}

// Whether the name may go from its holder to who asks for it now.
static bool may_follow(const struct broker_client *holder, const struct broker_client *who) {
    return holder->address_known && who->address_known &&
           memcmp(&holder->address, &who->address, sizeof who->address) == 0;
}

static void take_register(struct named *named, struct broker_client *who, const struct said *said) {
    struct dialect_name name;
    if (!dialect_name_of(said->from, &name)) {
        refuse(named, who->client, NULL, "`from` is a name of 1 to 64 bytes without control characters");
        return;
    }
    struct broker_client *holder = broker_find_named(named->broker, &name);
    if (who->named) {
        if (holder != who) // the same again is nothing new
            refuse(named, who->client, NULL, "this connection has a name already");
        return;
    }
    if (holder && !may_follow(holder, who)) {
        refuse(named, who->client, NULL, "somebody else has that name");
        return;
    }
    if (holder)
        part_with(named, holder, DIALECT_CLOSE_NORMAL, "a newer connection has taken your name");
    if (broker_name(named->broker, who, &name))
        deliver_kept(named, who);
    else
        refuse(named, who->client, NULL, "the server is out of memory");
}

static bool speaks_for(const struct broker_client *who, const char *from) {
    struct dialect_name name;
    return who->named && dialect_name_of(from, &name) && memcmp(&name, &who->name, sizeof name) == 0;
}

static void take_signal(struct named *named, struct broker_client *who, const struct said *said,
                        const char *text, size_t len, uint64_t now_us) {
    bool candidate = strcmp(said->type, "candidate") == 0;
    struct broker_message message = {.text = text, .len = len, .late = candidate, .follows = candidate};
    if (!speaks_for(who, said->from)) {
        refuse(named, who->client, said->to, "`from` is not the name that this connection has registered");
        return;
    }
    if (!dialect_name_of(said->to, &message.to)) {
        refuse(named, who->client, NULL, "`to` is a name of 1 to 64 bytes without control characters");
        return;
    }
    message.from = who->name;
    const struct broker_client *to = broker_find_named(named->broker, &message.to);
    if (to) {
        named->relayed++;
        named->io.send(named->io.ctx, to->client, text, len);
    } else if (!broker_keep(named->broker, who, &message, now_us)) {
        refuse(named, who->client, said->to, "too many messages wait for somebody who is not there");
    }
}

static void take_message(struct named *named, struct broker_client *who, const json_t *message,
                         const char *text, size_t len, uint64_t now_us) {
    struct said said = read_said(message);
    if (strcmp(said.type, "register") == 0)
        take_register(named, who, &said);
    else if (strcmp(said.type, "offer") == 0 || strcmp(said.type, "answer") == 0 ||
             strcmp(said.type, "candidate") == 0)
        take_signal(named, who, &said, text, len, now_us);
    else
        refuse(named, who->client, NULL, "`type` is register, offer, answer or candidate");
}

void named_message(struct named *named, uint32_t client, const char *text, size_t len, uint64_t now_us) {
    struct broker_client *who = broker_find(named->broker, client);
    if (!who)
        return; // it is being closed
    if (!dialect_spend(&who->spent, named->limits, len, now_us)) {
        named->refused++;
        part_with(named, who, DIALECT_CLOSE_REFUSED, "too many messages, or too long ones");
        return;
    }
    json_t *message = json_loadb(text, len, JSON_DECODE_INT_AS_REAL | JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(message))
        take_message(named, who, message, text, len, now_us);
    else
        refuse(named, client, NULL, "a message is a JSON object with type, from, to and payload");
    json_decref(message);
}

// ---- time

uint64_t named_next_us(const struct named *named) {
    return broker_next_us(named->broker);
}

void named_advance(struct named *named, uint64_t now_us) {
    struct broker_message *message;
    while ((message = broker_take_expired(named->broker, now_us))) {
        const struct broker_client *from = broker_find_named(named->broker, &message->from);
        char to[DIALECT_NAME_MAX + 1];
        dialect_name_text(&message->to, to);
        if (from && !message->quiet)
            say_error(named, from->client, to, "nobody came by that name within 60 seconds");
        named->expired++;
        broker_message_free(message);
    }
}

void named_read_counts(const struct named *named, struct dialect_counts *counts) {
    counts->named_clients += broker_client_count(named->broker);
    counts->relayed += named->relayed;
    counts->expired += named->expired;
    counts->refused += named->refused;
    broker_read_counts(named->broker, counts);
}
