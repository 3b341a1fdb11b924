// codec_parse: the payload formats behind codec.h, one file each. Internal to codec*.c.
//
// Each reads a payload that is not empty into an all-zero *out and returns false when it breaks its format;
// what *out then holds does not matter.
#ifndef RTP_CODEC_PARSE_H
#define RTP_CODEC_PARSE_H

#include "base/bytes.h"
#include "rtp/codec.h"

bool codec_vp8_parse(struct span payload, struct codec_frame *out);
bool codec_vp9_parse(struct span payload, struct codec_frame *out);
bool codec_h264_parse(struct span payload, struct codec_frame *out);
bool codec_h265_parse(struct span payload, struct codec_frame *out);
bool codec_av1_parse(struct span payload, struct codec_frame *out);
bool codec_opus_parse(struct span payload, struct codec_frame *out);

#endif
