#include "rooms/media/loudest.h"

#include "base/seq.h"
#include "rooms/media/media_objects.h"

#include <assert.h>
#include <stdlib.h>

struct voice_group {
    uint32_t id, handle;
    struct producer **order; // the first to be heard first
    unsigned count, cap;
};

// ---- groups

static struct voice_group *group_find(const struct forwarder *fw, uint32_t id) {
    uint32_t handle = hmap_get(fw->voice_group_ids, &id);
    return handle == HMAP_NONE ? NULL : slots_get(fw->voice_groups, handle);
}

static void group_close(struct forwarder *fw, struct voice_group *group) {
    assert(group->count == 0);
    hmap_remove(fw->voice_group_ids, &group->id);
    if (group->handle)
        slots_remove(fw->voice_groups, group->handle);
    free(group->order);
    free(group);
}

static struct voice_group *group_open(struct forwarder *fw, uint32_t id) {
    struct voice_group *group = calloc(1, sizeof *group);
    if (!group)
        return NULL;
    group->id = id;
    group->handle = slots_add(fw->voice_groups, group);
    if (group->handle && hmap_put(fw->voice_group_ids, &id, group->handle) == ERR_OK)
        return group;
    group_close(fw, group);
    return NULL;
}

static bool group_make_room(struct voice_group *group) {
    if (group->count < group->cap)
        return true;
    unsigned cap = group->cap ? 2 * group->cap : 8;
    struct producer **order = realloc(group->order, cap * sizeof *order);
    if (!order)
        return false;
    group->order = order;
    group->cap = cap;
    return true;
}

static void group_place(struct voice_group *group, struct producer *p, unsigned rank) {
    group->order[rank] = p;
    p->voice.rank = rank;
}

enum err loudest_producer_open(struct producer *p, uint32_t group_id) {
    struct forwarder *fw = p->fw;
    speech_init(&p->voice.speech);
    if (group_id == 0)
        return ERR_OK;
    struct voice_group *group = group_find(fw, group_id);
    if (!group && !(group = group_open(fw, group_id)))
        return ERR_NO_MEMORY;
    if (!group_make_room(group)) {
        if (group->count == 0)
            group_close(fw, group);
        return ERR_NO_MEMORY;
    }
    p->voice.group = group;
    group_place(group, p, group->count++);
    return ERR_OK;
}

static void voice_forget_packets(struct voice *voice) {
    for (unsigned i = 0; i < VOICE_PREROLL; i++) {
        block_release(voice->before[i]);
        voice->before[i] = NULL;
    }
    voice->before_next = 0;
}

void loudest_producer_close(struct producer *p) {
    struct voice_group *group = p->voice.group;
    assert(p->consumer_count == 0);
    voice_forget_packets(&p->voice);
    if (!group)
        return;
    for (unsigned rank = p->voice.rank; rank + 1 < group->count; rank++)
        group_place(group, group->order[rank + 1], rank);
    p->voice.group = NULL;
    if (--group->count == 0)
        group_close(p->fw, group);
}

// ---- what a receiver gets

// Whether one is to be heard before the other. Who is in no group is not chosen among.
static bool stands_before(const struct consumer *a, const struct consumer *b) {
    return a->producer->voice.rank < b->producer->voice.rank;
}

static bool is_chosen_among(const struct consumer *c) {
    return c->endpoint->loudest && producer_is_audio(c->producer) && c->producer->voice.group;
}

static unsigned last_chosen(const struct loudest_choice *choice) {
    unsigned last = 0;
    for (unsigned i = 1; i < choice->count; i++)
        if (stands_before(choice->chosen[last], choice->chosen[i]))
            last = i;
    return last;
}

static void unchoose(struct loudest_choice *choice, struct consumer *c) {
    for (unsigned i = 0; i < choice->count; i++) {
        if (choice->chosen[i] != c)
            continue;
        choice->chosen[i] = choice->chosen[--choice->count];
        c->chosen = false;
        return;
    }
    assert(false); // it says that it is chosen
}

static void choose(struct loudest_choice *choice, struct consumer *c) {
    assert(choice->count < choice->n && !c->chosen);
    choice->chosen[choice->count++] = c;
    c->chosen = true;
}

static bool consumer_is_sendable(const struct consumer *c) {
    return !c->paused && !c->producer->paused && endpoint_sends(c->endpoint);
}

// A place is free: whoever stands first of those who have none gets it. False: nobody wants it.
static bool fill_place(struct endpoint *ep, const struct consumer *but, uint64_t now_us) {
    struct consumer *next = NULL;
    LIST_EACH(node, &ep->consumers) {
        struct consumer *c = LIST_ENTRY(node, struct consumer, link);
        if (c != but && !c->chosen && is_chosen_among(c) && consumer_is_sendable(c) &&
            (!next || stands_before(c, next)))
            next = c;
    }
    if (!next)
        return false;
    choose(ep->loudest, next);
    consumer_update_active(next, now_us);
    return true;
}

void loudest_fill(struct endpoint *ep, uint64_t now_us) {
    while (ep->loudest && ep->loudest->count < ep->loudest->n && fill_place(ep, NULL, now_us)) {
    }
}

// Gives the consumer, which is sendable, a place if it is free or if who has it stands behind.
static void contend(struct consumer *c, uint64_t now_us) {
    struct loudest_choice *choice = c->endpoint->loudest;
    struct consumer *out = NULL;
    if (choice->count >= choice->n) {
        out = choice->chosen[last_chosen(choice)];
        if (!stands_before(c, out))
            return;
        unchoose(choice, out);
    }
    choose(choice, c);
    if (out)
        consumer_update_active(out, now_us);
}

bool loudest_admits(struct consumer *c, bool sendable, uint64_t now_us) {
    if (!is_chosen_among(c))
        return true;
    if (sendable && !c->producer->paused) {
        if (!c->chosen)
            contend(c, now_us);
    } else if (c->chosen) {
        unchoose(c->endpoint->loudest, c);
        fill_place(c->endpoint, c, now_us);
    }
    return c->chosen;
}

void loudest_consumer_close(struct consumer *c, uint64_t now_us) {
    if (!c->chosen)
        return;
    unchoose(c->endpoint->loudest, c);
    fill_place(c->endpoint, c, now_us);
}

static void choice_end(struct endpoint *ep) {
    struct loudest_choice *choice = ep->loudest;
    while (choice->count > 0)
        unchoose(choice, choice->chosen[0]);
    ep->loudest = NULL;
    ep->fw->choosers--;
    free(choice);
}

static void update_all(struct endpoint *ep, uint64_t now_us) {
    LIST_EACH(node, &ep->consumers) {
        struct consumer *c = LIST_ENTRY(node, struct consumer, link);
        if (producer_is_audio(c->producer))
            consumer_update_active(c, now_us);
    }
}

enum err loudest_choose(struct endpoint *ep, unsigned n, uint64_t now_us) {
    assert(n == LOUDEST_ALL || (n >= 1 && n <= LOUDEST_N_MAX));
    if (n == LOUDEST_ALL) {
        if (ep->loudest)
            choice_end(ep);
        update_all(ep, now_us);
        return ERR_OK;
    }
    if (!ep->loudest) {
        if (!(ep->loudest = calloc(1, sizeof *ep->loudest)))
            return ERR_NO_MEMORY;
        ep->fw->choosers++;
    }
    struct loudest_choice *choice = ep->loudest;
    choice->n = n;
    while (choice->count > n) {
        struct consumer *out = choice->chosen[last_chosen(choice)];
        unchoose(choice, out);
        consumer_update_active(out, now_us); // finds no place
    }
    loudest_fill(ep, now_us);
    update_all(ep, now_us);
    return ERR_OK;
}

void loudest_endpoint_close(struct endpoint *ep) {
    if (ep->loudest)
        choice_end(ep);
}

// ---- packets

// Before all whom it beats, as long as each is the next one. Returns whether it has moved.
static bool voice_rise(struct producer *p, uint64_t now_us) {
    struct voice_group *group = p->voice.group;
    unsigned from = p->voice.rank, to = from;
    while (to > 0 && speech_beats(&p->voice.speech, &group->order[to - 1]->voice.speech, now_us))
        to--;
    for (unsigned rank = from; rank > to; rank--)
        group_place(group, group->order[rank - 1], rank);
    group_place(group, p, to);
    return to != from;
}

void loudest_hear(struct producer *p, int8_t level_dbov, uint64_t now_us) {
    struct voice *voice = &p->voice;
    speech_hear(&voice->speech, level_dbov, now_us);
    if (!voice->group || !voice->speech.speaks || !voice_rise(p, now_us) || p->fw->choosers == 0)
        return;
    for (unsigned i = 0; i < p->consumer_count; i++) { // those not active count too, and keep their places
        struct consumer *c = p->consumers[i];
        if (!c->chosen && is_chosen_among(c))
            consumer_update_active(c, now_us); // who changes places with it in the list has been looked at
    }
}

void loudest_keep(struct producer *p, struct block *prepared) {
    struct voice *voice = &p->voice;
    if (!voice->group || p->fw->choosers == 0) {
        if (voice->before[0])
            voice_forget_packets(voice);
        return;
    }
    struct block **place = &voice->before[voice->before_next++ % VOICE_PREROLL];
    block_release(*place);
    *place = block_ref(prepared);
}

void loudest_send_preroll(struct consumer *c, uint64_t now_us) {
    const struct producer *p = c->producer;
    const struct speech *speech = &p->voice.speech;
    if (!is_chosen_among(c) || !speech_lasts(speech, now_us))
        return;
    for (unsigned i = 0; i < VOICE_PREROLL; i++) {
        struct block *b = p->voice.before[(p->voice.before_next + i) % VOICE_PREROLL];
        if (!b)
            continue;
        const struct forward_meta *meta = forward_meta_of(b);
        bool fresh = meta->arrival_us + VOICE_BEFORE_US >= speech->onset_us &&
                     now_us - meta->arrival_us <= VOICE_PREROLL_US;
        bool had = c->rewrite.started && meta->arrival_us <= c->had_us;
        if (fresh && !had)
            consumer_forward(c, &p->streams[0], b, p->streams[0].newest_seq, now_us);
    }
}
