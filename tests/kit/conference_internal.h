// What the files of conference.h share.
#ifndef TESTS_KIT_CONFERENCE_INTERNAL_H
#define TESTS_KIT_CONFERENCE_INTERNAL_H

#include "rtp/rtp_ext.h"
#include "server/signal/signalling.h"
#include "tests/kit/conference.h"
#include "tests/kit/media_peer.h"

#include <poll.h>

#define STREAMS_PER_PARTICIPANT_MAX 256

struct member {
    struct conference *conference;
    uint32_t client; // index + 1
    struct media_peer *send, *recv;
    char *send_id, *recv_id;
    unsigned consumed;
    uint32_t ssrcs[STREAMS_PER_PARTICIPANT_MAX], rtx_ssrcs[STREAMS_PER_PARTICIPANT_MAX]; // 0: it has no RTX
    uint8_t payload_types[STREAMS_PER_PARTICIPANT_MAX];
    struct stream_tally {
        bool video;
        uint16_t highest;
        uint64_t got, span; // packets; numbers from the first to the highest
    } tallies[STREAMS_PER_PARTICIPANT_MAX];
    bool counts, listens;
    uint64_t received;
    struct twcc_recorder *twcc; // of what reaches it; NULL: it acknowledges nothing
    struct ext_map extensions;
    uint16_t audio_seq, video_seq;
    uint32_t audio_timestamp, video_timestamp;
};

#define STAMP_BYTES 8
#define PROBATION_SSRC 1234 // as rooms/media/congestion.h has it
#define DELAY_STEP_US 10
#define DELAY_STEPS 10000

struct conference {
    struct conference_config config;
    struct media *media;
    struct hub *hub;
    struct signalling *signalling;
    struct dtls_context *dtls;
    char *capabilities; // JSON text of what every participant can receive
    struct member *members;
    struct pollfd *fds;
    uint64_t acknowledge_us; // when reports are due next, 0: there are none
    uint64_t unexpected;
    unsigned errors;
    uint32_t delays[DELAY_STEPS]; // packets by how long they were under way
    // Texts of the hub wait here, since the hub must not be called from inside its own calls.
    struct note {
        uint32_t client;
        json_t *message;
    } *notes;
    size_t note_count, note_cap;
};

#endif
