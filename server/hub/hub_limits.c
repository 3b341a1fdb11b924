// What a hub takes by default, and what follows from it.
#include "base/clock.h"
#include "rooms/participant.h"
#include "server/hub/hub.h"

#include <assert.h>

void hub_limits_default(struct hub_limits *limits) {
    *limits = (struct hub_limits){
        .rooms_max = 1000,
        .participants_per_room_max = 500,
        .transports_per_participant_max = 8,
        .producers_per_participant_max = 16,
        .consumers_per_participant_max = 2000,
        .messages_per_second_max = 100,
        .commands_waiting_max = 64 * 1024, // 12 MiB: a room of 128, two tracks each, consumed and resumed
        .chat_history_max = 100,
        .chat_bytes_max = 8 * 1024,
        .chat_history_bytes_max = 48 * 1024,
        .participant_app_data_bytes_max = 16 * 1024,
        .room_app_data_bytes_max = 64 * 1024,
        .relay_rate_max = 1024 * 1024,
        .relayed_bytes_max = 768 * 1024,
        .held_bytes_max = 1024 * 1024 * 1024,
        .resume_window_us = 30 * US_PER_SECOND,
        .room_linger_us = 10 * US_PER_SECOND,
        .join_timeout_us = 30 * US_PER_SECOND,
        .participants_per_worker = 50,
    };
}

size_t hub_joined_lists_bytes(const struct hub_limits *limits) {
    size_t ids = (size_t)limits->transports_per_participant_max + limits->producers_per_participant_max +
                 limits->consumers_per_participant_max;
    size_t others = limits->chat_history_bytes_max + ids * (PUBLIC_ID_BYTES + 3) + JOINED_REST_BYTES_MAX;
    assert(others < HUB_JOINED_BYTES_MAX);
    size_t left = HUB_JOINED_BYTES_MAX - others;
    return left < HUB_JOINED_LISTS_BYTES_MAX ? left : HUB_JOINED_LISTS_BYTES_MAX;
}
