#include "transport/sctp_screen.h"

#include "base/bytes.h"
#include "rtp/data_params.h"

#define COMMON_HEADER_BYTES 12
#define CHUNK_HEADER_BYTES 4
#define PARAMETER_HEADER_BYTES 4
#define INIT_FIXED_BYTES 20 // with the chunk's header

enum chunk_type { // RFC 9260, section 3.2, and those of the extensions
    CHUNK_DATA = 0,
    CHUNK_INIT = 1,
    CHUNK_INIT_ACK = 2,
    CHUNK_SACK = 3,
    CHUNK_HEARTBEAT = 4,
    CHUNK_HEARTBEAT_ACK = 5,
    CHUNK_ABORT = 6,
    CHUNK_SHUTDOWN = 7,
    CHUNK_SHUTDOWN_ACK = 8,
    CHUNK_ERROR = 9,
    CHUNK_COOKIE_ECHO = 10,
    CHUNK_COOKIE_ACK = 11,
    CHUNK_SHUTDOWN_COMPLETE = 14,
    CHUNK_RE_CONFIG = 130,   // RFC 6525
    CHUNK_FORWARD_TSN = 192, // RFC 3758
};

enum parameter_type {
    PARAMETER_IPV4 = 5,
    PARAMETER_IPV6 = 6,
    PARAMETER_HOST_NAME = 11,
    PARAMETER_RESET_OUT = 13, // RFC 6525, sections 4.1 to 4.6
    PARAMETER_RESET_IN = 14,
    PARAMETER_RESET_RESPONSE = 16,
    PARAMETER_ADD_OUT = 17,
    PARAMETER_SUCCESS = 0xc005, // of ASCONF, as all from here on
    PARAMETER_ADD_IP = 0xc001,
    PARAMETER_DELETE_IP = 0xc002,
    PARAMETER_ERROR_CAUSE = 0xc003,
    PARAMETER_SET_PRIMARY = 0xc004,
};

struct tlv {
    unsigned type;
    struct span value; // without the header
};

// The next parameter, with its padding; false: there is none that is whole.
static bool tlv_next(struct reader *reader, struct tlv *out) {
    struct span header = {0};
    if (reader->left < PARAMETER_HEADER_BYTES)
        return false;
    header.ptr = read_raw(reader, PARAMETER_HEADER_BYTES);
    out->type = load_be16(header.ptr);
    size_t len = load_be16(header.ptr + 2);
    if (len < PARAMETER_HEADER_BYTES || len - PARAMETER_HEADER_BYTES > reader->left)
        return false;
    out->value = span_of(header.ptr + PARAMETER_HEADER_BYTES, len - PARAMETER_HEADER_BYTES);
    (void)read_raw(reader, out->value.len);
    size_t padding = (4 - len % 4) % 4;
    (void)read_raw(reader, padding < reader->left ? padding : reader->left);
    return true;
}

static bool init_parameter_welcome(const struct tlv *parameter) {
    switch (parameter->type) {
    case PARAMETER_IPV4:
    case PARAMETER_IPV6:
    case PARAMETER_HOST_NAME:
    case PARAMETER_ADD_IP:
    case PARAMETER_DELETE_IP:
    case PARAMETER_ERROR_CAUSE:
    case PARAMETER_SET_PRIMARY:
    case PARAMETER_SUCCESS:
        return false;
    default:
        return true;
    }
}

static bool init_valid(struct span chunk) {
    if (chunk.len < INIT_FIXED_BYTES)
        return false;
    struct reader reader = reader_of(span_of(chunk.ptr + INIT_FIXED_BYTES, chunk.len - INIT_FIXED_BYTES));
    struct tlv parameter;
    for (unsigned n = 0; reader.left > 0; n++)
        if (n == SCTP_SCREEN_PARAMETERS_MAX || !tlv_next(&reader, &parameter) ||
            !init_parameter_welcome(&parameter))
            return false;
    return true;
}

static bool reconfig_parameter_valid(const struct tlv *parameter) {
    size_t len = parameter->value.len;
    switch (parameter->type) {
    case PARAMETER_RESET_OUT:
        return len >= 12 && len % 2 == 0;
    case PARAMETER_RESET_IN:
        return len >= 4 && len % 2 == 0;
    case PARAMETER_RESET_RESPONSE:
        return len == 8 || len == 16;
    case PARAMETER_ADD_OUT: // within the streams that we have said we take
        return len == 8;
    // Nobody needs the rest: resets of the whole association, and streams that we are to add, of which the
    // library would grant 65535, whatever we have said, and move them all each time.
    default:
        return false;
    }
}

// One or two parameters (RFC 6525, section 3.1).
static bool reconfig_valid(struct span chunk) {
    struct reader reader = reader_of(span_of(chunk.ptr + CHUNK_HEADER_BYTES, chunk.len - CHUNK_HEADER_BYTES));
    struct tlv parameter;
    unsigned n = 0;
    for (; reader.left > 0; n++)
        if (n == 2 || !tlv_next(&reader, &parameter) || !reconfig_parameter_valid(&parameter))
            return false;
    return n > 0;
}

static bool sack_valid(struct span chunk) {
    return chunk.len >= 16 &&
           chunk.len == 16 + 4 * ((size_t)load_be16(chunk.ptr + 12) + load_be16(chunk.ptr + 14));
}

static bool chunk_valid(struct span chunk, bool alone) {
    switch ((enum chunk_type)chunk.ptr[0]) {
    case CHUNK_DATA:
        return chunk.len > 16;
    case CHUNK_INIT:
    case CHUNK_INIT_ACK:
        return alone && init_valid(chunk);
    case CHUNK_SACK:
        return sack_valid(chunk);
    case CHUNK_HEARTBEAT:
    case CHUNK_HEARTBEAT_ACK:
        return chunk.len >= 8;
    case CHUNK_SHUTDOWN:
        return chunk.len == 8;
    case CHUNK_RE_CONFIG:
        return reconfig_valid(chunk);
    case CHUNK_FORWARD_TSN:
        return chunk.len >= 8 && chunk.len % 4 == 0;
    case CHUNK_COOKIE_ECHO:
    case CHUNK_ABORT:
    case CHUNK_ERROR:
        return true;
    case CHUNK_SHUTDOWN_ACK:
    case CHUNK_COOKIE_ACK:
        return chunk.len == 4;
    case CHUNK_SHUTDOWN_COMPLETE:
        return alone && chunk.len == 4;
    }
    return false;
}

bool screen_sctp_packet(struct span packet) {
    struct reader reader = reader_of(packet);
    const uint8_t *header =
        reader.left >= COMMON_HEADER_BYTES ? read_raw(&reader, COMMON_HEADER_BYTES) : NULL;
    if (!header || load_be16(header) != DATA_SCTP_PORT || load_be16(header + 2) != DATA_SCTP_PORT ||
        reader.left == 0)
        return false;
    for (unsigned n = 0; reader.left > 0; n++) {
        const uint8_t *chunk = reader.ptr;
        size_t len = reader.left >= CHUNK_HEADER_BYTES ? load_be16(chunk + 2) : 0;
        if (n == SCTP_SCREEN_CHUNKS_MAX || len < CHUNK_HEADER_BYTES || len > reader.left)
            return false;
        size_t whole = (len + 3) / 4 * 4;
        bool alone = n == 0 && whole >= reader.left;
        if (!chunk_valid(span_of(chunk, len), alone))
            return false;
        (void)read_raw(&reader, whole < reader.left ? whole : reader.left);
    }
    return true;
}
