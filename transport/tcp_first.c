#include "transport/tcp_first.h"

#include "base/bytes.h"
#include "transport/ice.h"
#include "transport/tcp_frames.h"

#define STUN_HEADER_BYTES 20
#define STUN_COOKIE UINT32_C(0x2112a442) // RFC 8489, section 5
#define STUN_TYPE_BINDING_REQUEST 1
#define TELLING_BYTES (TCP_FRAME_HEAD_BYTES + 8) // the frame's length, then type, length and cookie

static enum tcp_first need(unsigned bytes, unsigned *number) {
    *number = bytes;
    return TCP_FIRST_MORE;
}

static bool may_be_check(const uint8_t *frame, size_t frame_len) {
    return load_be16(frame) == STUN_TYPE_BINDING_REQUEST &&
           load_be16(frame + 2) == frame_len - STUN_HEADER_BYTES && load_be32(frame + 4) == STUN_COOKIE;
}

enum tcp_first tcp_first_look(struct span bytes, unsigned workers, unsigned *number) {
    if (bytes.len == 0)
        return need(1, number);
    if (!tcp_first_is_media(bytes.ptr[0]))
        return TCP_FIRST_OTHER;
    if (bytes.len < TCP_FRAME_HEAD_BYTES)
        return need(TCP_FRAME_HEAD_BYTES, number);
    size_t frame_len = load_be16(bytes.ptr);
    if (frame_len < STUN_HEADER_BYTES || frame_len > BLOCK_DATAGRAM_MAX)
        return TCP_FIRST_OTHER;
    if (bytes.len < TELLING_BYTES)
        return need(TELLING_BYTES, number);
    const uint8_t *frame = bytes.ptr + TCP_FRAME_HEAD_BYTES;
    if (!may_be_check(frame, frame_len))
        return TCP_FIRST_OTHER;
    if (bytes.len < TCP_FRAME_HEAD_BYTES + frame_len)
        return need((unsigned)(TCP_FRAME_HEAD_BYTES + frame_len), number);
    struct span ufrag;
    if (ice_peek_ufrag(span_of(frame, frame_len), &ufrag) != ERR_OK)
        return TCP_FIRST_OTHER;
    int worker = ice_ufrag_worker(ufrag);
    if (worker < 0 || (unsigned)worker >= workers)
        return TCP_FIRST_OTHER;
    *number = (unsigned)worker;
    return TCP_FIRST_MEDIA;
}
