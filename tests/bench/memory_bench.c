// What each object of the media side costs in bytes of heap, as a Markdown table: the difference in malloc's
// own count when COUNT of them are made. Packet blocks are not in it, nor what a DTLS handshake holds while
// it lasts: conference_bench tells that of a whole participant.
#include "base/clock.h"
#include "tests/bench/null_output.h"
#include "transport/srtp.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT 200u
#define PUBLISHER 1000 // ids of transports from here on are publishers'

struct bench {
    struct pool *pool;
    struct wheel wheel;
    struct forwarder *fw;
    uint64_t sent;
    struct srtp_session *sessions[COUNT];
};

static void make_session(struct bench *b, unsigned i) {
    struct srtp_keys keys = {.profile = SRTP_PROFILE_AEAD_AES_128_GCM, .len = 28};
    b->sessions[i] = srtp_session_create(&keys);
    if (!b->sessions[i])
        exit(1);
}

static void send_on_session(struct bench *b, unsigned i) {
    uint8_t packet[200] = {0x80, 96, 0, 1, 0, 0, 0, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i};
    size_t len = 100;
    if (srtp_session_protect_rtp(b->sessions[0], packet, &len, 1) != ERR_OK)
        exit(1);
}

static void make_endpoint(struct bench *b, unsigned i) {
    if (!forwarder_open_endpoint(b->fw, (struct transport_id){i + 1}, b))
        exit(1);
}

static void make_publisher(struct bench *b, unsigned i) {
    make_endpoint(b, PUBLISHER + i);
}

static void open_producer(struct bench *b, unsigned i, bool video, unsigned streams) {
    struct media_cmd cmd = {.type = MEDIA_OPEN_PRODUCER,
                            .transport = {PUBLISHER + i + 1},
                            .producer = {10000 * (video ? streams : 9) + i}};
    struct producer_params *p = &cmd.open_producer.params;
    *p = (struct producer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                  .codec = video ? CODEC_VP8 : CODEC_OPUS,
                                  .payload_type = video ? 96 : 111,
                                  .rtx_payload_type = video ? 97 : PAYLOAD_TYPE_NONE,
                                  .clock_rate = video ? 90000 : 48000,
                                  .stream_count = (uint8_t)streams,
                                  .nack = video,
                                  .pli = video,
                                  .transport_cc = true,
                                  .spatial_layers = 1,
                                  .temporal_layers = 1};
    p->ext.ids[EXT_TRANSPORT_CC] = 3;
    for (unsigned k = 0; k < streams; k++) {
        uint32_t ssrc = 1 + 100 * streams + 50 * video + 2 * k;
        p->streams[k] = (struct stream_params){.ssrc = ssrc, .rtx_ssrc = video ? ssrc + 1 : 0};
    }
    forwarder_command(b->fw, &cmd, 0);
}

static void make_audio(struct bench *b, unsigned i) {
    open_producer(b, i, false, 1);
}

static void make_video(struct bench *b, unsigned i) {
    open_producer(b, i, true, 1);
}

static void make_simulcast(struct bench *b, unsigned i) {
    open_producer(b, i, true, 3);
}

static void open_consumer(struct bench *b, unsigned i, bool video) {
    uint32_t id = 10 * i + video + 1;
    struct media_cmd cmd = {.type = MEDIA_OPEN_CONSUMER,
                            .transport = {i + 1},
                            .producer = {video ? 10000 : 90000},
                            .consumer = {id}};
    cmd.open_consumer.params = (struct consumer_params){.kind = video ? MEDIA_VIDEO : MEDIA_AUDIO,
                                                        .payload_type = 100,
                                                        .rtx_payload_type = video ? 101 : PAYLOAD_TYPE_NONE,
                                                        .clock_rate = video ? 90000 : 48000,
                                                        .ssrc = 2 * id,
                                                        .rtx_ssrc = video ? 2 * id + 1 : 0,
                                                        .nack = video,
                                                        .pli = video};
    forwarder_command(b->fw, &cmd, 0);
}

static void make_audio_consumer(struct bench *b, unsigned i) {
    open_consumer(b, i, false);
}

static void make_video_consumer(struct bench *b, unsigned i) {
    open_consumer(b, i, true);
}

static size_t heap_bytes(void) {
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

int main(void) {
    static const struct {
        const char *name;
        void (*make)(struct bench *b, unsigned i);
    } rows[] = {
        {"SRTP of a transport, both ways", make_session},
        {"a stream sent on it", send_on_session},
        {"a transport as rooms know it", make_endpoint},
        {"the same, of a publisher", make_publisher},
        {"its first producer: audio (with the transport's feedback and SSRCs)", make_audio},
        {"a further one: video (NACK, and the slots of the history)", make_video},
        {"video of three encodings", make_simulcast},
        {"a consumer of audio", make_audio_consumer},
        {"a consumer of video (with what may be sent again)", make_video_consumer},
    };
    static struct bench b;
    b.pool = pool_create(1024);
    wheel_init(&b.wheel, 0);
    b.fw = b.pool ? null_forwarder(b.pool, &b.wheel, &b.sent, null_rtp) : NULL;
    if (!b.fw || srtp_library_start() != ERR_OK)
        return 1;
    printf("| object | bytes of heap |\n|---|---|\n");
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        size_t before = heap_bytes();
        for (unsigned i = 0; i < COUNT; i++)
            rows[row].make(&b, i);
        printf("| %s | %zu |\n", rows[row].name, (heap_bytes() - before) / COUNT);
    }
    forwarder_destroy(b.fw);
    for (unsigned i = 0; i < COUNT; i++)
        srtp_session_destroy(b.sessions[i]);
    srtp_library_stop();
    pool_destroy(b.pool);
    return 0;
}
