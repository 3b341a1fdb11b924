// Who speaks in a room, told when it changes and every half second.
#include "server/hub/hub_internal.h"

#define AUDIO_LEVELS_US (500 * US_PER_MS) // between two reports of levels

static void tell_speaker(struct hub *hub, const struct room *room) {
    struct speaker_voice *active = room->speaker.active;
    struct participant *who = active ? LIST_ENTRY(active, struct participant, voice) : NULL;
    if (who)
        hub_stage_speak(hub, who);
    hub->events.speaker_changed(hub->events.ctx, room, who);
}

// The loudest alone, and only what is new: everybody gets it twice a second.
static void tell_levels(struct hub *hub, struct room *room) {
    struct speaker_voice *loudest[SPEAKER_LOUDEST_MAX];
    unsigned count;
    bool changed = speaker_report(&room->speaker, room->levels_told_us, loudest, &count);
    room->levels_told_us = hub->now_us;
    if (changed)
        hub->events.levels_changed(hub->events.ctx, room, loudest, count);
}

void hub_speaker_timer_fire(struct wheel_node *node, uint64_t now_us) {
    struct room *room = LIST_ENTRY(node, struct room, speaker_timer);
    struct hub *hub = hub_of(room);
    if (speaker_tick(&room->speaker, now_us))
        tell_speaker(hub, room);
    bool over = list_empty(&room->speaker.voices) && !room->speaker.active;
    if (over || now_us - room->levels_told_us >= AUDIO_LEVELS_US)
        tell_levels(hub, room);
    if (!over)
        wheel_arm(&hub->wheel, node, now_us + SPEAKER_TICK_US);
}

void hub_speaker_hear(struct hub *hub, struct participant *who, int level_dbov,
                      struct speech_activity activity) {
    struct room *room = who->room;
    speaker_hear(&room->speaker, &who->voice, level_dbov, activity, hub->now_us);
    if (room->speaker_timer.due_us == TIME_NEVER) {
        room->levels_told_us = hub->now_us;
        wheel_arm(&hub->wheel, &room->speaker_timer, hub->now_us + SPEAKER_TICK_US);
    }
}

void hub_speaker_leave(struct hub *hub, struct participant *participant) {
    if (speaker_forget(&participant->room->speaker, &participant->voice))
        tell_speaker(hub, participant->room);
}
