// WHIP and WHEP: offers of real clients are answered, and sessions are participants like others.
#include "tests/unit/server/whip/whip_stage.h"

static const char *const publish_offers[] = {"chromium-publish",  "chromium-simulcast", "firefox-publish",
                                             "firefox-simulcast", "safari-publish",     "obs-publish",
                                             "obs-simulcast",     "ffmpeg-publish",     "gstreamer-publish",
                                             "pion-publish",      "aiortc-publish"};
static const char *const view_offers[] = {"chromium-view", "firefox-view", "pion-view", "gstreamer-view"};
static struct sdp offer, answer;

// Sections in the order of the offer, each taken, one way, by the same names.
static void answers(const struct stage *s, const char *name, enum sdp_direction direction) {
    static char kept[SDP_BYTES_MAX];
    char why[SDP_WHY_MAX], *text = vector(name);
    strcpy(kept, text);
    free(text);
    assert_true(sdp_read(span_of_text(kept), &offer, why));
    if (!sdp_read(span_of(s->answer.body, s->answer.len), &answer, why))
        fail_msg("the answer to %s: %s", name, why);
    assert_true(answer.ice_lite && answer.bundled);
    assert_int_equal(answer.media_count, offer.media_count);
    for (unsigned i = 0; i < answer.media_count; i++) {
        const struct sdp_media *a = &answer.media[i], *o = &offer.media[i];
        assert_true(a->kind == o->kind && span_equal(a->mid, o->mid) && !a->rejected && a->rtcp_mux);
        assert_int_equal(a->direction, direction);
        assert_int_equal(a->setup, o->setup == SDP_PASSIVE ? SDP_ACTIVE : SDP_PASSIVE);
        assert_int_equal(a->ufrag.len, ICE_UFRAG_BYTES);
        assert_true(a->codec_count > 0 && a->codecs[0].name.len > 0);
        for (unsigned k = 0; k < a->ext_count; k++) { // under the offer's ids
            bool offered = false;
            for (unsigned j = 0; j < o->ext_count; j++)
                offered |= a->exts[k].id == o->exts[j].id && span_equal(a->exts[k].uri, o->exts[j].uri);
            assert_true(offered);
        }
    }
    assert_non_null(strstr(s->answer.body, "a=candidate:1 1 udp"));
    assert_non_null(strstr(s->answer.body, "2001:db8::1 3478 typ host"));
}

static void addresses_over_tcp_come_last(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    hub_set_tcp(s->hub, &(struct hub_tcp){.media_port = 3478, .web_port = 443, .web_ip6 = true});
    assert_int_equal(posts(s, false, "hall", "name=Ann", publish_offers[0]), 201);
    const char *body = s->answer.body, *udp = strstr(body, "2001:db8::1 3478 typ host\r\n"),
               *tcp = strstr(body, "2001:db8::1 3478 typ host tcptype passive\r\n"),
               *web = strstr(body, "2001:db8::1 443 typ host tcptype passive\r\n");
    assert_true(udp && tcp && web && udp < tcp && tcp < web && strstr(body, " 1 tcp "));
    stage_close(s);
}

static void offers_of_clients_are_answered(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof publish_offers / sizeof publish_offers[0]; i++) {
        struct stage *s = stage_open(NULL);
        char path[256];
        if (posts(s, false, "hall", "name=Ann", publish_offers[i]) != 201)
            fail_msg("%s: %s", publish_offers[i], s->answer.body);
        answers(s, publish_offers[i], SDP_RECVONLY);
        const struct media_cmd *video = last(s, MEDIA_OPEN_PRODUCER, 0);
        if (video->open_producer.params.kind == MEDIA_AUDIO)
            video = last(s, MEDIA_OPEN_PRODUCER, 1);
        bool simulcast = strstr(publish_offers[i], "simulcast") != NULL;
        assert_int_equal(video->open_producer.params.stream_count, simulcast ? 3 : 1);
        const struct participant *ann = who(s, "hall", "Ann");
        assert_true(ann && ann->producer_count == 2);
        location(s, path);
        assert_int_equal(asks(s, (struct ask){.method = WHIP_DELETE, .path = path}), 200);
        assert_int_equal(people(s), 0);
        assert_int_equal(asks(s, (struct ask){.method = WHIP_DELETE, .path = path}), 404);
        stage_close(s);
    }
}

static void layers_stand_from_the_lowest_to_the_highest(void **state) {
    (void)state;
    static const struct {
        const char *offer, *query, *lowest, *highest;
    } rows[] = {{"chromium-simulcast", NULL, "q", "f"}, // by their names
                {"firefox-simulcast", NULL, "q", "f"},
                {"obs-simulcast", NULL, "2", "0"}, // the one liked best stands first
                {"obs-simulcast", "layers=ascending", "0", "2"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stage *s = stage_open(NULL);
        assert_int_equal(posts(s, false, "hall", rows[i].query, rows[i].offer), 201);
        const struct producer_params *params = &last(s, MEDIA_OPEN_PRODUCER, 0)->open_producer.params;
        assert_string_equal(params->streams[0].rid, rows[i].lowest);
        assert_string_equal(params->streams[2].rid, rows[i].highest);
        assert_non_null(strstr(s->answer.body, "a=simulcast:recv "));
        stage_close(s);
    }
}

static void viewers_get_it_under_their_own_numbers(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof view_offers / sizeof view_offers[0]; i++) {
        struct stage *s = stage_open(NULL);
        assert_int_equal(posts(s, false, "hall", "name=Ann", "chromium-publish"), 201);
        if (posts(s, true, "hall", "from=Ann&name=Vic", view_offers[i]) != 201)
            fail_msg("%s: %s", view_offers[i], s->answer.body);
        answers(s, view_offers[i], SDP_SENDONLY);
        const struct consumer_params *video = &last(s, MEDIA_OPEN_CONSUMER, 0)->open_consumer.params;
        assert_true(video->kind == MEDIA_VIDEO && video->own_ext_ids);
        const struct sdp_media *m = &offer.media[offer.media[0].kind == SDP_VIDEO ? 0 : 1];
        bool listed = false;
        for (unsigned k = 0; k < m->codec_count; k++)
            listed |= m->codecs[k].payload_type == video->payload_type &&
                      sdp_fmtp_value(m->codecs[k].fmtp, "apt").len == 0;
        assert_true(listed);
        assert_true(m->mid.len == strlen(video->mid) && memcmp(m->mid.ptr, video->mid, m->mid.len) == 0);
        for (unsigned k = 0; k < m->ext_count; k++)
            if (span_equal(m->exts[k].uri, span_of_text("urn:ietf:params:rtp-hdrext:sdes:mid")))
                assert_int_equal(video->ext.ids[EXT_MID], m->exts[k].id);
        // Who reads no MIDs is told the SSRCs.
        assert_int_equal(strstr(s->answer.body, "a=ssrc:") != NULL, video->ext.ids[EXT_MID] == 0);
        assert_non_null(strstr(s->answer.headers, "urn:ietf:params:whep:ext:core:layer"));
        stage_close(s);
    }
}

// Redundant audio (RFC 2198) where the offer has it of the codec that is taken, as far ahead as there.
static void redundant_audio_is_answered(void **state) {
    (void)state;
    static const struct {
        const char *from, *to; // of the offer
        const char *line;      // of the answer
        unsigned red;
    } rows[] = {
        {"x", "x", " 111 63\r\n", 63},
        {" 111 63", " 63 111", " 63 111\r\n", 63},
        {"fmtp:63 111/111", "fmtp:63 111/110", " 111\r\n", 0}, // of two codecs
        {"fmtp:63 111/111", "fmtp:63 111/", " 111\r\n", 0},
        {"fmtp:63 111/111", "fmtp:63 63/63", " 111\r\n", 0}, // of itself
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct stage *s = stage_open(NULL);
        char *text = vector("chromium-publish"), *at = strstr(text, rows[i].from), changed[SDP_BYTES_MAX];
        snprintf(changed, sizeof changed, "%.*s%s%s", at ? (int)(at - text) : (int)strlen(text), text,
                 at ? rows[i].to : "", at ? at + strlen(rows[i].from) : "");
        assert_int_equal(asks(s, (struct ask){WHIP_POST, false, "hall", .query = "name=Ann",
                                              .type = "application/sdp", .body = changed}),
                         201);
        const struct producer_params *sound = &last(s, MEDIA_OPEN_PRODUCER, 0)->open_producer.params;
        if (sound->kind == MEDIA_VIDEO)
            sound = &last(s, MEDIA_OPEN_PRODUCER, 1)->open_producer.params;
        assert_int_equal(sound->payload_type, 111);
        assert_int_equal(sound->red_payload_type, rows[i].red);
        says(s, rows[i].line);
        assert_int_equal(strstr(s->answer.body, "a=fmtp:63 111/111") != NULL, rows[i].red != 0);
        assert_int_equal(posts(s, true, "hall", "from=Ann&name=Vic", "chromium-view"), 201);
        const struct consumer_params *heard = &last(s, MEDIA_OPEN_CONSUMER, 0)->open_consumer.params;
        if (heard->kind == MEDIA_VIDEO)
            heard = &last(s, MEDIA_OPEN_CONSUMER, 1)->open_consumer.params;
        assert_int_equal(heard->red_payload_type, rows[i].red);
        says(s, "a=fmtp:63 111/111"); // whoever it watches later may send it
        free(text);
        stage_close(s);
    }
}

// ---- refusals

static void requests_that_are_none_are_refused_in_words(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char *good = vector("obs-publish");
    static const char sdp[] = "application/sdp";
    assert_int_equal(posts(s, false, "hall", "name=Ann", "obs-publish"), 201);
    const struct {
        struct ask ask;
        unsigned status;
        const char *words;
    } rows[] = {
        {{WHIP_POST, false, "", .type = sdp, .body = good}, 404, "/whip/ROOM"},
        {{WHIP_POST, false, "a//b", .type = sdp, .body = good}, 404, "/whip/ROOM"},
        {{WHIP_POST, false, "hall", .body = good}, 415, "application/sdp"},
        {{WHIP_POST, false, "hall", .type = "text/plain", .body = good}, 415, "application/sdp"},
        {{WHIP_POST, false, "hall", .type = sdp, .accept = "text/html, image/*", .body = good},
         406,
         "Accept"},
        {{WHIP_POST, false, "hall", .type = sdp, .body = ""}, 400, "the offer:"},
        {{WHIP_POST, false, "hall", .type = sdp, .body = "v=0\r\no=x\r\ns=-\r\nt=0 0\r\n"},
         400,
         "no audio or video"},
        {{WHIP_POST, false, "hall", .query = "name=Ann", .type = sdp, .body = good},
         409,
         "already called that"},
        {{WHIP_POST, false, "hall", .query = "name=%zz", .type = sdp, .body = good}, 400, "`name`"},
        {{WHIP_POST, false, "hall", .query = "source=desk", .type = sdp, .body = good}, 400, "`source`"},
        {{WHIP_POST, false, "hall", .query = "layers=up", .type = sdp, .body = good}, 400, "`layers`"},
        {{WHIP_POST, true, "hall", .type = sdp, .body = good}, 400, "POST to /whip/"},
        {{WHIP_PATCH, false, "hall", .type = sdp}, 405, "OPTIONS, POST"},
        {{WHIP_DELETE, false, "hall", .query = NULL}, 405, "OPTIONS, POST"},
        {{WHIP_DELETE, false, "hall/0123456789012345678901234567890123456789", .query = NULL},
         404,
         "no such session"},
        {{WHIP_GET, false, "hall/short", .query = NULL}, 404, "no such session"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(asks(s, rows[i].ask), rows[i].status);
        says(s, rows[i].words);
        assert_string_equal(s->answer.content_type, "application/problem+json");
    }
    assert_int_equal(asks(s, (struct ask){WHIP_POST, false, "hall", .type = "Application/SDP; charset=utf-8",
                                          .accept = "application/*", .body = good}),
                     201);
    assert_int_equal(posts(s, true, "empty", NULL, "chromium-view"), 409);
    assert_non_null(strstr(s->answer.headers, "retry-after: "));
    assert_int_equal(posts(s, true, "hall", "from=Nobody", "chromium-view"), 409);
    assert_int_equal(people(s), 2);
    struct whip_counts counts;
    whip_read_counts(s->whip, &counts);
    assert_true(counts.refused == sizeof rows / sizeof rows[0] + 2 && counts.bad_sdp == 3 &&
                counts.publishers == 2);
    free(good);
    stage_close(s);
}

static void nothing_that_is_routed_is_not_acceptable(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char *text = vector("obs-publish"), *at = strstr(text, "H264");
    memcpy(at, "H269", 4);
    assert_int_equal(asks(s, (struct ask){WHIP_POST, false, "hall", .type = "application/sdp", .body = text}),
                     406);
    says(s, "section 2 (video) offers no codec");
    assert_int_equal(people(s), 0);
    free(text);
    stage_close(s);
}

static void a_busy_server_says_so(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    s->crowded = true;
    assert_int_equal(posts(s, false, "hall", NULL, "obs-publish"), 429);
    s->crowded = false;
    s->wait_s = 7;
    assert_int_equal(posts(s, false, "hall", NULL, "obs-publish"), 429);
    says(s, "in 7 seconds");
    s->wait_s = 0;
    hub_drain(s->hub, 0, s->now_us);
    assert_int_equal(posts(s, false, "hall", NULL, "obs-publish"), 503);
    says(s, "shutting down");
    assert_non_null(strstr(s->answer.headers, "retry-after: "));
    assert_int_equal(s->notes[WHIP_OPENED], 3);
    assert_int_equal(s->notes[WHIP_CLOSED], 2);
    stage_close(s);
}

// Every line of an offer doubled or missing: answered or refused, and nothing is left behind.
static void every_line_doubled_or_missing(void **state) {
    (void)state;
    static const char *const names[] = {"obs-simulcast", "ffmpeg-publish", "gstreamer-publish"};
    struct stage *s = stage_open(NULL);
    unsigned answered = 0, refused = 0;
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        char *text = vector(names[n]), changed[2 * SDP_LINE_MAX];
        for (char *line = text; *line;) {
            size_t len = strcspn(line, "\n") + 1;
            for (unsigned times = 0; times <= 2; times += 2) {
                int at = snprintf(changed, sizeof changed, "%.*s", (int)(line - text), text);
                for (unsigned i = 0; i < times; i++)
                    at += snprintf(changed + at, sizeof changed - (size_t)at, "%.*s", (int)len, line);
                snprintf(changed + at, sizeof changed - (size_t)at, "%s", line + len);
                unsigned status = asks(
                    s, (struct ask){WHIP_POST, false, "hall", .type = "application/sdp", .body = changed});
                if (status == 201) {
                    char path[256];
                    location(s, path);
                    assert_int_equal(asks(s, (struct ask){WHIP_DELETE, false, path, .query = NULL}), 200);
                    answered++;
                } else {
                    assert_true(status == 400 || status == 406);
                    says(s, "\"detail\":");
                    refused++;
                }
                assert_int_equal(people(s), 0);
            }
            line += len;
        }
        free(text);
    }
    assert_true(answered > 20 && refused > 60);
    stage_close(s);
}

// ---- tokens

static void a_token_says_who_comes_and_what_it_may(void **state) {
    (void)state;
    struct stage *s = stage_open("good");
    char *text = vector("obs-publish");
    struct ask ask = {WHIP_POST,   false, "hall", .query = "name=Liar", .type = "application/sdp",
                      .body = text};
    s->grants = (struct grants){.rights = RIGHTS_ALL, .identity = "ann-1", .name = "Ann", .room = "hall"};
    assert_int_equal(asks(s, ask), 401);
    assert_non_null(strstr(s->answer.headers, "www-authenticate: Bearer"));
    ask.authorization = "Bearer bad";
    assert_int_equal(asks(s, ask), 401);
    says(s, "the token is not good");
    assert_non_null(strstr(s->answer.headers, "invalid_token"));
    assert_int_equal(s->notes[WHIP_JOIN_FAILED], 2);
    ask.authorization = "bearer good";
    ask.path = "other";
    assert_int_equal(asks(s, ask), 403);
    ask.path = "hall";
    s->grants.rights = RIGHT_MICROPHONE | RIGHT_SUBSCRIBE;
    assert_int_equal(asks(s, ask), 403);
    says(s, "send a camera's picture");
    assert_int_equal(people(s), 0);
    s->grants.rights = RIGHTS_ALL;
    assert_int_equal(asks(s, ask), 201);
    assert_non_null(who(s, "hall", "Ann"));
    // The same identity once more takes the place over.
    char path[256];
    location(s, path);
    assert_int_equal(asks(s, ask), 201);
    pass(s, 0);
    assert_int_equal(people(s), 1);
    assert_int_equal(asks(s, (struct ask){WHIP_DELETE, false, path, .query = NULL}), 404);
    free(text);
    // Who may not subscribe hears nothing of the room.
    s->grants.room[0] = 'x';
    text = vector("chromium-view");
    assert_int_equal(asks(s, (struct ask){WHIP_POST, true, "hall", .type = "application/sdp",
                                          .authorization = "Bearer good", .body = text}),
                     403);
    s->grants.room[0] = 'h';
    s->grants.rights = RIGHTS_PUBLISH;
    assert_int_equal(asks(s, (struct ask){WHIP_POST, true, "hall", .type = "application/sdp",
                                          .authorization = "Bearer good", .body = text}),
                     403);
    says(s, "get what others send");
    free(text);
    stage_close(s);
}

static void a_room_with_a_password_takes_tokens_alone(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    assert_int_equal(posts(s, false, "vault", NULL, "obs-publish"), 401);
    says(s, "this room has a password");
    assert_non_null(strstr(s->answer.headers, "www-authenticate: Bearer"));
    assert_int_equal(posts(s, true, "vault", NULL, "chromium-view"), 401); // before it hears who is there
    assert_int_equal(people(s), 0);
    stage_close(s);
    s = stage_open("good");
    char *text = vector("obs-publish");
    s->grants = (struct grants){.rights = RIGHTS_ALL, .identity = "ann-1", .room = "vault"};
    struct ask ask = {
        WHIP_POST,   false, "vault", .query = NULL, .type = "application/sdp", .authorization = "Bearer good",
        .body = text};
    assert_int_equal(asks(s, ask), 201);
    free(text);
    stage_close(s);
}

static void while_a_room_is_locked_or_has_a_lobby_nobody_comes(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    assert_int_equal(posts(s, false, "hall", "name=Ann", "obs-publish"), 201);
    struct room *room = who(s, "hall", "Ann")->room;
    room->locked = true;
    assert_int_equal(posts(s, false, "hall", NULL, "obs-publish"), 403);
    says(s, "the room is locked");
    assert_int_equal(posts(s, true, "hall", "from=Nobody", "chromium-view"),
                     403); // and hears nothing of who is there
    room->locked = false;
    room->has_lobby = true;
    assert_int_equal(posts(s, false, "hall", NULL, "obs-publish"), 403);
    says(s, "lets people in one by one");
    assert_int_equal(posts(s, true, "hall", NULL, "chromium-view"), 403);
    assert_int_equal(room->knock_count, 0);
    stage_close(s);
}

// Who is banned hears nothing of the room by this way either.
static void who_is_banned_hears_nothing(void **state) {
    (void)state;
    struct stage *s = stage_open("good");
    char *sends = vector("obs-publish"), *view = vector("chromium-view");
    struct ask ask = {.method = WHIP_POST,
                      .path = "hall",
                      .type = "application/sdp",
                      .authorization = "Bearer good",
                      .body = sends};
    struct hub_refusal refusal;
    s->grants =
        (struct grants){.rights = RIGHTS_ALL | RIGHT_ADMIN, .room = "hall", .name = "Ann", .identity = "ann"};
    assert_int_equal(asks(s, ask), 201);
    s->grants = (struct grants){.rights = RIGHTS_ALL, .room = "hall", .name = "Bob", .identity = "bob"};
    assert_int_equal(asks(s, ask), 201);
    assert_non_null(hub_ban(s->hub, who(s, "hall", "Ann"), "Bob", NULL, false, &refusal));
    pass(s, 1000);
    assert_int_equal(asks(s, ask), 403);
    says(s, "banned");
    ask.views = true;
    ask.body = view;
    static const char *const queries[] = {"from=Ann", "from=Nobody", "from=Ann&name=%ff%fe"};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        ask.query = queries[i];
        assert_int_equal(asks(s, ask), 403);
        says(s, "banned");
    }
    free(sends);
    free(view);
    stage_close(s);
}

// As with join-room, leaving is no new budget, neither of a session that comes after nor of another address
// in the same network.
static void who_comes_and_goes_pays_for_it(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    struct hub_limits limits = hub_config(s->hub)->limits;
    limits.relay_rate_max = 500;
    hub_set_limits(s->hub, &limits);
    assert_int_equal(posts(s, false, "hall", "name=Ann", "obs-publish"), 201);
    char *sends = vector("obs-publish"), path[256];
    struct ask ask = {.method = WHIP_POST, .path = "hall", .type = "application/sdp", .body = sends};
    ask.address.bytes[0] = 0x20;
    unsigned came = 0;
    for (unsigned i = 0; i < 200; i++) {
        ask.address.bytes[15] = (uint8_t)i; // of one /64
        if (asks(s, ask) != 201)
            continue;
        came++;
        location(s, path);
        assert_int_equal(asks(s, (struct ask){.method = WHIP_DELETE, .path = path}), 200);
    }
    assert_in_range(came, 2, 40);
    assert_int_equal(s->answer.status, 429);
    assert_non_null(strstr(s->answer.headers, "retry-after: "));
    ask.address.bytes[1] = 1; // somebody else
    assert_int_equal(asks(s, ask), 201);
    ask.address.bytes[1] = 0;
    pass(s, 60 * US_PER_SECOND);
    assert_int_equal(asks(s, ask), 201);
    free(sends);
    stage_close(s);
}

// ---- ICE

static void candidates_and_restarts(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    char path[256], tag[32], fresh[32];
    static const char frag[] = "application/trickle-ice-sdpfrag";
    static const char more[] =
        "a=ice-ufrag:lBMx\r\na=ice-pwd:uPbtOD4nJ9dS9ZJcmDUEqL\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
        "a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.9 5 typ host\r\n";
    static const char anew[] = "a=ice-ufrag:new1\r\na=ice-pwd:0123456789012345678901\r\n";
    assert_int_equal(posts(s, false, "hall", NULL, "obs-publish"), 201);
    location(s, path);
    etag(s, tag);
    struct ask ask = {WHIP_PATCH, false, path, .type = frag, .body = more};
    assert_int_equal(asks(s, ask), 428);
    ask.if_match = "\"0123456789abcdef\"";
    assert_int_equal(asks(s, ask), 412);
    ask.if_match = tag;
    ask.type = "application/sdp";
    assert_int_equal(asks(s, ask), 415);
    ask.type = frag;
    ask.body = "nonsense";
    assert_int_equal(asks(s, ask), 400);
    ask.body = more;
    s->command_count = 0;
    assert_int_equal(asks(s, ask), 204);
    assert_null(s->answer.body);
    assert_null(strstr(s->answer.headers, "etag:"));
    assert_int_equal(s->command_count, 0);
    ask.if_match = "*";
    ask.body = anew;
    assert_int_equal(asks(s, ask), 200);
    etag(s, fresh);
    assert_string_not_equal(tag, fresh);
    says(s, "a=ice-lite");
    assert_non_null(strstr(s->answer.body, last(s, MEDIA_RESTART_ICE, 0)->ice.ufrag));
    ask.if_match = tag;
    assert_int_equal(asks(s, ask), 412); // of the session before
    ask.if_match = fresh;
    assert_int_equal(asks(s, ask), 204); // these are the credentials that it has now
    for (unsigned i = 0; i < 60; i++)
        (void)asks(s, ask);
    assert_int_equal(s->answer.status, 429);
    stage_close(s);
}

// ---- how long it may stay

static void a_path_that_never_comes_ends_it(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    assert_int_equal(posts(s, false, "hall", NULL, "obs-publish"), 201);
    pass(s, s->config.limits.join_timeout_us - US_PER_SECOND);
    assert_int_equal(people(s), 1);
    pass(s, 2 * US_PER_SECOND);
    assert_int_equal(people(s), 0);
    assert_int_equal(s->notes[WHIP_CLOSED], 1);
    stage_close(s);
}

static void a_silent_path_ends_it_after_the_time_of_others(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    assert_int_equal(posts(s, false, "hall", "name=Ann", "obs-publish"), 201);
    struct participant *ann = who(s, "hall", "Ann");
    path_is(s, ann, ICE_CONNECTED, DTLS_CONNECTED);
    pass(s, 3600 * US_PER_SECOND);
    assert_int_equal(s->notes[WHIP_CONNECTED], 1);
    path_is(s, ann, ICE_DISCONNECTED, DTLS_CONNECTED);
    pass(s, s->config.limits.resume_window_us - US_PER_SECOND);
    path_is(s, ann, ICE_CONNECTED, DTLS_CONNECTED); // it is back
    pass(s, 60 * US_PER_SECOND);
    assert_int_equal(people(s), 1);
    // A worker tells when most of the time is over: it counts from when the path was heard.
    pass(s, 20 * US_PER_SECOND);
    path_was_heard(s, ann, ICE_DISCONNECTED, DTLS_CONNECTED, s->now_us - 20 * US_PER_SECOND);
    pass(s, s->config.limits.resume_window_us - 21 * US_PER_SECOND);
    assert_int_equal(people(s), 1);
    pass(s, 2 * US_PER_SECOND);
    assert_int_equal(people(s), 0);
    assert_int_equal(s->notes[WHIP_DISMISSED], 1);
    assert_int_equal(posts(s, false, "hall", "name=Ann", "obs-publish"), 201);
    path_is(s, who(s, "hall", "Ann"), ICE_CONNECTED, DTLS_CLOSED); // the client has closed its connection
    pass(s, 2000);
    pass(s, 2000);
    assert_int_equal(people(s), 0);
    stage_close(s);
}

static void who_is_put_out_is_gone(void **state) {
    (void)state;
    struct stage *s = stage_open(NULL);
    struct hub_refusal refusal;
    struct public_id id;
    struct relay_budget spent = {0};
    struct grants grants = {
        .rights = RIGHTS_ALL | RIGHT_ADMIN, .identity = "mod", .name = "Mod", .room = "hall"};
    struct hub_join join = {
        .room = "hall", .username = "Mod", .grants = &grants, .connection = 1, .spent = &spent};
    char path[256];
    struct participant *mod = hub_join(s->hub, &join, &refusal);
    assert_non_null(mod);
    assert_int_equal(posts(s, false, "hall", "name=Ann", "obs-publish"), 201);
    location(s, path);
    assert_non_null(hub_mute(s->hub, mod, "Ann", MEDIA_VIDEO, false, &refusal));
    assert_true(last(s, MEDIA_PAUSE_PRODUCER, 0)->pause.paused);
    struct ask resume = {
        WHIP_POST, false, path, .query = NULL, .type = "application/json", .body = "{\"video\": false}"};
    assert_int_equal(asks(s, resume), 200); // as its owner may
    assert_false(last(s, MEDIA_PAUSE_PRODUCER, 0)->pause.paused);
    assert_true(hub_kick(s->hub, mod, "Ann", NULL, &id, &refusal));
    assert_int_equal(asks(s, (struct ask){WHIP_PATCH, false, path, .query = NULL}), 404);
    pass(s, 0);
    struct whip_counts counts;
    whip_read_counts(s->whip, &counts);
    assert_int_equal(counts.publishers, 0);
    stage_close(s);
}

static void what_an_address_may_be_asked(void **state) {
    (void)state;
    struct stage *s = stage_open("good");
    assert_int_equal(asks(s, (struct ask){WHIP_OPTIONS, false, "hall", .query = NULL}), 204);
    assert_non_null(strstr(s->answer.headers, "accept-post: application/sdp"));
    assert_non_null(strstr(s->answer.headers, "allow: OPTIONS, POST\r\n"));
    assert_int_equal(asks(s, (struct ask){WHIP_OPTIONS, true, "hall/x/layer", .query = NULL}), 204);
    assert_non_null(strstr(s->answer.headers, "allow: OPTIONS, POST, DELETE\r\n"));
    assert_int_equal(asks(s, (struct ask){WHIP_OPTIONS, false, "hall/x/layer", .query = NULL}), 404);
    assert_int_equal(asks(s, (struct ask){WHIP_GET, false, "hall", .query = NULL}), 204);
    stage_close(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_of_clients_are_answered),
        cmocka_unit_test(addresses_over_tcp_come_last),
        cmocka_unit_test(layers_stand_from_the_lowest_to_the_highest),
        cmocka_unit_test(viewers_get_it_under_their_own_numbers),
        cmocka_unit_test(redundant_audio_is_answered),
        cmocka_unit_test(requests_that_are_none_are_refused_in_words),
        cmocka_unit_test(nothing_that_is_routed_is_not_acceptable),
        cmocka_unit_test(a_busy_server_says_so),
        cmocka_unit_test(every_line_doubled_or_missing),
        cmocka_unit_test(a_token_says_who_comes_and_what_it_may),
        cmocka_unit_test(a_room_with_a_password_takes_tokens_alone),
        cmocka_unit_test(while_a_room_is_locked_or_has_a_lobby_nobody_comes),
        cmocka_unit_test(who_is_banned_hears_nothing),
        cmocka_unit_test(who_comes_and_goes_pays_for_it),
        cmocka_unit_test(candidates_and_restarts),
        cmocka_unit_test(a_path_that_never_comes_ends_it),
        cmocka_unit_test(a_silent_path_ends_it_after_the_time_of_others),
        cmocka_unit_test(who_is_put_out_is_gone),
        cmocka_unit_test(what_an_address_may_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
