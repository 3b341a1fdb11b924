#include "load/rtp_write.h"

// RFC 8285, section 4.2: the id and the length minus one.
static uint8_t *element(struct writer *w, const struct ext_ids *ids, enum media_ext ext, size_t len) {
    uint8_t id = ids->ids[ext];
    if (id < 1 || id > 14 || len < 1 || len > 16)
        return NULL;
    write_u8(w, (uint8_t)((unsigned)id << 4 | (unsigned)(len - 1)));
    return write_raw(w, (size_t)len);
}

static void write_text(struct writer *w, const struct ext_ids *ids, enum media_ext ext, const char *text) {
    size_t len = text ? strlen(text) : 0;
    uint8_t *p = len ? element(w, ids, ext, len) : NULL;
    if (p)
        memcpy(p, text, len);
}

void rtp_head_write(struct writer *w, const struct rtp_head *head) {
    uint8_t *p;
    write_u8(w, 0x90); // version 2, extension
    write_u8(w, (uint8_t)((head->marker ? 0x80 : 0) | head->payload_type));
    write_u16(w, head->seq);
    write_u32(w, head->timestamp);
    write_u32(w, head->ssrc);
    write_u16(w, 0xbede);
    size_t length_at = w->len;
    write_u16(w, 0);
    write_text(w, head->ids, EXT_MID, head->mid);
    write_text(w, head->ids, head->repaired ? EXT_REPAIRED_RID : EXT_RID, head->rid);
    if ((p = element(w, head->ids, EXT_ABS_SEND_TIME, 3)))
        store_be24(p, head->abs_send_time);
    if ((p = element(w, head->ids, EXT_TRANSPORT_CC, 2)))
        store_be16(p, head->transport_seq);
    if (head->audio_level >= 0 && (p = element(w, head->ids, EXT_AUDIO_LEVEL, 1)))
        *p = (uint8_t)((head->voice ? 0x80 : 0) | head->audio_level);
    size_t bytes = w->len - length_at - 2;
    write_zeros(w, (4 - bytes % 4) % 4);
    if (!w->failed)
        store_be16(w->ptr + length_at, (uint16_t)((bytes + 3) / 4));
}
