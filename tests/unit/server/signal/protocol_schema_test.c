// docs/protocol.schema.json is what the server's tables say. After a change of them:
//   WRITE_SCHEMA=1 build-asan/tests/server_signal_protocol_schema_test
// from the repository's root, and `npm run generate -w @rotunda/client` in frontend/ for the types made of
// it.
#include "server/signal/signal.h"
#include "server/signal/signal_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SCHEMA "docs/protocol.schema.json"

static void the_file_is_what_the_tables_say(void **state) {
    (void)state;
    json_t *schema = signal_schema();
    assert_non_null(schema);
    if (getenv("WRITE_SCHEMA"))
        assert_int_equal(json_dump_file(schema, SCHEMA, JSON_INDENT(1) | JSON_ENSURE_ASCII), 0);
    json_error_t error;
    json_t *file = json_load_file(SCHEMA, 0, &error);
    if (!file)
        fail_msg("%s: %s", SCHEMA, error.text);
    if (!json_equal(schema, file))
        fail_msg("%s is not what signal_table.c says; the head of this file tells how it is made anew",
                 SCHEMA);
    json_decref(file);
    json_decref(schema);
}

static json_t *part(json_t *schema, const char *definition, const char *field) {
    json_t *data = json_object_get(
        json_object_get(json_object_get(json_object_get(json_object_get(schema, "definitions"), definition),
                                        "properties"),
                        "data"),
        "properties");
    return json_object_get(data, field);
}

static void each_kind_of_field_has_its_form(void **state) {
    (void)state;
    static const struct {
        const char *request, *field, *form;
    } cases[] = {
        {"set-priority", "priority", "{\"type\":\"integer\",\"minimum\":1,\"maximum\":255}"},
        {"set-preferred-layers", "temporalLayer",
         "{\"type\":[\"integer\",\"null\"],\"minimum\":0,\"maximum\":7}"},
        {"create-transport", "direction", "{\"enum\":[\"send\",\"recv\"]}"},
        {"create-transport", "forceTcp", "{\"type\":[\"boolean\",\"null\"]}"},
        {"produce", "rtpParameters", "{\"type\":\"object\"}"},
        {"join-room", "openTransports",
         "{\"type\":[\"array\",\"null\"],\"minItems\":0,\"maxItems\":2,\"items\":{\"enum\":[\"send\","
         "\"recv\"]}}"},
        {"hang-up", "payload", "{}"},
        {"close-consumer", "consumerId", "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}"},
    };
    json_t *schema = signal_schema();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *wanted = json_loads(cases[i].form, 0, NULL);
        if (!json_equal(wanted, part(schema, cases[i].request, cases[i].field)))
            fail_msg("%s of %s", cases[i].field, cases[i].request);
        json_decref(wanted);
    }
    json_decref(schema);
}

static void every_request_is_in_it_once(void **state) {
    (void)state;
    size_t rows;
    signal_rows(&rows);
    json_t *schema = signal_schema();
    json_t *all =
        json_object_get(json_object_get(json_object_get(schema, "definitions"), "request"), "oneOf");
    assert_int_equal(json_array_size(all), rows);
    json_decref(schema);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_file_is_what_the_tables_say),
        cmocka_unit_test(each_kind_of_field_has_its_form),
        cmocka_unit_test(every_request_is_in_it_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
