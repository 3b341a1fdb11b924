#include "transport/dcep.h"

#include "base/bytes.h"

#include <string.h>

// RFC 8832, section 5.1.
#define OPEN_HEADER_BYTES 12
#define TYPE_UNORDERED 0x80
#define TYPE_RELIABLE 0x00
#define TYPE_REXMIT 0x01
#define TYPE_TIMED 0x02
#define PRIORITY_NORMAL 256

enum err dcep_read_type(struct span message, enum dcep_type *type) {
    if (message.len == DCEP_ACK_BYTES && message.ptr[0] == DCEP_ACK)
        *type = DCEP_ACK;
    else if (message.len >= OPEN_HEADER_BYTES && message.ptr[0] == DCEP_OPEN)
        *type = DCEP_OPEN;
    else
        return ERR_MALFORMED;
    return ERR_OK;
}

// How many bytes follow the first one of a character; -1: none begins like this.
static int utf8_tail(uint8_t first) {
    return first < 0x80                    ? 0
           : first >= 0xc2 && first < 0xe0 ? 1
           : first >= 0xe0 && first < 0xf0 ? 2
           : first >= 0xf0 && first < 0xf5 ? 3
                                           : -1;
}

// Neither overlong nor half a surrogate pair, nor beyond U+10FFFF: the second byte shows that.
static bool utf8_second_fits(uint8_t first, uint8_t second) {
    uint8_t least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return second >= least && second <= most;
}

// Text for people: no control characters either.
static bool text_valid(struct span text) {
    for (size_t i = 0; i < text.len;) {
        uint8_t first = text.ptr[i++];
        int tail = utf8_tail(first);
        if (first < 0x20 || first == 0x7f || tail < 0 || text.len - i < (size_t)tail)
            return false;
        if (tail > 0 && !utf8_second_fits(first, text.ptr[i]))
            return false;
        for (int k = 0; k < tail; k++)
            if ((text.ptr[i + (size_t)k] & 0xc0) != 0x80)
                return false;
        i += (size_t)tail;
    }
    return true;
}

static enum err read_text(struct span text, char out[DATA_TEXT_MAX + 1]) {
    if (text.len > DATA_TEXT_MAX)
        return ERR_LIMIT;
    if (!text_valid(text))
        return ERR_MALFORMED;
    memcpy(out, text.ptr, text.len);
    out[text.len] = '\0';
    return ERR_OK;
}

static bool read_reliability(uint8_t type, uint32_t parameter, struct data_stream *stream) {
    stream->ordered = !(type & TYPE_UNORDERED);
    stream->limit = 0;
    switch (type & ~TYPE_UNORDERED) {
    case TYPE_RELIABLE: // its parameter is to be ignored
        stream->reliability = DATA_RELIABLE;
        return true;
    case TYPE_REXMIT:
        stream->reliability = DATA_MAX_RETRANSMITS;
        break;
    case TYPE_TIMED:
        stream->reliability = DATA_MAX_LIFETIME;
        break;
    default:
        return false;
    }
    stream->limit = parameter > UINT16_MAX ? UINT16_MAX : (uint16_t)parameter;
    return true;
}

enum err dcep_read_open(struct span message, struct data_channel_params *out) {
    *out = (struct data_channel_params){0};
    if (message.len < OPEN_HEADER_BYTES || message.ptr[0] != DCEP_OPEN ||
        !read_reliability(message.ptr[1], load_be32(message.ptr + 4), &out->stream))
        return ERR_MALFORMED;
    size_t label = load_be16(message.ptr + 8), protocol = load_be16(message.ptr + 10);
    if (message.len != OPEN_HEADER_BYTES + label + protocol)
        return ERR_MALFORMED;
    enum err err = read_text(span_of(message.ptr + OPEN_HEADER_BYTES, label), out->label);
    return err == ERR_OK
               ? read_text(span_of(message.ptr + OPEN_HEADER_BYTES + label, protocol), out->protocol)
               : err;
}

void dcep_write_ack(uint8_t out[DCEP_ACK_BYTES]) {
    out[0] = DCEP_ACK;
}

size_t dcep_write_open(const struct data_channel_params *channel, uint8_t *out, size_t cap) {
    static const uint8_t types[DATA_RELIABILITY_COUNT] = {[DATA_RELIABLE] = TYPE_RELIABLE,
                                                          [DATA_MAX_RETRANSMITS] = TYPE_REXMIT,
                                                          [DATA_MAX_LIFETIME] = TYPE_TIMED};
    size_t label = strlen(channel->label), protocol = strlen(channel->protocol);
    if (OPEN_HEADER_BYTES + label + protocol > cap)
        return 0;
    out[0] = DCEP_OPEN;
    out[1] = (uint8_t)(types[channel->stream.reliability] | (channel->stream.ordered ? 0 : TYPE_UNORDERED));
    store_be16(out + 2, PRIORITY_NORMAL);
    store_be32(out + 4, channel->stream.limit);
    store_be16(out + 8, (uint16_t)label);
    store_be16(out + 10, (uint16_t)protocol);
    memcpy(out + OPEN_HEADER_BYTES, channel->label, label);
    memcpy(out + OPEN_HEADER_BYTES + label, channel->protocol, protocol);
    return OPEN_HEADER_BYTES + label + protocol;
}
