// The Prometheus text format (version 0.0.4), checked line by line by an independent reader.
#include "server/metrics.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#define WORKERS 2
#define NAMES_MAX 192

// What has been read of one exposition.
struct reading {
    char names[NAMES_MAX][80]; // of the metrics that have a TYPE line
    char types[NAMES_MAX][16];
    size_t count;
    bool helped; // the HELP line of the next metric was just read
    char help_name[80];
};

static bool name_valid(const char *name) {
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name) && *name != '_' && *name != ':')
            return false;
    }
    return true;
}

static void read_comment(struct reading *r, const char *line) {
    char name[80], type[16];
    if (sscanf(line, "# HELP %79s %*s", name) == 1) {
        snprintf(r->help_name, sizeof r->help_name, "%s", name);
        r->helped = true;
        return;
    }
    assert_int_equal(sscanf(line, "# TYPE %79s %15s", name, type), 2);
    assert_true(r->helped); // HELP comes first
    assert_string_equal(name, r->help_name);
    assert_true(strcmp(type, "counter") == 0 || strcmp(type, "gauge") == 0 || strcmp(type, "histogram") == 0);
    for (size_t i = 0; i < r->count; i++)
        assert_string_not_equal(r->names[i], name); // one group a metric
    assert_true(r->count < NAMES_MAX);
    memcpy(r->names[r->count], name, sizeof name);
    memcpy(r->types[r->count++], type, sizeof type);
    r->helped = false;
}

// name{label="value",...} number
static void read_sample(struct reading *r, const char *line) {
    char name[80];
    size_t len = strcspn(line, "{ ");
    assert_true(len < sizeof name);
    snprintf(name, sizeof name, "%.*s", (int)len, line);
    assert_true(name_valid(name));
    assert_true(r->count > 0);
    const char *type = r->types[r->count - 1], *group = r->names[r->count - 1];
    if (strcmp(type, "histogram") == 0 && strncmp(name, group, strlen(group)) == 0) {
        const char *part = name + strlen(group);
        assert_true(strcmp(part, "_bucket") == 0 || strcmp(part, "_sum") == 0 || strcmp(part, "_count") == 0);
    } else {
        assert_string_equal(name, group); // belongs to the group that is open
    }
    bool total = len > 6 && strcmp(name + len - 6, "_total") == 0;
    assert_int_equal(total, strcmp(r->types[r->count - 1], "counter") == 0);
    const char *rest = line + len;
    if (*rest == '{') {
        do {
            rest++;
            char label[80];
            size_t label_len = strcspn(rest, "=");
            snprintf(label, sizeof label, "%.*s", (int)label_len, rest);
            assert_true(name_valid(label));
            rest += label_len + 1;
            assert_int_equal(*rest, '"');
            rest += 1 + strcspn(rest + 1, "\"\\\n");
            assert_int_equal(*rest, '"');
            rest++;
        } while (*rest == ',');
        assert_int_equal(*rest, '}');
        rest++;
    }
    assert_int_equal(*rest, ' ');
    char *end;
    double value = strtod(rest + 1, &end);
    assert_true(end != rest + 1 && value >= 0);
    assert_int_equal(*end, '\0');
}

static char *print_example(size_t *len) {
    static struct media_counters media[WORKERS];
    memset(media, 0, sizeof media);
    media[0].packets_in = 12;
    media[1].packets_in = UINT64_MAX;
    media[1].loop_lag_us_max = 1500;
    media[1].drops[MEDIA_DROP_STUN_AUTH] = 7;
    media[0].shed_level = 3;
    media[0].shed_consumers = 40;
    media[0].links.estimate.buckets[0] = 2; // up to 100 kbit/s
    media[1].links.estimate.buckets[5] = 3; // up to 1 Mbit/s
    media[1].links.estimate.buckets[LINK_BUCKETS - 1] = 1;
    media[0].links.estimate.sum_bps = 150000;
    media[1].links.estimate.sum_bps = 62500000;
    media[1].links.reasons[LINK_DELAY] = 6;
    struct metrics_sample sample = {
        .workers = WORKERS, .media = media, .connections = 9, .uptime_us = 1250000, .resident_bytes = 4096};
    sample.hub.rooms = 3;
    sample.hub.participants = 5;
    sample.hub.transports_by_ice[ICE_CONNECTED] = 4;
    sample.hub.transports_by_dtls[DTLS_FAILED] = 1;
    char *text = metrics_print(&sample, len);
    assert_non_null(text);
    assert_int_equal(strlen(text), *len);
    return text;
}

static void test_format(void **state) {
    (void)state;
    size_t len;
    char *text = print_example(&len);
    assert_int_equal(text[len - 1], '\n');
    struct reading reading = {0};
    char *rest = text, *line;
    while ((line = strsep(&rest, "\n")) && rest) {
        if (line[0] == '#')
            read_comment(&reading, line);
        else
            read_sample(&reading, line);
    }
    assert_true(reading.count > 30);
    free(text);
}

static void test_values(void **state) {
    (void)state;
    static const char *const lines[] = {
        "\nrotunda_rooms 3\n",
        "\nrotunda_participants 5\n",
        "\nrotunda_connections 9\n",
        "\nrotunda_uptime_seconds 1.250\n",
        "\nprocess_resident_memory_bytes 4096\n",
        "\nrotunda_transports_ice{state=\"connected\"} 4\n",
        "\nrotunda_transports_dtls{state=\"failed\"} 1\n",
        "\nrotunda_packets_received_total{worker=\"0\"} 12\n",
        "\nrotunda_packets_received_total{worker=\"1\"} 18446744073709551615\n",
        "\nrotunda_worker_loop_lag_seconds{worker=\"1\"} 0.001500\n",
        "\nrotunda_worker_shed_level{worker=\"0\"} 3\n",
        "\nrotunda_link_estimate_bps_bucket{le=\"100000\"} 2\n",
        "\nrotunda_link_estimate_bps_bucket{le=\"750000\"} 2\n",
        "\nrotunda_link_estimate_bps_bucket{le=\"1000000\"} 5\n",
        "\nrotunda_link_estimate_bps_bucket{le=\"50000000\"} 5\n",
        "\nrotunda_link_estimate_bps_bucket{le=\"+Inf\"} 6\n",
        "\nrotunda_link_estimate_bps_sum 62650000\n",
        "\nrotunda_link_estimate_bps_count 6\n",
        "\nrotunda_link_observations_total{reason=\"delay\"} 6\n",
        "\nrotunda_worker_shed_consumers{worker=\"0\"} 40\n",
        "\nrotunda_dropped_packets_total{worker=\"1\",reason=\"stun_auth\"} 7\n",
        "\nrotunda_dropped_packets_total{worker=\"0\",reason=\"kernel_receive_queue\"} 0\n",
    };
    size_t len;
    char *text = print_example(&len);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!strstr(text, lines[i]))
            fail_msg("expected the line%s", lines[i]);
    }
    free(text);
}

// Each counter has one row, in the table of who counts it: its value comes out under the row's name.
static void test_each_row_prints_its_member(void **state) {
    (void)state;
    static struct media_counters media[WORKERS];
    struct metrics_sample sample = {.workers = WORKERS, .media = media};
    char lines[NAMES_MAX][96];
    uint64_t next = 1000;
    size_t count = 0;
#define ROW_OF(member, name, label)                                                                          \
    assert_true(count < NAMES_MAX);                                                                          \
    member = next++;                                                                                         \
    snprintf(lines[count++], sizeof lines[0], "\n%s%s %u\n", name, label, (unsigned)member);
#define OF_PROCESS(member, type, name, help) ROW_OF(sample.member, name, "")
#define OF_HUB(member, type, name, help) ROW_OF(sample.hub.member, name, "")
#define OF_SIGNAL(member, type, name, help) ROW_OF(sample.signal.member, name, "")
#define OF_WORKER(member, type, name, help) ROW_OF(media[1].member, name, "{worker=\"1\"}")
#define OF_UDP(member, from, type, name, help) ROW_OF(media[1].member, name, "{worker=\"1\"}")
    PROCESS_COUNTERS(OF_PROCESS)
    HUB_COUNTERS(OF_HUB)
    SIGNAL_COUNTERS(OF_SIGNAL)
    MEDIA_UDP_COUNTERS(OF_UDP)
    FORWARDER_COUNTERS(OF_WORKER)
    MEDIA_WORKER_COUNTERS(OF_WORKER)
    sample.hub.rate_limited = 3;
    sample.signal.rate_limited = 4;
    snprintf(lines[count++], sizeof lines[0], "\nrotunda_rate_limited_total 7\n");
    size_t len;
    char *text = metrics_print(&sample, &len);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++) {
        if (!strstr(text, lines[i]))
            fail_msg("expected the line%s", lines[i]);
    }
    free(text);
}

// The reasons of dropped packets are named as their constants are, in small letters.
static void test_each_reason_has_its_name(void **state) {
    (void)state;
#define CONSTANT_OF(reason, name) #reason,
    static const char *const constants[] = {MEDIA_DROPS(CONSTANT_OF)};
    for (int reason = 0; reason < MEDIA_DROP_COUNT; reason++)
        assert_int_equal(strcasecmp(media_drop_name((enum media_drop)reason), constants[reason]), 0);
}

static void test_documents_name_every_metric(void **state) {
    (void)state;
    FILE *file = fopen("docs/operations.md", "re");
    assert_non_null(file);
    static char document[1 << 20];
    size_t read = fread(document, 1, sizeof document - 1, file);
    assert_true(read < sizeof document - 1); // all of it
    fclose(file);
    size_t len;
    char *text = print_example(&len), *rest, *line;
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz_";
    for (const char *at = document; (at = strstr(at, "`rotunda_"));
         at++) { // as in `rotunda_rooms`, `..._ice{state}`
        char type[96];
        size_t name_len = strspn(at + 1, letters);
        snprintf(type, sizeof type, "# TYPE %.*s ", (int)name_len, at + 1);
        if (name_len > strlen("rotunda_") && !strstr(text, type))
            fail_msg("docs/operations.md: there is no %.*s", (int)name_len, at + 1);
    }
    for (rest = text; (line = strsep(&rest, "\n"));) {
        char name[80], named[2][96];
        if (sscanf(line, "# TYPE %79s", name) != 1)
            continue;
        snprintf(named[0], sizeof named[0], "`%s`", name);
        snprintf(named[1], sizeof named[1], "`%s{", name);
        if (!strstr(document, named[0]) && !strstr(document, named[1]))
            fail_msg("docs/operations.md: expected %s", name);
    }
    free(text);
}

static void test_resident_memory_is_read(void **state) {
    (void)state;
    assert_in_range(metrics_resident_bytes(), 100 * 1024, UINT64_C(1) << 40);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_format),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_each_row_prints_its_member),
        cmocka_unit_test(test_each_reason_has_its_name),
        cmocka_unit_test(test_documents_name_every_metric),
        cmocka_unit_test(test_resident_memory_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
