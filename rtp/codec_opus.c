#include "rtp/codec_parse.h"

#define OPUS_DTX_BYTES_MAX 2 // RFC 6716: what the encoder gives while there is nothing to send

// Each packet stands for itself (RFC 7587); what is in it may be encrypted and is not looked at.
bool codec_opus_parse(struct span payload, struct codec_frame *out) {
    (void)payload;
    out->frame_start = true;
    return true;
}

bool codec_opus_is_dtx(struct span payload) {
    return payload.len > 0 && payload.len <= OPUS_DTX_BYTES_MAX;
}
