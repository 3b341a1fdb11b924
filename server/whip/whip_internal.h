// whip_internal: the insides of whip, for the files of server/whip/ alone.
//
// From below upwards: whip_text, whip_answer, whip_debts; whip_offer, whip_describe; whip_session,
// whip_gather, whip_events; whip_follow; whip_publish, whip_view, whip_ice, whip_choose; whip_observe; whip.
// No file calls one behind it.
#ifndef SERVER_WHIP_INTERNAL_H
#define SERVER_WHIP_INTERNAL_H

#include "base/wheel.h"
#include "server/sdp/sdp_write.h"
#include "server/whip/whip.h"

#include <jansson.h>

#define SECRET_BYTES 40 // [a-z0-9]: 206 bits
#define ETAG_BYTES 16
#define ICE_TEXT_BYTES 256   // of a client's ufrag and password
#define SECTION_MID_BYTES 64 // of an a=mid
#define TARGET_BYTES USERNAME_BYTES_MAX
#define RETRY_SECONDS 2 // that a viewer waits for a publisher

// What the sessions of a network that have ended still owe (struct relay_budget).
struct debt {
    struct net_address network;
    uint64_t due_us;
};
#define DEBTS_MAX 1024

struct whip {
    struct hub *hub;
    struct whip_io io;
    struct whip_counts counts;
    struct slots *sessions; // struct whip_session; ids are connections to the hub
    struct hmap *secrets;   // SECRET_BYTES -> id
    size_t held_bytes;      // of memory, of capabilities
    struct list dirty;      // sessions that have something to do, by dirty_link
    struct wheel wheel;
    struct wheel_node look; // armed: viewers in large rooms have looked at them a moment ago
    uint64_t now_us;
    uint32_t streams_next; // id of the next answer that goes on
    struct sdp sdp;        // of the request that is being handled: large
    bool draining;
    struct debt debts[DEBTS_MAX]; // by a hash of their networks
};

// What a viewer gets of one kind.
struct section {
    bool wanted; // the offer has it, and the answer takes it
    char mid[SECTION_MID_BYTES + 1];
    struct ext_ids ext;
    struct public_id consumer; // "": none now
    uint32_t ssrc, rtx_ssrc;   // of that
    bool muted;
    int8_t spatial, temporal; // wished, LAYER_NONE: any
    int8_t spatial_shown;     // as last heard
};
#define SECTIONS 2 // by enum media_kind

struct event_stream {
    uint32_t id;                 // of an answer that goes on; 0: nobody reads it now
    char secret[ETAG_BYTES + 1]; // its place below the session; "": free
    unsigned events;             // bits of enum whip_event
};

struct whip_session {
    struct whip *whip;
    uint32_t id;
    bool views;
    char secret[SECRET_BYTES + 1];
    char etag[ETAG_BYTES + 1];                               // of the ICE session
    char ufrag[ICE_TEXT_BYTES + 1], pwd[ICE_TEXT_BYTES + 1]; // the client's, as it said last
    char mid[SECTION_MID_BYTES + 1];                         // of the section that stands for the path
    enum media_kind mid_kind;
    struct ice_credentials ours; // of the transport, as it was told last
    // Of a transport with a full ICE agent (whip_gather.c): the answer that waits for its addresses.
    uint32_t late; // its number; 0: none waits
    char *pending;
    size_t pending_len, candidates_at;
    unsigned candidates_told;
    struct wheel_node gathering;
    struct participant *me; // NULL once it has left
    struct public_id transport;
    struct relay_budget spent;
    struct net_address address;
    bool connected;            // the path has been there
    struct wheel_node silence; // armed while the path is not there
    uint64_t calls_due_us;     // what it asked lately, as a moment when it will be paid for
    // WHEP
    json_t *capabilities; // of its offer
    size_t held_bytes;    // of memory, of that
    struct section sections[SECTIONS];
    char section_index[SECTIONS][4]; // of the m= lines, in digits
    char target[TARGET_BYTES + 1];   // whom it watches, as it said; "": whoever speaks
    struct public_id shown;          // whose media it gets; "": nobody's
    struct event_stream streams[WHIP_STREAMS_MAX];
    bool dirty, layers_told, active_told;
    bool behind; // something has changed in its large room, and it has not looked yet
    unsigned viewers_told;
    struct list dirty_link, tell_link;
};

// How many watch somebody, for all who ask within one turn.
#define AUDIENCES_MAX 16
struct audience {
    const struct room *room;
    struct public_id shown;
    unsigned viewers; // but for those who are hidden
};
struct audiences {
    unsigned count;
    struct audience list[AUDIENCES_MAX];
};

enum whip_event { EVENT_ACTIVE = 1, EVENT_INACTIVE = 2, EVENT_LAYERS = 4, EVENT_VIEWERS = 8 };
#define EVENTS_ALL (EVENT_ACTIVE | EVENT_INACTIVE | EVENT_LAYERS | EVENT_VIEWERS)
#define EVENT_NAMES "active,inactive,layers,viewercount"

// ---- whip_text.c

// The parts of a path: "ROOM", "ROOM/SESSION", "ROOM/SESSION/WORD", "ROOM/SESSION/events/STREAM".
#define PATH_PARTS_MAX 4
struct whip_path {
    unsigned count; // 0: no such path
    char parts[PATH_PARTS_MAX][ROOM_NAME_BYTES_MAX + 1];
};
void whip_path_read(const char *path, struct whip_path *out);
// The decoded value of a member of a query; 1: there, 0: not there, -1: malformed, or longer than `cap` - 1.
int whip_query_value(struct span query, const char *name, char *out, size_t cap);
void whip_percent_encode(const char *text, char *out, size_t cap); // cut where it does not fit
bool whip_media_type_is(struct span content_type, const char *type);
bool whip_accepts(struct span accept, const char *type);

// ---- whip_answer.c

#define WHIP_PROBLEM "application/problem+json"

void whip_refuse(struct whip *whip, struct whip_answer *answer, unsigned status, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void whip_refuse_verb(struct whip *whip, struct whip_answer *answer, const struct hub_refusal *refusal);
void whip_add_header(struct whip_answer *answer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void whip_answer_text(struct whip_answer *answer, unsigned status, const char *content_type, const char *text,
                      size_t len);
// Link headers; with the credentials of `me`, or without those that need some.
void whip_link_ice_servers(const struct whip *whip, const struct participant *me, struct whip_answer *answer);

// ---- whip_debts.c

// When what sessions from there have cost others will be paid.
uint64_t whip_debt(struct whip *whip, const struct net_address *address);
void whip_owe(struct whip *whip, const struct net_address *address, uint64_t due_us);

// ---- whip_offer.c: what an offer says, in the form of negotiation

// Which of the codecs of a section is taken, and its repair; NULL: none is routed.
const struct sdp_codec *whip_choose_codec(const struct whip *whip, const struct sdp_media *media);
const struct sdp_codec *whip_rtx_of(const struct sdp_media *media, const struct sdp_codec *codec);
// Redundant audio (RFC 2198) of that codec alone; NULL: none.
const struct sdp_codec *whip_red_of(const struct sdp_media *media, const struct sdp_codec *codec);
bool whip_codec_is_routed(const struct whip *whip, const struct sdp_media *media,
                          const struct sdp_codec *codec);
// Of enum sdp_feedback: what both sides have.
unsigned whip_feedback(const struct sdp_media *media, const struct sdp_codec *codec, const struct whip *whip,
                       bool views);
enum media_ext whip_ext(const struct whip *whip, const struct sdp_media *media, const struct sdp_ext *ext,
                        bool views);
// RtpParameters of what the section sends; NULL without memory.
json_t *whip_parameters(const struct whip *whip, const struct sdp_media *media, const struct sdp_codec *codec,
                        bool best_first);
// RtpCapabilities of what it receives: the first audio and the first video section; NULL without memory.
json_t *whip_capabilities(const struct whip *whip, const struct sdp_media *const sections[SECTIONS]);
json_t *whip_dtls_parameters(const struct sdp_media *media); // NULL without memory
static inline enum media_kind whip_kind(const struct sdp_media *media) {
    return media->kind == SDP_AUDIO ? MEDIA_AUDIO : MEDIA_VIDEO;
}
// The section that stands for the path of all; NULL: the offer is none that can be answered, and `why`.
const struct sdp_media *whip_path_section(const struct sdp *sdp, char why[SDP_WHY_MAX]);
bool whip_section_is_taken(const struct sdp *sdp,
                           const struct sdp_media *media); // of audio or video, in the bundle

// ---- whip_describe.c: answers

struct whip_description {
    const struct whip *whip;
    const struct sdp *offer;
    const struct room_transport *transport;
    const struct ice_credentials *ice;
    bool views;
    const struct sdp_media
        *taken[SDP_MEDIA_MAX]; // sections that are answered, by their number; NULL: rejected
    // Of a viewer, by kind: SSRCs that its packets will have, 0: not told.
    struct {
        uint32_t ssrc, rtx_ssrc;
        const char *cname;
    } streams[SECTIONS];
    size_t candidates_at; // written by whip_describe: where those of a full ICE agent go
};
// From malloc; NULL without memory. A full ICE agent's candidates are left out.
char *whip_describe(struct whip_description *description, size_t *len);
// The fragment that answers a PATCH; of a full ICE agent with the candidates from `first` on.
char *whip_describe_ice(const struct whip_session *session, const struct room_transport *transport,
                        const struct ice_credentials *ice, unsigned first, size_t *len);

// ---- whip_session.c

// A participant of the room with a transport, and its session; NULL: *answer says why.
struct whip_session *whip_session_open(struct whip *whip, const struct whip_request *request,
                                       const struct whip_path *path, const struct sdp_media *section,
                                       struct ice_credentials *ice, struct whip_answer *answer);
// It leaves its room, if it has not, and is freed.
void whip_session_close(struct whip_session *session, const char *reason);
// Whether who asks may come in at all, before its offer is read and it hears of the room; false: *answer.
bool whip_session_may_come(struct whip *whip, const struct whip_request *request, const char *room,
                           struct whip_answer *answer);
// With a newer token of the same identity, if the request brings one that is good.
void whip_session_renew(struct whip_session *session, const struct whip_request *request);
struct whip_session *whip_session_find(const struct whip *whip, const struct whip_path *path, bool views);
struct whip_session *whip_session_of(const struct whip *whip, const struct participant *who); // or NULL
void whip_session_new_etag(struct whip_session *session);
void whip_session_note_ice(struct whip_session *session, struct span ufrag, struct span pwd);
// The path is there, or not any more.
void whip_session_path(struct whip_session *session, const struct room_transport *transport);
void whip_session_mark(struct whip_session *session); // it has something to do
// False, and *answer: it has asked too much lately.
bool whip_session_may_ask(struct whip_session *session, struct whip_answer *answer);
const struct room_transport *whip_session_transport(const struct whip_session *session);
// "/whep/ROOM/SESSION"
void whip_session_address(const struct whip_session *session, char *out, size_t cap);
#define WHIP_ADDRESS_MAX (3 * ROOM_NAME_BYTES_MAX + SECRET_BYTES + 16)
void whip_answer_created(struct whip_session *session, char *description, size_t len,
                         struct whip_answer *answer);

// ---- whip_gather.c

void whip_write_agent_candidates(struct sdp_writer *w, const struct room_ice *full, unsigned first);
void whip_gather_init(struct whip_session *session);
// Whoever waits for the answer hears that there is none.
void whip_gather_end(struct whip_session *session);
// The agent of its transport has found something.
void whip_gather_found(struct whip_session *session, const struct room_transport *transport);
// 201 with the description, now or as `late` (whip_request); of `text` NULL a refusal, and the session ends.
void whip_answer_offer(struct whip_session *session, uint32_t late, const struct whip_description *d,
                       char *text, size_t len, struct whip_answer *answer);
// 204, or 200 with candidates that the client has not been told yet.
void whip_answer_trickle(struct whip_session *session, struct whip_answer *answer);

// ---- whip_events.c

void whip_stream_open(struct whip_session *session, const struct whip_request *request,
                      struct whip_answer *answer); // POST .../events
void whip_stream_read(struct whip_session *session, const char *secret, struct whip_answer *answer); // GET
void whip_stream_delete(struct whip_session *session, const char *secret, struct whip_answer *answer);
void whip_streams_end(struct whip_session *session);
// What its viewer has not heard yet. `counted` is empty at first, and good until somebody watches somebody
// else.
void whip_tell(struct whip_session *session, struct audiences *counted);

// ---- whip_follow.c

// Whom a session may watch now; NULL: nobody.
struct participant *whip_follow_target(const struct whip *whip, const struct room *room, const char *target,
                                       const struct participant *me);
// Brings its consumers in line with whom it watches.
void whip_follow(struct whip_session *session);
void whip_follow_wishes(struct whip_session *session, enum media_kind kind);

// ---- requests

void whip_publish(struct whip *whip, const struct whip_request *request, const struct whip_path *path,
                  struct whip_answer *answer);
void whip_view(struct whip *whip, const struct whip_request *request, const struct whip_path *path,
               struct whip_answer *answer);
void whip_patch(struct whip_session *session, const struct whip_request *request, struct whip_answer *answer);
void whip_choose_layer(struct whip_session *session, const struct whip_request *request,
                       struct whip_answer *answer);
void whip_mute(struct whip_session *session, const struct whip_request *request, struct whip_answer *answer);
// The offer of a request, in whip->sdp; NULL: *answer says what is wrong with it.
const struct sdp_media *whip_read_offer(struct whip *whip, const struct whip_request *request,
                                        struct whip_answer *answer);

// ---- whip_observe.c

struct hub_events whip_observer(struct whip *whip);
// For whip->look.
void whip_look_fire(struct wheel_node *node, uint64_t now_us);

#endif
