// Session descriptions: what clients write is read, and what is odd is refused with its line.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/sdp/sdp.h"
#include "server/sdp/sdp_write.h"

static struct sdp sdp;
static char why[SDP_WHY_MAX];

#define HEAD "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"
#define VIDEO "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n"

static bool reads(const char *text) {
    // From a block of its own size, so that a byte too far is seen.
    size_t len = strlen(text);
    char *copy = malloc(len ? len : 1);
    assert_non_null(copy);
    memcpy(copy, text, len);
    bool good = sdp_read(span_of(copy, len), &sdp, why);
    free(copy);
    return good;
}

static void refused(const char *text, const char *words) {
    assert_false(reads(text));
    if (!strstr(why, words))
        fail_msg("\"%s\" is said, not \"%s\", of:\n%s", why, words, text);
}

static void what_is_odd_is_refused_with_its_line(void **state) {
    (void)state;
    static const struct {
        const char *text, *words;
    } rows[] = {
        {"", "lacks one of"},
        {"o=- 1 1 IN IP4 0.0.0.0\r\n", "line 1: the first line is not"},
        {"v=1\r\n", "the version is not 0"},
        {HEAD "v=0\r\n", "line 5: a second \"v=\""},
        {HEAD "t=0 0\r\n", "a second \"t=\""},
        {"v=0\r\ns=-\r\nt=0 0\r\n" VIDEO, "does not begin with v=, o=, s= and t="},
        {HEAD VIDEO "s=-\r\n", "does not belong into a section"},
        {HEAD "nonsense\r\n", "line 5: is not a small letter"},
        {HEAD "a=x\x01\r\n", "control character"},
        {HEAD "a=x\ry\r\n", "control character"},
        {HEAD "m=video x UDP/TLS/RTP/SAVPF 96\r\n", "kind, port, protocol and formats"},
        {HEAD "m=video 9 RTP/AVP 96\r\n", "no other"},
        {HEAD "m=video 9 UDP/TLS/RTP/SAVPF 96 96\r\n", "96 is there twice"},
        {HEAD "m=video 9 UDP/TLS/RTP/SAVPF 128\r\n", "0 to 127"},
        {HEAD VIDEO "a=rtpmap:98 VP8/90000\r\n", "line 6: \"a=rtpmap\" of a payload type"},
        {HEAD VIDEO "a=rtpmap:96 VP8/90000\r\na=rtpmap:96 VP9/90000\r\n", "a second \"a=rtpmap\""},
        {HEAD VIDEO "a=rtpmap:96 VP8\r\n", "is not PAYLOAD-TYPE"},
        {HEAD VIDEO "a=fmtp:96 a=1\r\na=fmtp:96 a=1\r\n", "a second \"a=fmtp\""},
        {HEAD VIDEO "a=extmap:0 x\r\n", "1 to 255"},
        {HEAD VIDEO "a=extmap:1 x\r\na=extmap:1 y\r\n", "the same id"},
        {HEAD VIDEO "a=extmap:1 x\r\na=extmap:2 x\r\n", "the same URI"},
        {HEAD VIDEO "a=mid:0\r\na=mid:0\r\n", "a second \"a=mid\""},
        {HEAD VIDEO "a=mid:0\r\n" VIDEO "a=mid:0\r\n", "the same a=mid"},
        {HEAD VIDEO "a=sendonly\r\na=sendonly\r\n", "a second \"a=sendrecv, sendonly"},
        {HEAD VIDEO "a=setup:actpass\r\na=setup:active\r\n", "a second \"a=setup\""},
        {HEAD VIDEO "a=setup:both\r\n", "actpass, active or passive"},
        {HEAD VIDEO "a=rtcp-mux\r\na=rtcp-mux\r\n", "a second \"a=rtcp-mux\""},
        {HEAD VIDEO "a=ice-ufrag:abc\r\n", "4 to 256"},
        {HEAD VIDEO "a=ice-pwd:short\r\n", "22 to 256"},
        {HEAD VIDEO "a=ice-ufrag:abcd\r\na=ice-ufrag:abcd\r\n", "a second \"a=ice-ufrag\""},
        {HEAD VIDEO "a=ssrc:0 cname:x\r\n", "1 to 4294967295"},
        {HEAD VIDEO "a=ssrc:4294967296 cname:x\r\n", "1 to 4294967295"},
        {HEAD VIDEO "a=ssrc:1 cname:x\r\na=ssrc:1 cname:y\r\n", "two cnames"},
        {HEAD VIDEO "a=ssrc-group:FID 1\r\n", "not as many"},
        {HEAD VIDEO "a=ssrc-group:FID 1 1\r\n", "twice"},
        {HEAD VIDEO "a=ssrc-group:SIM 1 2 3 4 5\r\n", "more than 4"},
        {HEAD VIDEO "a=rid:a send\r\na=rid:a send\r\n", "the same name"},
        {HEAD VIDEO "a=rid:a both\r\n", "\"send\" or \"recv\""},
        {HEAD VIDEO "a=simulcast:send a;b\r\n", "no \"a=rid\" line"},
        {HEAD VIDEO "a=rid:a send\r\na=simulcast:send a;a\r\n", "a name twice"},
        {HEAD VIDEO "a=rid:a send\r\na=simulcast:send a\r\na=simulcast:send a\r\n", "a second"},
        {HEAD "a=group:BUNDLE 0\r\na=group:BUNDLE 0\r\n", "a second \"a=group:BUNDLE\""},
        {HEAD "a=group:BUNDLE 0 0\r\n", "names a section twice"},
        {HEAD VIDEO "a=fingerprint:sha-256\r\n", "hexadecimal"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        refused(rows[i].text, rows[i].words);
}

static void too_much_is_refused(void **state) {
    (void)state;
    static char text[SDP_BYTES_MAX + 64];
    memset(text, 'x', sizeof text - 1);
    refused(text, "longer than");
    int len = snprintf(text, sizeof text, HEAD "a=");
    memset(text + len, 'x', SDP_LINE_MAX);
    strcpy(text + len + SDP_LINE_MAX, "\r\n");
    refused(text, "longer than 4096");
    len = snprintf(text, sizeof text, HEAD);
    for (int i = 0; i <= SDP_MEDIA_MAX; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "m=x 9 y z\r\n");
    refused(text, "more than 16 m= sections");
    len = snprintf(text, sizeof text, HEAD VIDEO);
    for (int i = 1; i <= SDP_STREAMS_MAX + 1; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "a=ssrc:%d cname:x\r\n", i);
    refused(text, "more than 16 SSRCs");
    len = snprintf(text, sizeof text, HEAD VIDEO);
    for (int i = 1; i <= SDP_EXTS_MAX + 1; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "a=extmap:%d u%d\r\n", i, i);
    refused(text, "more than 32 header extensions");
}

static void a_section_is_read_whole(void **state) {
    (void)state;
    static const char text[] =
        "v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\na=group:BUNDLE v\na=setup:actpass\na=ice-ufrag:abcd\n"
        "a=ice-pwd:0123456789012345678901\na=fingerprint:SHA-256 AA:BB\na=extmap:9 session-wide\n"
        "m=video 9 UDP/TLS/RTP/SAVPF 97 96\na=mid:v\na=sendonly\na=rtcp-mux\na=rtcp-rsize\n"
        "a=rtpmap:96 VP8/90000\na=rtpmap:97 rtx/90000\na=fmtp:97  apt=96 ; x\na=rtcp-fb:* nack\n"
        "a=rtcp-fb:96 nack pli\na=rtcp-fb:96 ccm fir\na=rtcp-fb:96 ccm tmmbr\na=extmap:3/recvonly uri extra\n"
        "a=rid:h send max-width=1280;max-height=720;pt=96\na=rid:l send max-br=100\na=rid:r recv\n"
        "a=simulcast:send ~h,x;l recv r\na=ssrc-group:FID 1 2\na=ssrc:1 cname:c\na=unknown:thing";
    assert_true(sdp_read(span_of_text(text), &sdp, why));
    const struct sdp_media *m = &sdp.media[0];
    assert_true(sdp.bundled && sdp.bundle_count == 1 && sdp_bundles(&sdp, m->mid) && sdp.media_count == 1);
    assert_true(m->kind == SDP_VIDEO && m->direction == SDP_SENDONLY && m->setup == SDP_ACTPASS);
    assert_true(m->rtcp_mux && m->rtcp_rsize && !m->rejected && m->ufrag.len == 4 && m->pwd.len == 22);
    assert_int_equal(m->fingerprint_count, 1);
    assert_int_equal(m->codec_count, 2);
    assert_int_equal(m->codecs[0].payload_type, 97);
    assert_int_equal(m->codecs[0].feedback, SDP_NACK);
    assert_int_equal(m->codecs[1].feedback, SDP_NACK | SDP_NACK_PLI | SDP_CCM_FIR);
    assert_true(span_equal(sdp_fmtp_value(m->codecs[0].fmtp, "APT"), span_of_text("96")));
    assert_null(sdp_fmtp_value(m->codecs[0].fmtp, "x").ptr);
    assert_int_equal(m->ext_count, 2);
    assert_true(m->exts[0].id == 3 && m->exts[0].direction == SDP_RECVONLY && m->exts[1].id == 9);
    assert_int_equal(m->simulcast_count, 2);
    assert_true(span_equal(m->simulcast[0], span_of_text("h")) &&
                span_equal(m->simulcast[1], span_of_text("l")));
    assert_int_equal(m->rids[0].size, 1280 * 720);
    assert_int_equal(m->rids[1].size, 100);
    assert_true(m->group_count == 1 && m->groups[0].fid && m->groups[0].ssrcs[1] == 2);
}

static void port_0_is_a_rejection_but_in_a_bundle(void **state) {
    (void)state;
    assert_true(reads(HEAD "m=audio 0 UDP/TLS/RTP/SAVPF 1\r\n"));
    assert_true(sdp.media[0].rejected);
    assert_true(reads(HEAD "m=audio 0 UDP/TLS/RTP/SAVPF 1\r\na=bundle-only\r\n"));
    assert_false(sdp.media[0].rejected);
}

// ---- what clients write

static char *vector(const char *name, size_t *len) {
    char path[256];
    snprintf(path, sizeof path, "tests/vectors/sdp/%s.sdp", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = malloc(SDP_BYTES_MAX);
    assert_non_null(text);
    *len = fread(text, 1, SDP_BYTES_MAX, file);
    fclose(file);
    return text;
}

static void what_clients_write_is_read(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum sdp_direction direction;
        unsigned simulcast;
        enum sdp_setup setup;
    } rows[] = {
        {"chromium-publish", SDP_SENDONLY, 0, SDP_ACTPASS},
        {"chromium-simulcast", SDP_SENDONLY, 3, SDP_ACTPASS},
        {"chromium-view", SDP_RECVONLY, 0, SDP_ACTPASS},
        {"firefox-publish", SDP_SENDONLY, 0, SDP_ACTPASS},
        {"firefox-simulcast", SDP_SENDONLY, 3, SDP_ACTPASS},
        {"firefox-view", SDP_RECVONLY, 0, SDP_ACTPASS},
        {"safari-publish", SDP_SENDONLY, 0, SDP_ACTPASS},
        {"obs-publish", SDP_SENDONLY, 0, SDP_ACTPASS},
        {"obs-simulcast", SDP_SENDONLY, 3, SDP_ACTPASS},
        {"ffmpeg-publish", SDP_SENDONLY, 0, SDP_PASSIVE},
        {"gstreamer-publish", SDP_SENDONLY, 0, SDP_ACTPASS},
        {"pion-publish", SDP_SENDONLY, 0, SDP_ACTPASS},
        {"pion-view", SDP_RECVONLY, 0, SDP_ACTPASS},
        {"gstreamer-view", SDP_RECVONLY, 0, SDP_ACTPASS},
        {"aiortc-publish", SDP_SENDONLY, 0, SDP_ACTPASS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len;
        char *text = vector(rows[i].name, &len);
        if (!sdp_read(span_of(text, len), &sdp, why))
            fail_msg("%s: %s", rows[i].name, why);
        assert_true(sdp.bundled && sdp.media_count == 2 && sdp.bundle_count == 2);
        unsigned simulcast = 0;
        for (unsigned k = 0; k < 2; k++) {
            const struct sdp_media *m = &sdp.media[k];
            assert_true(m->kind != SDP_OTHER && !m->rejected && m->rtcp_mux && m->mid.len &&
                        m->fingerprint_count);
            assert_true(m->ufrag.len >= 4 && m->pwd.len >= 22 && sdp_bundles(&sdp, m->mid));
            assert_int_equal(m->direction, rows[i].direction);
            assert_int_equal(m->setup, rows[i].setup);
            simulcast += m->simulcast_count;
        }
        assert_int_equal(simulcast, rows[i].simulcast);
        free(text);
    }
}

// ---- fragments

static void fragments(void **state) {
    (void)state;
    static const char good[] =
        "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
        "a=mid:0\r\na=candidate:1 1 udp 1 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n";
    struct sdp_fragment f;
    assert_true(sdp_fragment_read(span_of_text(good), &f, why));
    assert_true(span_equal(f.ufrag, span_of_text("EsAw")) && f.pwd.len == 24 && f.candidates == 1 && f.ended);
    static const char *const bad[][2] = {
        {"", "no a=ice-ufrag"},
        {"a=mid:0\r\n", "no a=ice-ufrag"},
        {"a=ice-ufrag:EsAw\r\n", "come together"},
        {"a=ice-ufrag:EsAw\r\na=ice-ufrag:Other\r\n", "two different"},
        {"a=ice-ufrag:E\r\n", "4 to 256"},
        {"junk\r\n", "line 1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(sdp_fragment_read(span_of_text(bad[i][0]), &f, why));
        assert_non_null(strstr(why, bad[i][1]));
    }
}

static void what_does_not_fit_is_not_written(void **state) {
    (void)state;
    char text[16];
    struct sdp_writer w = {.text = text, .cap = sizeof text};
    sdp_write(&w, "v=%d", 0);
    assert_true(!w.failed && w.len == 5 && strcmp(text, "v=0\r\n") == 0);
    sdp_write(&w, "a=%s", "123456789");
    assert_true(w.failed && w.len == 5);
    sdp_write(&w, "b");
    assert_int_equal(w.len, 5);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_odd_is_refused_with_its_line),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(a_section_is_read_whole),
        cmocka_unit_test(port_0_is_a_rejection_but_in_a_bundle),
        cmocka_unit_test(what_clients_write_is_read),
        cmocka_unit_test(fragments),
        cmocka_unit_test(what_does_not_fit_is_not_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
