#include "server/signal/signal_schema.h"

#include "server/signal/signal.h"
#include "server/signal/signal_said.h"

#include <stdio.h>
#include <string.h>

// The words between '|', as an array.
static json_t *words_of(const char *choices) {
    json_t *words = json_array();
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        json_array_append_new(words, json_stringn(at, strcspn(at, "|")));
    return words;
}

// A field that may be left out may as well be null.
static json_t *type_of_field(const char *type, bool required) {
    return required ? json_string(type) : json_pack("[ss]", type, "null");
}

static json_t *choices_of_field(const struct field_rule *rule) {
    json_t *words = words_of(rule->choices);
    if (!rule->required)
        json_array_append_new(words, json_null());
    return json_pack("{so}", "enum", words);
}

static json_t *texts_of_field(const struct field_rule *rule) {
    json_t *items = rule->choices ? json_pack("{so}", "enum", words_of(rule->choices))
                                  : json_pack("{ss}", "type", "string");
    return json_pack("{so sI sI so}", "type", type_of_field("array", rule->required), "minItems",
                     (json_int_t)rule->min, "maxItems", (json_int_t)rule->max, "items", items);
}

static json_t *schema_of_field(const struct field_rule *rule) {
    switch (rule->kind) {
    case FIELD_TEXT:
        return json_pack("{so sI sI}", "type", type_of_field("string", rule->required), "minLength",
                         (json_int_t)rule->min, "maxLength", (json_int_t)rule->max);
    case FIELD_BOOL:
        return json_pack("{so}", "type", type_of_field("boolean", rule->required));
    case FIELD_INTEGER:
        return json_pack("{so sI sI}", "type", type_of_field("integer", rule->required), "minimum",
                         (json_int_t)rule->min, "maximum", (json_int_t)rule->max);
    case FIELD_OBJECT:
        return json_pack("{so}", "type", type_of_field("object", rule->required));
    case FIELD_CHOICE:
        return choices_of_field(rule);
    case FIELD_TEXTS:
        return texts_of_field(rule);
    case FIELD_ANY:
    case FIELD_END:
        break;
    }
    return json_object();
}

static json_t *id_schema(void) {
    return json_pack("{s[{ss si}{ss}]}", "anyOf", "type", "string", "maxLength", SIGNAL_ID_BYTES_MAX, "type",
                     "number");
}

static json_t *schema_of_row(const struct signal_row *row) {
    json_t *properties = json_object(), *required = json_array();
    for (const struct field_rule *rule = row->fields; rule->kind != FIELD_END; rule++) {
        json_object_set_new(properties, rule->name, schema_of_field(rule));
        if (rule->required)
            json_array_append_new(required, json_string(rule->name));
    }
    json_t *outer = json_pack("[s]", "type");
    if (json_array_size(required) > 0)
        json_array_append_new(outer, json_string("data"));
    return json_pack("{ss ss so s{s{ss} so s{ss so so}}}", "description",
                     row->needs == NEEDS_ROOM ? "in a room" : "at any time", "type", "object", "required",
                     outer, "properties", "type", "const", row->type, "id", id_schema(), "data", "type",
                     "object", "required", required, "properties", properties);
}

static json_t *requests_schema(json_t *definitions) {
    size_t count;
    const struct signal_row *rows = signal_rows(&count);
    json_t *all = json_array();
    for (size_t i = 0; i < count; i++) {
        json_object_set_new(definitions, rows[i].type, schema_of_row(&rows[i]));
        json_array_append_new(all, json_pack("{ss+}", "$ref", "#/definitions/", rows[i].type));
    }
    return json_pack("{so}", "oneOf", all);
}

// One message of the server, an answer (with the id of its request) or a notification.
static json_t *schema_of_said(enum signal_out out) {
    return json_pack("{ss s[ss] s{s{ss} so so}}", "type", "object", "required", "type", "data", "properties",
                     "type", "const", signal_out_name(out), "id", id_schema(), "data",
                     signal_said_schema(out));
}

static json_t *said_schema(json_t *definitions) {
    json_t *all = json_array();
    for (enum signal_out out = 0; out < OUT_COUNT; out++) {
        char name[SIGNAL_TYPE_BYTES_MAX + 8];
        snprintf(name, sizeof name, "said:%s", signal_out_name(out));
        json_object_set_new(definitions, name, schema_of_said(out));
        json_array_append_new(all, json_pack("{ss+}", "$ref", "#/definitions/", name));
    }
    return json_pack("{so}", "oneOf", all);
}

json_t *signal_schema(void) {
    json_t *definitions = json_object();
    json_object_set_new(definitions, "request", requests_schema(definitions));
    json_object_set_new(definitions, "said", said_schema(definitions));
    return json_pack("{ss ss ss s[{ss}{ss}] so}", "$schema", "http://json-schema.org/draft-07/schema#",
                     "title", "Rotunda's signalling protocol, version 1", "description",
                     "Made of the server's tables (server/signal/signal_schema.c): do not edit.", "anyOf",
                     "$ref", "#/definitions/request", "$ref", "#/definitions/said", "definitions",
                     definitions);
}
