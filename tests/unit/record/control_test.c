// Lines that tell the recorder what to do.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "record/control.h"

#include <string.h>

static void good_lines(void **state) {
    (void)state;
    struct control c;
    char why[CONTROL_WHY_MAX];
    static const char track[] =
        "{\"do\":\"track\",\"id\":\"a\",\"participant\":\"p\",\"name\":\"Ann\",\"source\":\"CAMERA\","
        "\"mimeType\":"
        "\"video/vp8\",\"ssrc\":4294967295,\"payloadType\":96,\"clockRate\":90000,\"orientationId\":8}";
    assert_true(control_read(track, strlen(track), &c, why));
    assert_int_equal(c.what, CONTROL_TRACK);
    assert_string_equal(c.track.id, "a");
    assert_string_equal(c.track.name, "Ann");
    assert_int_equal(c.track.codec, CODEC_VP8);
    assert_int_equal(c.track.kind, MEDIA_VIDEO);
    assert_int_equal(c.track.ssrc, UINT32_MAX);
    assert_int_equal(c.track.orientation_id, 8);
    assert_int_equal(c.track.channels, 2);
    assert_true(control_read("{\"do\":\"pause\",\"id\":\"a\"}", 23, &c, why));
    assert_int_equal(c.what, CONTROL_PAUSE);
    assert_true(control_read("{\"do\":\"stop\"}", 13, &c, why));
    assert_int_equal(c.what, CONTROL_STOP);
}

static void bad_lines(void **state) {
    (void)state;
    static const struct {
        const char *line, *why;
    } rows[] = {
        {"", "no JSON object"},
        {"[]", "no JSON object"},
        {"{\"do\":\"stop\"} x", "no JSON object"},
        {"{\"do\":\"stop\",\"do\":\"stop\"}", "no JSON object"},
        {"{}", "`do`"},
        {"{\"do\":1}", "`do`"},
        {"{\"do\":\"fly\"}", "track, pause"},
        {"{\"do\":\"end\"}", "`id`"},
        {"{\"do\":\"end\",\"id\":\"\"}", "`id`"},
        {"{\"do\":\"end\",\"id\":\"a\\u0000b\"}", "no JSON object"},
        {"{\"do\":\"track\",\"id\":\"a\"}", "`mimeType`"},
        {"{\"do\":\"track\",\"id\":\"a\",\"mimeType\":\"video/H265\"}", "not recorded"},
        {"{\"do\":\"track\",\"id\":\"a\",\"mimeType\":\"video/VP8\"}", "`participant`"},
        {"{\"do\":\"track\",\"id\":\"a\",\"mimeType\":\"video/VP8\",\"participant\":\"p\"}", "`ssrc`"},
        {"{\"do\":\"track\",\"id\":\"a\",\"mimeType\":\"video/VP8\",\"participant\":\"p\",\"ssrc\":1}",
         "`payloadType`"},
        {"{\"do\":\"track\",\"id\":\"a\",\"mimeType\":\"video/"
         "VP8\",\"participant\":\"p\",\"ssrc\":1,\"payloadType\":1,"
         "\"clockRate\":0}",
         "`clockRate`"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct control c;
        char why[CONTROL_WHY_MAX] = "";
        if (control_read(rows[i].line, strlen(rows[i].line), &c, why))
            fail_msg("taken: %s", rows[i].line);
        if (!strstr(why, rows[i].why))
            fail_msg("%s: %s", rows[i].line, why);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_lines),
        cmocka_unit_test(bad_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
