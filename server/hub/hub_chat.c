// What people say to everyone in their room.
#include "base/log.h"
#include "server/hub/hub_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

// {"from":"","fromId":"","text":"","timestamp":""}
#define LINE_BYTES (48 + PUBLIC_ID_BYTES)

// "2026-05-01T12:00:00.000Z"
static void timestamp_text(uint64_t wall_us, char *out, size_t cap) {
    time_t seconds = (time_t)(wall_us / US_PER_SECOND);
    struct tm tm;
    gmtime_r(&seconds, &tm);
    size_t len = strftime(out, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(out + len, cap - len, ".%03uZ", (unsigned)(wall_us / US_PER_MS % 1000));
}

// What the chat takes.
static bool chat_fits(const struct hub *hub, const char *text, const char *when,
                      struct hub_refusal *refusal) {
    uint32_t most = hub->config.limits.chat_bytes_max;
    if (strlen(text) > most)
        return hub_refuse(refusal, HUB_LIMIT_REACHED, "`text` may have at most %u bytes of UTF-8", most);
    if (hub_has_control(text, "\n\t") || (when && hub_has_control(when, "")))
        return hub_refuse(refusal, HUB_BAD_REQUEST,
                          "`text` has control characters; of those only newline and tab are allowed, and "
                          "none in `timestamp`");
    return true;
}

bool hub_chat(struct hub *hub, struct participant *me, const char *text, const char *timestamp,
              struct hub_chat_line *line, struct hub_refusal *refusal) {
    if (!hub_allowed(me, RIGHT_DATA, "write to others", refusal) || !chat_fits(hub, text, timestamp, refusal))
        return false;
    *line = (struct hub_chat_line){.from = me, .text = text, .timestamp = timestamp};
    timestamp_text(hub_wall_us(hub), line->now, sizeof line->now);
    if (!timestamp)
        line->timestamp = line->now;
    size_t bytes = LINE_BYTES + hub_json_text_bytes(me->name) + hub_json_text_bytes(text) +
                   hub_json_text_bytes(line->timestamp);
    if (!hub_spend(hub, me, NULL, bytes, refusal))
        return false;
    hub->events.said(hub->events.ctx, line);
    return true;
}

void hub_keep_chat(struct hub *hub, struct room *room, const char *text, size_t len) {
    const struct hub_limits *limits = &hub->config.limits;
    hub_memory_give(hub, hub_memory_of_chat(room));
    if (chat_history_add(&room->chat, text, len, limits->chat_history_max, limits->chat_history_bytes_max) !=
        ERR_OK)
        LOG_ERROR("chat message not kept", LOG_TEXT("room", room->name), LOG_TEXT("reason", "no memory"));
    hub_memory_take(hub, hub_memory_of_chat(room));
}
