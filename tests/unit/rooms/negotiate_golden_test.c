// The ORTC rules against what the reference implementation answered (tests/golden makes the vectors).
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "rooms/negotiate.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "tests/vectors/ortc"
#define CASES_MIN 40

struct verdict {
    json_t *vector, *router;
    json_t *expect; // borrowed from vector
    uint32_t ssrc;
    int failures;
};

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

static void complain(struct verdict *v, const char *what, const json_t *expected, const json_t *found) {
    char *wanted = json_dumps(expected, JSON_ENCODE_ANY | JSON_SORT_KEYS);
    char *got = json_dumps(found, JSON_ENCODE_ANY | JSON_SORT_KEYS);

    print_error("%s %s, %s:\n expected %s\n found    %s\n", text_of(v->vector, "rule"),
                text_of(v->vector, "about"), what, wanted != NULL ? wanted : "nothing",
                got != NULL ? got : "nothing");
    free(wanted);
    free(got);
    v->failures++;
}

static void expect_json(struct verdict *v, const char *key, const json_t *found) {
    const json_t *expected = json_object_get(v->expect, key);

    if (expected == NULL || !json_equal(expected, found))
        complain(v, key, expected, found);
}

// The reference tells ill-formed (TypeError) from unsupported (UnsupportedError).
static void expect_refusal(struct verdict *v, const struct refusal *refusal) {
    const char *expected = text_of(v->expect, "refused");
    enum err code = strcmp(expected, "UnsupportedError") == 0 ? ERR_UNSUPPORTED : ERR_MALFORMED;

    if (expected[0] != '\0' && refusal->code == code && refusal->text[0] != '\0')
        return;
    print_error("%s %s:\n expected %s\n found    \"%s\" (%s)\n", text_of(v->vector, "rule"),
                text_of(v->vector, "about"), expected[0] != '\0' ? expected : "no refusal", refusal->text,
                err_name(refusal->code));
    v->failures++;
}

static enum media_kind kind_of(const struct verdict *v) {
    return strcmp(text_of(v->vector, "kind"), "audio") == 0 ? MEDIA_AUDIO : MEDIA_VIDEO;
}

// ---- one function a rule

static bool is_beyond(const json_t *codec) {
    const json_t *apt = json_object_get(json_object_get(codec, "parameters"), "apt");

    return strcmp(text_of(codec, "mimeType"), "video/H265") == 0 || json_integer_value(apt) == 125 ||
           strcmp(text_of(codec, "mimeType"), "audio/red") == 0;
}

// H265 and redundant audio are routed beyond the reference.
static void judge_router(struct verdict *v) {
    json_t *capabilities = json_deep_copy(v->router), *codecs = json_object_get(capabilities, "codecs");

    for (size_t i = json_array_size(codecs); i-- > 0;) {
        if (is_beyond(json_array_get(codecs, i)))
            json_array_remove(codecs, i);
    }
    expect_json(v, "capabilities", capabilities);
    json_decref(capabilities);
}

static void judge_capabilities(struct verdict *v) {
    struct refusal refusal;
    json_t *checked = negotiate_check_capabilities(json_object_get(v->vector, "capabilities"), &refusal);

    if (checked != NULL)
        expect_json(v, "checked", checked);
    else
        expect_refusal(v, &refusal);
    json_decref(checked);
}

static json_t *consumable_of(struct verdict *v, bool judged) {
    struct refusal refusal;
    json_t *checked =
        negotiate_check_producer(kind_of(v), json_object_get(v->vector, "parameters"), &refusal);
    json_t *mapping =
        checked != NULL ? negotiate_producer_mapping(checked, v->router, v->ssrc, &refusal) : NULL;
    json_t *consumable =
        mapping != NULL ? negotiate_consumable(kind_of(v), checked, v->router, mapping) : NULL;

    if (mapping == NULL)
        expect_refusal(v, &refusal);
    if (mapping != NULL && judged) {
        expect_json(v, "checked", checked);
        expect_json(v, "mapping", mapping);
    }
    json_decref(checked);
    json_decref(mapping);
    return consumable;
}

static void judge_producer(struct verdict *v) {
    json_t *consumable = consumable_of(v, true);

    if (consumable != NULL)
        expect_json(v, "consumable", consumable);
    json_decref(consumable);
}

static void judge_consumer(struct verdict *v) {
    struct refusal refusal;
    bool enable_rtx = json_is_true(json_object_get(v->vector, "enableRtx"));
    json_t *consumable = consumable_of(v, false);
    json_t *capabilities = negotiate_check_capabilities(json_object_get(v->vector, "capabilities"), &refusal);
    json_t *consumer = negotiate_consumer(consumable, capabilities, enable_rtx, v->ssrc, &refusal);

    expect_json(v, "consumable", consumable);
    expect_json(v, "canConsume", json_boolean(negotiate_can_consume(consumable, capabilities)));
    if (consumer != NULL)
        expect_json(v, "consumer", consumer);
    else
        expect_refusal(v, &refusal);
    json_decref(consumable);
    json_decref(capabilities);
    json_decref(consumer);
}

static int judge(const char *path, json_t *router) {
    static const struct {
        const char *rule;
        void (*judge)(struct verdict *v);
    } RULES[] = {{"router", judge_router},
                 {"capabilities", judge_capabilities},
                 {"producer", judge_producer},
                 {"consumer", judge_consumer}};
    json_error_t error;
    json_t *vector = json_load_file(path, 0, &error), *before = json_deep_copy(vector);
    struct verdict v = {.vector = vector,
                        .router = router,
                        .expect = json_object_get(vector, "expect"),
                        .ssrc = (uint32_t)json_integer_value(json_object_get(vector, "ssrc"))};
    bool judged = false;

    for (size_t i = 0; vector != NULL && i < sizeof RULES / sizeof RULES[0]; i++) {
        if (strcmp(text_of(vector, "rule"), RULES[i].rule) == 0) {
            RULES[i].judge(&v);
            judged = true;
        }
    }
    if (!judged || !json_equal(before, vector)) {
        print_error("%s: expected %s\n", path, judged ? "the input to stay as it was" : "a known rule");
        v.failures++;
    }
    json_decref(vector);
    json_decref(before);
    return v.failures;
}

static void test_every_vector(void **state) {
    (void)state;
    DIR *folder = opendir(FOLDER);
    json_t *router = negotiate_router_capabilities(), *before = json_deep_copy(router);
    const struct dirent *entry;
    int cases = 0, failures = 0;

    assert_non_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        char path[512];

        if (strstr(entry->d_name, ".json") == NULL)
            continue;
        snprintf(path, sizeof path, FOLDER "/%s", entry->d_name);
        failures += judge(path, router);
        cases++;
    }
    closedir(folder);
    print_message("%d vectors\n", cases);
    assert_true(json_equal(before, router));
    json_decref(router);
    json_decref(before);
    assert_true(cases >= CASES_MIN);
    assert_int_equal(failures, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_every_vector)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
