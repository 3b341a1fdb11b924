#include "rooms/media/link_mates.h"

#include <assert.h>

// ---- who shares the link

// Its own place on the board, or that of who told longest ago.
static unsigned board_place(const struct link_board *board, const struct link_mates *m,
                            struct transport_id self) {
    if (board->told[m->place].id.v == self.v)
        return m->place;
    unsigned oldest = 0;
    for (unsigned i = 0; i < MATES_BOARD; i++) {
        if (board->told[i].id.v == self.v)
            return i;
        if (board->told[i].at_us < board->told[oldest].at_us)
            oldest = i;
    }
    return oldest;
}

static struct link_mate *mates_find(struct link_mates *m, struct transport_id id) {
    for (unsigned i = 0; i < MATES_MAX; i++)
        if (m->known[i].id.v == id.v)
            return &m->known[i];
    return NULL;
}

// A place for one that is not known yet: an empty one, else that of the one with the fewest votes who is no
// mate. NULL: all are mates.
static struct link_mate *mates_add(struct link_mates *m, struct transport_id id, uint64_t now_us) {
    struct link_mate *least = NULL;
    for (unsigned i = 0; i < MATES_MAX; i++) {
        struct link_mate *known = &m->known[i];
        if (known->alike_us + MATES_KNOWN_US <= now_us)
            *known = (struct link_mate){0};
        if (!known->is && (!least || known->votes < least->votes))
            least = known;
    }
    if (least)
        *least = (struct link_mate){.id = id};
    return least;
}

static void mate_vote(struct link_mate *mate, int votes, uint64_t now_us) {
    int sum = mate->votes + votes;
    mate->votes = (uint8_t)(sum < 0 ? 0 : sum > MATES_VOTES_MAX ? MATES_VOTES_MAX : sum);
    mate->voted_us = now_us;
    if (votes > 0)
        mate->alike_us = now_us;
    mate->is = mate->votes >= (mate->is ? MATES_VOTES_KEPT : MATES_VOTES);
    if (mate->votes == 0)
        *mate = (struct link_mate){0};
}

static uint32_t higher(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

// What two queues of the same moment say: 1 of one length, -1 of two, 0 nothing.
static int compare(uint32_t a_us, uint32_t b_us) {
    uint32_t longer_us = higher(a_us, b_us), apart_us = longer_us - (a_us < b_us ? a_us : b_us);
    if (longer_us < MATES_QUEUE_US)
        return 0;
    if (apart_us <= higher(MATES_ALIKE_US, longer_us / 4))
        return 1;
    return apart_us > higher(MATES_APART_US, longer_us / 2) ? -1 : 0;
}

// Frames, pauses in what is told, and what each takes for the empty queue make short ones differ, which is no
// reason to part at once, or by little at all.
static int votes_apart(const struct link_mate *mate, uint32_t a_us, uint32_t b_us) {
    uint32_t longer_us = higher(a_us, b_us), apart_us = longer_us - (a_us < b_us ? a_us : b_us);
    if (!mate->is || longer_us >= MATES_CLEAR_US)
        return -MATES_VOTES_APART;
    return apart_us > MATES_EMPTY_US ? -1 : 0;
}

static void mates_compare(struct link_mates *m, struct transport_id id, uint32_t own_us, uint32_t other_us,
                          uint64_t now_us) {
    int alike = compare(own_us, other_us);
    struct link_mate *mate = mates_find(m, id);
    if (!mate && alike > 0)
        mate = mates_add(m, id, now_us);
    if (mate && alike != 0 && (mate->voted_us == 0 || now_us >= mate->voted_us + MATES_VOTE_US))
        mate_vote(mate, alike > 0 ? 1 : votes_apart(mate, own_us, other_us), now_us);
}

// Feedback of two transports tells of moments that are not quite the same.
static uint32_t mates_smooth(struct link_mates *m, uint32_t queue_us, uint64_t now_us) {
    int64_t us = now_us - m->told_us < MATES_SMOOTH_MAX_US ? (int64_t)(now_us - m->told_us) : -1;
    int64_t further_us = (int64_t)queue_us - m->queue_us;
    m->queue_us = us < 0 ? queue_us : (uint32_t)(m->queue_us + further_us * us / (us + MATES_SMOOTH_US));
    m->told_us = now_us;
    return m->queue_us;
}

void link_mates_tell(struct link_mates *m, struct link_board *board, struct transport_id self,
                     uint32_t queue_us, uint64_t now_us) {
    assert(self.v != 0);
    queue_us = mates_smooth(m, queue_us, now_us);
    unsigned place = board_place(board, m, self);
    m->place = (uint8_t)place;
    board->told[place].id = self;
    board->told[place].queue_us = queue_us;
    board->told[place].at_us = now_us;
    for (unsigned i = 0; i < MATES_BOARD; i++)
        if (i != place && board->told[i].id.v != 0 && now_us - board->told[i].at_us <= MATES_FRESH_US)
            mates_compare(m, board->told[i].id, queue_us, board->told[i].queue_us, now_us);
}

struct transport_id link_mates_next(const struct link_mates *m, unsigned *at, uint64_t now_us) {
    while (*at < MATES_MAX) {
        const struct link_mate *mate = &m->known[(*at)++];
        if (mate->is && now_us < mate->alike_us + MATES_KNOWN_US)
            return mate->id;
    }
    return (struct transport_id){0};
}

// ---- what is whose

static uint64_t lower(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

// Even among those who want as much; who wants less leaves it to the others.
static uint64_t share_even(uint64_t carried_bps, const struct link_claim *claims, unsigned count) {
    uint64_t even_bps = carried_bps / count;
    for (unsigned pass = 1; pass < count; pass++) {
        uint64_t left_bps = carried_bps;
        unsigned many = 0;
        for (unsigned i = 0; i < count; i++) {
            bool wants = claims[i].demand_bps > even_bps;
            left_bps -= wants ? 0 : lower(claims[i].demand_bps, left_bps);
            many += wants;
        }
        if (many == 0)
            break;
        even_bps = left_bps / many;
    }
    return even_bps;
}

bool link_claim_is_behind(const struct link_claim *c, uint64_t bps, uint64_t within_bps) {
    return c->next_bps > c->has_bps && c->next_bps * 100 <= within_bps * MATES_ALIKE_PERCENT &&
           c->has_bps * MATES_EVEN_PERCENT < bps * 100;
}

struct link_share link_share_of(uint64_t carried_bps, const struct link_claim *claims, unsigned count) {
    assert(count > 0 && count <= MATES_MAX + 1);
    struct link_share share = {.even_bps = share_even(carried_bps, claims, count)};
    uint64_t need_bps = 0, use_bps = 0, has_bps = 0;
    for (unsigned i = 1; i < count; i++) {
        const struct link_claim *c = &claims[i];
        uint64_t next_bps = c->next_bps > c->has_bps ? c->next_bps : c->has_bps;
        bool usable = next_bps * 100 <= share.even_bps * MATES_ALIKE_PERCENT;
        need_bps += lower(next_bps, share.even_bps);
        use_bps += lower(usable ? next_bps : c->has_bps, share.even_bps);
        has_bps += c->has_bps;
    }
    uint64_t left_bps = carried_bps > need_bps ? carried_bps - need_bps : 0,
             usable_bps = carried_bps > use_bps ? carried_bps - use_bps : 0;
    share.most_bps = left_bps > share.even_bps ? left_bps : share.even_bps;
    share.usable_bps = usable_bps > share.even_bps ? usable_bps : share.even_bps;
    share.free_bps = lower(carried_bps > has_bps ? carried_bps - has_bps : 0, share.even_bps);
    return share;
}
