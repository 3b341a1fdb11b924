#include "rtp/dependency_descriptor.h"

#include "base/seq.h"

#include <assert.h>

#define REFS_FAR_MAX 64 // references that go further back are not kept

// ---- bits

struct bits {
    struct span from;
    size_t at; // in bits
    bool failed;
};

static uint32_t bits_read(struct bits *b, unsigned count) {
    assert(count <= 32);
    if (b->failed || b->at + count > b->from.len * 8) {
        b->failed = true;
        return 0;
    }
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++, b->at++)
        value = value << 1 | ((uint32_t)b->from.ptr[b->at / 8] >> (7 - b->at % 8) & 1);
    return value;
}

// ns(n), A.8.2.
static uint32_t bits_read_below(struct bits *b, uint32_t n) {
    unsigned w = 0;
    for (uint32_t x = n; x != 0; x >>= 1)
        w++;
    uint32_t m = (UINT32_C(1) << w) - n, v = bits_read(b, w - 1);
    if (v < m)
        return v;
    return (v << 1) - m + bits_read(b, 1);
}

static uint64_t bits_read_dtis(struct bits *b, unsigned targets) {
    uint64_t dtis = 0;
    for (unsigned d = 0; d < targets; d++)
        dtis |= (uint64_t)bits_read(b, 2) << (2 * d);
    return dtis;
}

static uint64_t ref_bit(uint32_t diff) {
    return diff <= REFS_FAR_MAX ? UINT64_C(1) << (diff - 1) : 0;
}

// ---- structure

#define NEXT_TEMPORAL 1
#define NEXT_SPATIAL 2
#define NEXT_NONE 3

static void read_template_layers(struct bits *b, struct dd_structure *s) {
    uint8_t spatial = 0, temporal = 0;
    for (uint32_t next = 0; next != NEXT_NONE && !b->failed;) {
        if (s->template_count == DD_TEMPLATES_MAX || spatial > DD_LAYER_MAX || temporal > DD_LAYER_MAX) {
            b->failed = true;
            return;
        }
        s->templates[s->template_count++] = (struct dd_template){.spatial = spatial, .temporal = temporal};
        s->spatial_layers = (uint8_t)(spatial + 1);
        if (temporal >= s->temporal_layers)
            s->temporal_layers = (uint8_t)(temporal + 1);
        next = bits_read(b, 2);
        if (next == NEXT_TEMPORAL) {
            temporal++;
        } else if (next == NEXT_SPATIAL) {
            temporal = 0;
            spatial++;
        }
    }
}

static void read_template_refs(struct bits *b, struct dd_structure *s) {
    for (unsigned t = 0; t < s->template_count; t++)
        while (bits_read(b, 1))
            s->templates[t].refs |= ref_bit(bits_read(b, 4) + 1);
}

static void read_template_chains(struct bits *b, struct dd_structure *s) {
    s->chain_count = (uint8_t)bits_read_below(b, s->target_count + 1u);
    if (s->chain_count == 0)
        return;
    for (unsigned d = 0; d < s->target_count; d++)
        s->target_chain[d] = (uint8_t)bits_read_below(b, s->chain_count);
    for (unsigned t = 0; t < s->template_count; t++)
        for (unsigned c = 0; c < s->chain_count; c++)
            s->templates[t].chain_diffs[c] = (uint8_t)bits_read(b, 4);
}

static bool template_has(const struct dd_template *t, unsigned target) {
    return (t->dtis >> (2 * target) & 3) != DTI_NOT_PRESENT;
}

// Whether each template of target `a` is of target `b` too.
static bool target_is_within(const struct dd_structure *s, unsigned a, unsigned b) {
    for (unsigned t = 0; t < s->template_count; t++)
        if (template_has(&s->templates[t], a) && !template_has(&s->templates[t], b))
            return false;
    return true;
}

static void derive_targets(struct dd_structure *s) {
    for (unsigned d = 0; d < s->target_count; d++) {
        bool whole = true;
        for (unsigned t = 0; t < s->template_count; t++) {
            const struct dd_template *template = &s->templates[t];
            if (!template_has(template, d)) {
                whole = false;
                continue;
            }
            if (template->spatial > s->target_spatial[d])
                s->target_spatial[d] = template->spatial;
            if (template->temporal > s->target_temporal[d])
                s->target_temporal[d] = template->temporal;
        }
        s->whole |= whole ? UINT32_C(1) << d : 0;
        for (unsigned a = 0; a < s->target_count; a++)
            s->within[d] |= target_is_within(s, a, d) ? UINT32_C(1) << a : 0;
    }
}

// All zero before. False: malformed.
static bool read_structure(struct bits *b, struct dd_structure *s) {
    s->id_offset = (uint8_t)bits_read(b, 6);
    s->target_count = (uint8_t)(bits_read(b, 5) + 1);
    read_template_layers(b, s);
    for (unsigned t = 0; t < s->template_count && !b->failed; t++)
        s->templates[t].dtis = bits_read_dtis(b, s->target_count);
    if (b->failed)
        return false;
    read_template_refs(b, s);
    read_template_chains(b, s);
    if (!b->failed && bits_read(b, 1)) // resolutions
        for (unsigned i = 0; i < s->spatial_layers; i++)
            (void)bits_read(b, 32);
    if (b->failed)
        return false;
    derive_targets(s);
    return true;
}

// ---- frame

struct head { // the part of a descriptor that is before the frame's own definition
    uint8_t template_id;
    bool structure_present, active_present, own_dtis, own_refs, own_chains;
    uint32_t active;
    struct dd_structure structure; // if it is present
};

static uint32_t all_targets(const struct dd_structure *s) {
    return s->target_count == 32 ? UINT32_MAX : (UINT32_C(1) << s->target_count) - 1;
}

static void read_mandatory(struct bits *b, struct head *head, struct dd_frame *out) {
    out->starts = bits_read(b, 1);
    out->ends = bits_read(b, 1);
    head->template_id = (uint8_t)bits_read(b, 6);
    out->facts.number = (uint16_t)bits_read(b, 16);
    out->facts.flags = out->ends ? LAYER_ENDS : 0;
}

static void read_flags(struct bits *b, struct head *head) {
    head->structure_present = bits_read(b, 1);
    head->active_present = bits_read(b, 1);
    head->own_dtis = bits_read(b, 1);
    head->own_refs = bits_read(b, 1);
    head->own_chains = bits_read(b, 1);
}

static uint64_t read_own_refs(struct bits *b) {
    uint64_t refs = 0;
    for (uint32_t size; (size = bits_read(b, 2)) != 0 && !b->failed;)
        refs |= ref_bit(bits_read(b, 4 * size) + 1);
    return refs;
}

// NULL: the template is none of this structure's.
static const struct dd_template *template_of(const struct dd_structure *s, uint8_t id) {
    unsigned index = (id + 64u - s->id_offset) % 64;
    return index < s->template_count ? &s->templates[index] : NULL;
}

static void read_definition(struct bits *b, const struct head *head, const struct dd_structure *s,
                            struct layer_facts *facts) {
    const struct dd_template *template = template_of(s, head->template_id);
    if (!template)
        return;
    facts->spatial = template->spatial;
    facts->temporal = template->temporal;
    facts->dtis = head->own_dtis ? bits_read_dtis(b, s->target_count) : template->dtis;
    facts->refs = head->own_refs ? read_own_refs(b) : template->refs;
    for (unsigned d = 0; d < s->target_count; d++) // no target of a higher spatial layer needs it
        if (s->target_spatial[d] > facts->spatial && layer_dti_of(facts, d) != DTI_NOT_PRESENT)
            return;
    facts->flags |= LAYER_ASIDE;
}

#define FIRST_WRAP UINT64_C(0x10000) // unwrapped numbers start here, so that earlier ones are not below zero

static void keep_structure(struct dd_reader *reader, const struct head *head, uint64_t number) {
    reader->generations = (uint8_t)(reader->generations + 1);
    if (reader->generations == 0)
        reader->generations = 1;
    reader->structure = head->structure;
    reader->structure.generation = reader->generations;
    reader->structure_at = reader->active_at = number;
    reader->active = all_targets(&reader->structure);
}

static void keep_active(struct dd_reader *reader, const struct head *head, uint64_t number) {
    uint32_t active = head->active & all_targets(&reader->structure);
    if (active == 0 || number < reader->active_at)
        return;
    reader->active = active;
    reader->active_at = number;
}

static uint64_t note_number(struct dd_reader *reader, uint16_t number16, bool brings_structure) {
    uint64_t number = reader->begun ? seq16_unwrap(reader->newest, number16) : FIRST_WRAP + number16;
    if (brings_structure && reader->begun && number + DD_LATE_MAX < reader->structure_at) {
        reader->begun = false; // it counts anew
        reader->structure_at = 0;
        number = FIRST_WRAP + number16;
    }
    if (!reader->begun || number > reader->newest)
        reader->newest = number;
    reader->begun = true;
    return number;
}

static bool read_head(const struct dd_reader *reader, struct bits *b, struct head *head,
                      struct dd_frame *out) {
    read_mandatory(b, head, out);
    if (b->failed || b->from.len == DD_MANDATORY_BYTES)
        return !b->failed;
    read_flags(b, head);
    if (head->structure_present)
        head->structure = (struct dd_structure){0};
    if (head->structure_present && !read_structure(b, &head->structure))
        return false;
    const struct dd_structure *s = head->structure_present ? &head->structure : &reader->structure;
    if (head->active_present && s->target_count > 0)
        head->active = bits_read(b, s->target_count);
    return !b->failed;
}

bool dd_read(struct dd_reader *reader, struct span descriptor, struct dd_frame *out) {
    struct bits b = {.from = descriptor};
    struct head head;
    *out = (struct dd_frame){0};
    head.structure_present = head.active_present = head.own_dtis = head.own_refs = head.own_chains = false;
    if (!read_head(reader, &b, &head, out))
        return false;
    bool known = reader->structure.generation != 0;
    const struct dd_structure *s = head.structure_present ? &head.structure : &reader->structure;
    if (s->template_count > 0)
        read_definition(&b, &head, s, &out->facts);
    if (b.failed || (head.structure_present && !template_of(s, head.template_id)))
        return false;
    out->brings_structure = head.structure_present && out->starts;
    uint64_t number = note_number(reader, out->facts.number, head.structure_present);
    if (head.structure_present && (!known || number > reader->structure_at))
        keep_structure(reader, &head, number);
    // What is from before the structure is none of its frames, though it may name one of its templates.
    bool ours = head.structure_present
                    ? number == reader->structure_at
                    : known && number >= reader->structure_at && template_of(s, head.template_id);
    if (ours && head.active_present)
        keep_active(reader, &head, number);
    out->facts.structure = ours ? reader->structure.generation : 0;
    if (out->facts.structure && number == reader->structure_at)
        out->facts.flags |= LAYER_KEY;
    return true;
}

void dd_reader_reset(struct dd_reader *reader) {
    *reader = (struct dd_reader){.generations = reader->generations};
}

bool dd_chain_diff(const struct dd_reader *reader, struct span descriptor, unsigned chain, uint8_t *out) {
    const struct dd_structure *s = &reader->structure;
    struct bits b = {.from = descriptor};
    struct head head;
    struct dd_frame frame = {0};
    head.structure_present = head.active_present = head.own_dtis = head.own_refs = head.own_chains = false;
    if (chain >= s->chain_count || !read_head(reader, &b, &head, &frame))
        return false;
    const struct dd_template *template = template_of(s, head.template_id);
    if (!template)
        return false;
    *out = template->chain_diffs[chain];
    if (!head.own_chains)
        return true;
    if (head.own_dtis)
        (void)bits_read_dtis(&b, s->target_count);
    if (head.own_refs)
        (void)read_own_refs(&b);
    for (unsigned c = 0; c <= chain; c++)
        *out = (uint8_t)bits_read(&b, 8);
    return !b.failed;
}

unsigned dd_best_target(const struct dd_structure *s, uint32_t active, int spatial_most, int temporal_most) {
    int best = -1, best_rank = -1, lowest = -1;
    for (unsigned d = 0; d < s->target_count; d++) {
        int spatial = s->target_spatial[d], temporal = s->target_temporal[d], rank = spatial * 64 + temporal;
        if (!(active >> d & 1))
            continue;
        if (lowest < 0 || rank < s->target_spatial[lowest] * 64 + s->target_temporal[lowest])
            lowest = (int)d;
        bool fits =
            (spatial_most < 0 || spatial <= spatial_most) && (temporal_most < 0 || temporal <= temporal_most);
        if (fits && rank > best_rank) {
            best = (int)d;
            best_rank = rank;
        }
    }
    return best >= 0 ? (unsigned)best : lowest >= 0 ? (unsigned)lowest : 0;
}
