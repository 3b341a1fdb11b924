#include "rtp/rtp_ext.h"

#include "base/bytes.h"

#include <assert.h>

#define PROFILE_ONE_BYTE 0xbede
#define PROFILE_TWO_BYTE 0x1000 // the low four bits are the application's
#define ONE_BYTE_ID_STOP 15

void ext_map_clear(struct ext_map *map) {
    *map = (struct ext_map){0};
}

void ext_map_add(struct ext_map *map, const struct ext_ids *ids) {
    static_assert(EXT_NONE == 0, "an unknown id maps to no extension");
    for (unsigned ext = EXT_NONE + 1; ext < EXT_COUNT; ext++)
        if (ids->ids[ext] != 0)
            map->ext_by_id[ids->ids[ext]] = (uint8_t)ext;
}

static void note_value(const struct ext_map *map, uint8_t id, struct span value, struct rtp_ext_values *out) {
    uint8_t ext = map->ext_by_id[id];
    if (ext != EXT_NONE && value.ptr && !out->of[ext].ptr)
        out->of[ext] = value;
}

// RFC 8285, 4.2: four bits of id, four bits of length less one; a zero byte is padding. Id 15, and id 0 with
// a length, end the processing of the block.
static void read_one_byte(struct reader r, const struct ext_map *map, struct rtp_ext_values *out) {
    while (r.left > 0) {
        uint8_t head = read_u8(&r);
        if (head == 0)
            continue;
        uint8_t id = head >> 4;
        if (id == 0 || id == ONE_BYTE_ID_STOP)
            return;
        struct span value = read_span(&r, (head & 0x0fu) + 1u);
        if (r.failed)
            return;
        note_value(map, id, value, out);
    }
}

// RFC 8285, 4.3: eight bits of id, eight bits of length, which may be 0; a zero id is one byte of padding.
static void read_two_byte(struct reader r, const struct ext_map *map, struct rtp_ext_values *out) {
    while (r.left > 0) {
        uint8_t id = read_u8(&r);
        if (id == 0)
            continue;
        uint8_t len = read_u8(&r);
        struct span value = read_span(&r, len);
        if (r.failed)
            return;
        note_value(map, id, value, out);
    }
}

void rtp_ext_read(const struct rtp_packet *packet, const struct ext_map *map, struct rtp_ext_values *out) {
    *out = (struct rtp_ext_values){0};
    struct reader r = reader_of(packet->extensions);
    if (packet->ext_profile == PROFILE_ONE_BYTE)
        read_one_byte(r, map, out);
    else if ((packet->ext_profile & 0xfff0) == PROFILE_TWO_BYTE)
        read_two_byte(r, map, out);
}

bool rtp_ext_transport_seq(const struct rtp_ext_values *values, uint16_t *seq) {
    struct span v = values->of[EXT_TRANSPORT_CC];
    if (v.len != 2)
        return false;
    *seq = load_be16(v.ptr);
    return true;
}

bool rtp_ext_audio_level(const struct rtp_ext_values *values, int8_t *level_dbov, bool *voice) {
    struct span v = values->of[EXT_AUDIO_LEVEL];
    if (v.len != 1)
        return false;
    *voice = v.ptr[0] >> 7;
    *level_dbov = (int8_t)(-(int)(v.ptr[0] & 0x7f));
    return true;
}

bool rtp_ext_abs_send_time(const struct rtp_ext_values *values, uint32_t *seconds_6_18) {
    struct span v = values->of[EXT_ABS_SEND_TIME];
    if (v.len != 3)
        return false;
    *seconds_6_18 = load_be24(v.ptr);
    return true;
}

bool rtp_ext_toffset(const struct rtp_ext_values *values, uint32_t *ticks) {
    struct span v = values->of[EXT_TOFFSET];
    if (v.len != 3)
        return false;
    uint32_t value = load_be24(v.ptr);
    *ticks = value & 0x800000 ? value | 0xff000000 : value;
    return true;
}

bool rtp_ext_capture_ntp(const struct rtp_ext_values *values, uint64_t *ntp) {
    struct span v = values->of[EXT_ABS_CAPTURE_TIME];
    // The extended form has the capture clock's estimated offset behind the time.
    if (v.len != 8 && v.len != 16)
        return false;
    *ntp = load_be64(v.ptr);
    return true;
}
