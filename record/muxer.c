#include "record/muxer.h"

#include <assert.h>
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATH_MAX_BYTES 1024
#define OPUS_HEAD_BYTES 19
#define OPUS_PRE_SKIP 312 // 6.5 ms, what browsers' encoders have

struct muxer {
    AVFormatContext *context;
    AVStream *streams[MUXER_STREAMS_MAX];
    enum media_codec codecs[MUXER_STREAMS_MAX];
    unsigned count;
    AVPacket *packet;
    bool begun; // the header is written
    bool failed;
    char path[PATH_MAX_BYTES];
};

void muxer_start(void) {
    av_log_set_level(AV_LOG_QUIET);
}

const char *muxer_version(void) {
    return av_version_info();
}

// What goes wrong with the disk is kept in `pb`; the rest libavformat says of what it was given.
static bool is_of_track(const struct muxer *m, int code) {
    bool disk = m && m->context && m->context->pb && m->context->pb->error < 0;
    return !disk && code != AVERROR(ENOMEM) && code != AVERROR(EIO) && code != AVERROR(ENOSPC);
}

static bool refuse(const struct muxer *m, struct muxer_fault *fault, int code, const char *what,
                   const char *path) {
    char why[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(code, why, sizeof why);
    fault->of_track = is_of_track(m, code);
    snprintf(fault->text, sizeof fault->text, "%s %.150s: %s", what, path, why);
    return false;
}

static enum AVCodecID codec_id(enum media_codec codec) {
    switch (codec) {
    case CODEC_OPUS:
        return AV_CODEC_ID_OPUS;
    case CODEC_VP8:
        return AV_CODEC_ID_VP8;
    case CODEC_VP9:
        return AV_CODEC_ID_VP9;
    case CODEC_AV1:
        return AV_CODEC_ID_AV1;
    case CODEC_H264:
        return AV_CODEC_ID_H264;
    case CODEC_H265:
        break;
    }
    return AV_CODEC_ID_NONE;
}

// "OpusHead" (RFC 7845, section 5.1), or what the first key frame brought.
static bool set_extradata(AVCodecParameters *to, const struct muxer_stream *params) {
    uint8_t head[OPUS_HEAD_BYTES] = {'O',
                                     'p',
                                     'u',
                                     's',
                                     'H',
                                     'e',
                                     'a',
                                     'd',
                                     1,
                                     (uint8_t)params->channels,
                                     OPUS_PRE_SKIP & 0xff,
                                     OPUS_PRE_SKIP >> 8,
                                     0x80,
                                     0xbb};
    struct span from = params->codec == CODEC_OPUS ? span_of(head, sizeof head) : params->setup;
    if (from.len == 0)
        return true;
    to->extradata = av_mallocz(from.len + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!to->extradata)
        return false;
    memcpy(to->extradata, from.ptr, from.len);
    to->extradata_size = (int)from.len;
    return true;
}

static bool describe(AVStream *stream, const struct muxer_stream *params, unsigned turn) {
    AVCodecParameters *to = stream->codecpar;
    char degrees[8];
    to->codec_id = codec_id(params->codec);
    if (params->codec == CODEC_OPUS) {
        to->codec_type = AVMEDIA_TYPE_AUDIO;
        to->sample_rate = 48000;
        av_channel_layout_default(&to->ch_layout, (int)params->channels);
    } else {
        to->codec_type = AVMEDIA_TYPE_VIDEO;
        to->width = params->width ? params->width : 2;
        to->height = params->height ? params->height : 2;
        to->format = 0; // AV_PIX_FMT_YUV420P
    }
    stream->time_base = (AVRational){1, 1000};
    snprintf(degrees, sizeof degrees, "%u", turn);
    if (turn && to->codec_type == AVMEDIA_TYPE_VIDEO)
        av_dict_set(&stream->metadata, "rotate", degrees, 0);
    return set_extradata(to, params);
}

static bool add_streams(struct muxer *m, const struct muxer_params *params) {
    for (unsigned i = 0; i < params->stream_count; i++) {
        m->streams[i] = avformat_new_stream(m->context, NULL);
        if (!m->streams[i] || !describe(m->streams[i], &params->streams[i], params->degrees))
            return false;
        m->codecs[i] = params->streams[i].codec;
        m->count++;
    }
    av_dict_set(&m->context->metadata, "title", params->title, 0);
    return true;
}

static bool is_webm(const struct muxer_params *params) {
    for (unsigned i = 0; i < params->stream_count; i++)
        if (params->streams[i].codec == CODEC_H264)
            return false;
    return true;
}

static bool open_file(struct muxer *m, struct muxer_fault *fault) {
    AVDictionary *options = NULL;
    int code = avio_open(&m->context->pb, m->path, AVIO_FLAG_WRITE);
    if (code < 0) {
        refuse(m, fault, code, "cannot write", m->path);
        fault->of_track = code == AVERROR(EMFILE) || code == AVERROR(ENFILE); // those that are open go on
        return false;
    }
    av_dict_set_int(&options, "cluster_time_limit", MUXER_CLUSTER_US / 1000, 0);
    m->context->flags |= AVFMT_FLAG_FLUSH_PACKETS;
    m->context->max_interleave_delta = MUXER_INTERLEAVE_US;
    m->context->avoid_negative_ts = 0; // times are since the recording began
    code = avformat_write_header(m->context, &options);
    av_dict_free(&options);
    m->begun = code >= 0;
    if (!m->begun) {
        refuse(m, fault, code, "cannot write", m->path);
        (void)unlink(m->path); // there is nothing in it
    }
    return m->begun;
}

static void muxer_free(struct muxer *m) {
    if (m->context && m->context->pb)
        avio_closep(&m->context->pb);
    avformat_free_context(m->context);
    av_packet_free(&m->packet);
    free(m);
}

struct muxer *muxer_open(const struct muxer_params *params, struct muxer_fault *fault) {
    bool webm = is_webm(params);
    assert(params->stream_count >= 1 && params->stream_count <= MUXER_STREAMS_MAX);
    struct muxer *m = calloc(1, sizeof *m);
    if (!m) {
        refuse(NULL, fault, AVERROR(ENOMEM), "cannot write", params->path);
        return NULL;
    }
    snprintf(m->path, sizeof m->path, "%s.%s", params->path, webm ? "webm" : "mkv");
    int code = avformat_alloc_output_context2(&m->context, NULL, webm ? "webm" : "matroska", m->path);
    m->packet = av_packet_alloc();
    if (code < 0 || !m->packet || !add_streams(m, params)) {
        refuse(m, fault, code < 0 ? code : AVERROR(ENOMEM), "cannot write", m->path);
        muxer_free(m);
        return NULL;
    }
    if (open_file(m, fault))
        return m;
    muxer_free(m);
    return NULL;
}

// One track is written as it comes; of two, each waits for the other one (libavformat's order of times).
static int write_packet(struct muxer *m) {
    if (m->count > 1)
        return av_interleaved_write_frame(m->context, m->packet);
    int code = av_write_frame(m->context, m->packet);
    av_packet_unref(m->packet);
    return code;
}

bool muxer_write(struct muxer *m, unsigned stream, const struct record_frame *frame, int64_t time_us,
                 struct muxer_fault *fault) {
    assert(stream < m->count);
    const AVStream *to = m->streams[stream];
    if (m->failed)
        return refuse(m, fault, AVERROR(EIO), "cannot write", m->path);
    int code = av_new_packet(m->packet, (int)frame->bytes.len);
    if (code < 0)
        return refuse(m, fault, code, "cannot write", m->path);
    memcpy(m->packet->data, frame->bytes.ptr, frame->bytes.len);
    m->packet->stream_index = (int)stream;
    m->packet->pts = m->packet->dts = av_rescale_q(time_us, (AVRational){1, 1000000}, to->time_base);
    m->packet->flags = frame->key ? AV_PKT_FLAG_KEY : 0;
    if (m->codecs[stream] == CODEC_OPUS)
        m->packet->duration =
            av_rescale_q(opus_packet_samples(frame->bytes), (AVRational){1, 48000}, to->time_base);
    code = write_packet(m);
    if (code >= 0 && m->context->pb->error < 0)
        code = m->context->pb->error; // the disk is full: libavformat goes on all the same
    m->failed = code < 0;
    return !m->failed || refuse(m, fault, code, "cannot write", m->path);
}

const char *muxer_path(const struct muxer *m) {
    return m->path;
}

bool muxer_close(struct muxer *m, struct muxer_fault *fault) {
    int code = m->begun ? av_write_trailer(m->context) : 0;
    if (code >= 0 && m->context->pb->error < 0)
        code = m->context->pb->error;
    bool fine = code >= 0 || refuse(m, fault, code, "cannot finish", m->path);
    code = avio_closep(&m->context->pb);
    if (code < 0) { // the disk, whatever there was before
        fine = refuse(m, fault, code, "cannot finish", m->path);
        fault->of_track = false;
    }
    muxer_free(m);
    return fine;
}
