#include "server/media/steering.h"

#include <assert.h>
#include <string.h>

// Where the key is, or belongs.
static unsigned family_find(const struct steering_family *f, uint32_t key) {
    unsigned low = 0, high = f->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (f->entries[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void family_remove(struct steering_family *f, unsigned at) {
    assert(at < f->count);
    f->count--;
    memmove(&f->entries[at], &f->entries[at + 1], (f->count - at) * sizeof f->entries[0]);
    memmove(&f->publishes[at], &f->publishes[at + 1], (f->count - at) * sizeof f->publishes[0]);
    f->changed = true;
}

static void family_insert(struct steering_family *f, unsigned at, struct steer_entry entry, bool publishes) {
    assert(f->count < UDP_STEER_MAX && at <= f->count);
    memmove(&f->entries[at + 1], &f->entries[at], (f->count - at) * sizeof f->entries[0]);
    memmove(&f->publishes[at + 1], &f->publishes[at], (f->count - at) * sizeof f->publishes[0]);
    f->count++;
    f->entries[at] = entry;
    f->publishes[at] = publishes;
    f->changed = true;
}

// False: everybody who is there publishes.
static bool family_make_room(struct steering_family *f) {
    for (unsigned i = 0; i < f->count; i++)
        if (!f->publishes[i]) {
            family_remove(f, i);
            return true;
        }
    return false;
}

void steering_note(struct steering *steering, const struct media_event *event, unsigned worker) {
    assert(event->type == MEDIA_STEER && event->steer.family < 2);
    struct steering_family *f = &steering->families[event->steer.family];
    struct steer_entry entry = {.key = event->steer.key, .socket = (uint8_t)worker};
    unsigned at = family_find(f, entry.key);
    bool known = at < f->count && f->entries[at].key == entry.key;
    if (event->steer.gone) {
        if (known && f->entries[at].socket == worker)
            family_remove(f, at);
        return;
    }
    if (known) {
        f->changed |= f->entries[at].socket != worker;
        f->entries[at] = entry;
        f->publishes[at] = event->steer.publishes;
        return;
    }
    if (f->count == UDP_STEER_MAX) {
        if (!event->steer.publishes || !family_make_room(f))
            return;
        at = family_find(f, entry.key);
    }
    family_insert(f, at, entry, event->steer.publishes);
}

bool steering_take(struct steering *steering, unsigned family, uint64_t now_us) {
    assert(family < 2);
    struct steering_family *f = &steering->families[family];
    if (!f->changed || steering->refused || now_us < steering->taken_us + STEERING_PERIOD_US)
        return false;
    f->changed = false;
    steering->taken_us = now_us;
    return true;
}
