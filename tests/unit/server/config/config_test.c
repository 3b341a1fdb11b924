// Every setting, good and bad, from each of its three sources; who wins; what a refusal says.
#include "server/config/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define FLAGS_MAX 12

struct value_row {
    const char *name, *good, *bad, *allowed; // `allowed` is part of what the refusal says
};

static const struct value_row values[] = {
    {"listen", "127.0.0.1:9000", "0.0.0.0", "an IP address or localhost, with a port"},
    {"listen", "[::]:8080", "::1:8080", "[::]:8080"},
    {"listen", "[::1]:1", "[127.0.0.1]:8080", "an IP address or localhost, with a port"},
    {"listen", "localhost:80", "example.com:80", "an IP address or localhost, with a port"},
    {"listen", "0.0.0.0:0", "0.0.0.0:65536", "an IP address or localhost, with a port"},
    {"admin-listen", "[::1]:9100", "9100", "an IP address or localhost, with a port"},
    {"trust-proxy", "127.0.0.1", "localhost", "1 to 32 addresses or networks"},
    {"trust-proxy", "10.0.0.0/8, ::1, 2001:db8::/32", "10.0.0.0/33", "separated by commas"},
    {"trust-proxy", "0.0.0.0/0", "10.0.0.0/8,", "as in 10.0.0.0/8,::1"},
    {"frame-ancestors", "'none'", "'self'; script-src *", "sources with one space between them"},
    {"frame-ancestors", "'self' https://example.org", "https://a,https://b", "1 to 511 bytes"},
    {"origins", "*", "example.org", "self, * or 1 to 32 origins"},
    {"origins", "self, https://app.example.org:8443", "https://app.example.org/call", "separated by commas"},
    {"peerjs", "/myPeerServer", "myPeerServer", "a path of at most 128 bytes"},
    {"peerjs", "/", "/a/../b", "as in /signal"},
    {"peerjs", "/a/b.c_d-e~f/", "//", "letters, digits"},
    {"peerjs", "/.well-known", "/a//b", "and slashes"},
    {"peerjs", "/a", "/a?b", "and slashes"},
    {"peerjs", "/a", "/%61", "and slashes"},
    {"peerjs-key", "own_key-1", "a/b", "1 to 64 letters, digits, - and _"},
    {"peerjs-peers", "yes", "maybe", "no, yes"},
    {"named-ws", "/ws", "ws://x", "a path of at most 128 bytes"},
    {"socket-io", "/socket.io/", "/socket io", "a path of at most 128 bytes"},
    {"dialect-clients-max", "1000000", "0", "a number from 1 to 1000000"},
    {"webhook", "https://hooks.example.org/a", "http://hooks.example.org/a", "1 to 4 URLs"},
    {"webhook", "http://127.0.0.1:3000/,https://a.example", "https://a@b.example", "separated by commas"},
    {"waiting-per-address", "0", "-1", "a number from 0 to 1000000"},
    {"rooms-per-address", "1000000", "1000001", "a number from 0 to 1000000"},
    {"failed-joins-per-address", "1", "one", "a number from 0 to 1000000"},
    {"audio-packets-max", "100", "49", "a number from 50 to 100000"},
    {"audio-bitrate-max", "64000", "1", "a number from 64000 to 4000000000"},
    {"video-packets-max", "1000", "99", "a number from 100 to 1000000"},
    {"video-bitrate-max", "4000000000", "99999", "a number from 100000 to 4000000000"},
    {"transport-bitrate-max", "1000000", "ten", "a number from 1000000 to 4000000000"},
    {"receive-bitrate-max", "100000", "99999", "a number from 100000 to 4000000000"},
    {"publish-bitrate-max", "0", "-1", "a number from 0 to 4000000000"},
    {"media-port", "65535", "65536", "a number from 0 to 65535"},
    {"media-port", "0", "4e4", "a number from 0 to 65535"},
    {"record-dir", "/var/lib/rotunda", NULL, NULL},
    {"record-layout", "participant", "room", "one of track, participant"},
    {"recorder", "/usr/bin/rotunda-record", NULL, NULL},
    {"plain-ports", "40100-40199", "40199-40100", "two ports from 1024 to 65535"},
    {"announce", "192.0.2.1", "example..com", "1 to 16 IP addresses or host names"},
    {"announce", "media.example.com,192.0.2.1", "media.example.com:40000", "1 to 16 IP addresses"},
    {"announce", "localhost", "300.1.2.3", "1 to 16 IP addresses"},
    {"announce", "192.0.2.1, 2001:db8::1", "192.0.2.1,", "separated by commas"},
    {"announce", "10.0.0.1,10.0.0.2", "0.0.0.0", "1 to 16 IP addresses"},
    {"announce", "Auto", "auto:80", "or auto"},
    {"announce", "auto, 203.0.113.7", "auto 203.0.113.7", "separated by commas"},
    {"announce", "::ffff:192.0.2.1", "fe80::1", "1 to 16 IP addresses"},
    {"announce", "127.0.0.1",
     "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9,1.1.1.10,"
     "1.1.1.11,1.1.1.12,1.1.1.13,1.1.1.14,1.1.1.15,1.1.1.16,1.1.1.17",
     "1 to 16 IP addresses"},
    {"stun", "stun.example.org", "stun.example.org:0", "a host name or an IP address"},
    {"stun", "stun.example.org:19302", "stun:stun.example.org", "with a port if it is not 3478"},
    {"stun", "[2001:db8::1]:3478", "2001:db8::1", "a host name or an IP address"},
    {"stun", "192.0.2.1", "192.0.2", "a host name or an IP address"},
    {"tls-cert", "/etc/tls/cert.pem", NULL, NULL},
    {"tls-key", "/etc/tls/key.pem", NULL, NULL},
    {"turn-urls", "stun:stun.example.org, stun:192.0.2.1:19302", "turn.example.org", "1 to 8 URLs"},
    {"turn-urls", "stun:a", "stun:a,", "separated by commas"},
    {"turn-urls", "stuns:a", "turn:a?transport=sctp", "as in turn:turn.example.org:3478?transport=udp"},
    {"turn-urls", "stun:a,stun:b,stun:c,stun:d,stun:e,stun:f,stun:g,stun:h",
     "stun:a,stun:b,stun:c,stun:d,stun:e,stun:f,stun:g,stun:h,stun:i", "1 to 8 URLs"},
    {"turn-secret", "hush", NULL, NULL},
    {"turn-secret-file", "/run/secret", NULL, NULL},
    {"turn-ttl", "60", "59", "a number from 60 to 604800"},
    {"turn-ttl", "604800", "604801", "a number from 60 to 604800"},
    {"workers", "1", "0", "a number from 1 to 64"},
    {"workers", "64", "65", "a number from 1 to 64"},
    {"web-root", "/srv/page", NULL, NULL},
    {"keys", "/etc/rotunda/keys", NULL, NULL},
    {"rooms", "/etc/rotunda/rooms", NULL, NULL},
    {"open", "yes", "maybe", "one of no, yes"},
    {"log-level", "Debug", "verbose", "one of error, warn, info, debug"},
    {"log-format", "json", "xml", "one of text, json"},
    {"rooms-max", "1", "0", "a number from 1 to 100000"},
    {"participants-max", "10000", "10001", "a number from 1 to 10000"},
    {"transports-max", "64", "65", "a number from 1 to 64"},
    {"producers-max", "256", "many", "a number from 1 to 256"},
    {"consumers-max", "5000", "5001", "a number from 1 to 5000"},
    {"message-rate-max", "1", "0", "a number from 1 to 10000"},
    {"resume-window", "0", "3601", "a number from 0 to 3600"},
    {"drain-time", "86400", "86401", "a number from 0 to 86400"},
    {"drain-to", "wss://next.example.org/ws", "https://next.example.org/", "begins with wss:// or ws://"},
    {"participants-per-worker", "1", "0", "a number from 1 to 10000"},
    {"last-n", "10000", "10001", "a number from 0 to 10000"},
    {"loudest-n", "32", "33", "a number from 0 to 32"},
    {"ws-backlog-max", "262144", "262143", "a number from 262144 to 268435456"},
    {"relay-rate-max", "65536", "65535", "a number from 65536 to 1073741824"},
    {"data-channels", "no", "maybe", "one of no, yes"},
    {"data-rate-max", "65536", "65535", "a number from 65536 to 1073741824"},
    {"control-memory-max", "16777216", "4294967296", "a number from 16777216 to 4294967295"},
    {"connections-max", "1000000", "1000001", "a number from 1 to 1000000"},
    {"tcp-connections-max", "1000000", "1000001", "a number from 0 to 1000000"},
    {"ice-tcp", "on", "yes", "one of off, on, auto"},
    {"ice", "lite", "half", "one of lite, auto, full"},
    {"ice-stun", "stun.example.org", "stun:stun.example.org", "a host name or an IP address"},
    {"ice-turn", "turn:turn.example.org", "turn.example.org", "1 to 8 URLs"},
    {"ice-turn-login-file", "/run/login", NULL, NULL},
    {"ice-ports", "50000-50999", "50000", "two ports from 1024 to 65535"},
    {"ice-peers", "10.0.0.0/8", "10.0.0.0/33", "addresses or networks"},
    {"ice-nomination", "aggressive", "fast", "one of regular, aggressive"},
    {"ice-agents-max", "4096", "4097", "a number from 1 to 4096"},
    {"ice-agents-per-room", "0", "4097", "a number from 0 to 4096"},
    {"ice-agents-per-address", "0", "4097", "a number from 0 to 4096"},
    {"audio-packets-max", "50", "49", "a number from 50 to 100000"},
    {"audio-bitrate-max", "64000", "63999", "a number from 64000 to 4000000000"},
    {"video-packets-max", "1000000", "1000001", "a number from 100 to 1000000"},
    {"video-bitrate-max", "4000000000", "4000000001", "a number from 100000 to 4000000000"},
    {"transport-bitrate-max", "1000000", "999999", "a number from 1000000 to 4000000000"},
    {"udp-receive-buffer", "65536", "99999999999", "a number from 65536 to 1073741824"},
    {"udp-send-buffer", "1073741824", "1073741825", "a number from 65536 to 1073741824"},
    {"batch-us", "0", "5001", "a number from 0 to 5000"},
};

#define VALUES_COUNT (sizeof values / sizeof values[0])

static const char *const no_environment[] = {NULL};

// Loads from flags (a NULL-terminated list) and an environment.
static enum config_task load(struct config *config, char *error, const char *const *environment,
                             const char *const *flags) {
    char *argv[FLAGS_MAX + 1] = {(char *)"rotunda"};
    int argc = 1;
    while (flags && *flags) {
        assert_true(argc < FLAGS_MAX);
        argv[argc++] = (char *)*flags++;
    }
    return config_load(config, argc, argv, (char *const *)environment, error);
}

static char *file_write(const char *text) {
    char *path = strdup("/tmp/rotunda_config_XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return path;
}

enum spelling { AS_FLAG, AS_FLAG_WITH_EQUALS, AS_VARIABLE, AS_KEY, SPELLINGS };

static enum config_task load_one(struct config *config, char *error, enum spelling spelling, const char *name,
                                 const char *value) {
    char flag[600], variable[1200], line[600], spelled[80];
    if (spelling == AS_FLAG) {
        snprintf(flag, sizeof flag, "--%s", name);
        return load(config, error, no_environment, (const char *const[]){flag, value, NULL});
    }
    if (spelling == AS_FLAG_WITH_EQUALS) {
        snprintf(flag, sizeof flag, "--%s=%s", name, value);
        return load(config, error, no_environment, (const char *const[]){flag, NULL});
    }
    if (spelling == AS_VARIABLE) {
        setting_variable(name, spelled, sizeof spelled);
        snprintf(variable, sizeof variable, "%s=%s", spelled, value);
        return load(config, error, (const char *const[]){"HOME=/", variable, NULL}, NULL);
    }
    snprintf(line, sizeof line, "# a comment\n\n  %s =  %s  \n", name, value);
    char *path = file_write(line);
    enum config_task task =
        load(config, error, no_environment, (const char *const[]){"--config", path, NULL});
    unlink(path);
    free(path);
    return task;
}

static void assert_says(const char *text, const char *part) {
    if (!strstr(text, part))
        fail_msg("expected \"%s\" in \"%s\"", part, text);
}

static void test_a_switch_alone_means_yes(void **state) {
    (void)state;
    struct config config;
    char error[CONFIG_ERROR_MAX];
    static const struct {
        const char *flags[4];
        bool open;
    } rows[] = {{{NULL}, false},
                {{"--open", NULL}, true},
                {{"--open", "--media-port", "5000", NULL}, true},
                {{"--open", "no", NULL}, false},
                {{"--open=no", NULL}, false},
                {{"--open", "yes", "--media-port=5000", NULL}, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(load(&config, error, no_environment, rows[i].flags), CONFIG_RUN);
        assert_int_equal(config.open, rows[i].open);
    }
    assert_int_equal(
        load(&config, error, no_environment, (const char *const[]){"--open", "--keys", "/k", NULL}),
        CONFIG_REFUSED);
    assert_says(error, "open: it is yes, but keys names a file");
}

static void test_each_setting_from_each_source(void **state) {
    (void)state;
    for (size_t i = 0; i < VALUES_COUNT; i++) {
        for (int spelling = 0; spelling < SPELLINGS; spelling++) {
            const struct value_row *row = &values[i];
            struct config config;
            char error[CONFIG_ERROR_MAX];
            enum config_task task = load_one(&config, error, (enum spelling)spelling, row->name, row->good);
            bool alone = strstr(error, "is of no use without") || strstr(error, "/run/secret");
            if (task != CONFIG_RUN && !alone)
                fail_msg("%s %s, spelling %d: expected to be taken, but: %s", row->name, row->good, spelling,
                         error);
            if (!row->bad)
                continue;
            task = load_one(&config, error, (enum spelling)spelling, row->name, row->bad);
            if (task != CONFIG_REFUSED)
                fail_msg("%s %s, spelling %d: expected to be refused", row->name, row->bad, spelling);
            assert_says(error, row->name);
            assert_says(error, row->bad);
            assert_says(error, row->allowed);
            assert_null(strchr(error, '\n'));
        }
    }
}

static void test_each_setting_has_a_row(void **state) {
    (void)state;
    size_t count;
    const struct setting *settings = config_settings(&count);
    for (size_t i = 0; i < count; i++) {
        bool found = false;
        for (size_t j = 0; j < VALUES_COUNT; j++)
            found = found || strcmp(values[j].name, settings[i].name) == 0;
        if (!found)
            fail_msg("setting %s: expected a row in this test", settings[i].name);
    }
}

static void test_refusals_name_their_source(void **state) {
    (void)state;
    static const char *const sources[SPELLINGS] = {"from --workers", "from --workers", "from ROTUNDA_WORKERS",
                                                   " line 3"};
    for (int spelling = 0; spelling < SPELLINGS; spelling++) {
        struct config config;
        char error[CONFIG_ERROR_MAX];
        load_one(&config, error, (enum spelling)spelling, "workers", "none");
        assert_says(error, sources[spelling]);
    }
}

static void test_short_flags(void **state) {
    (void)state;
    struct config config;
    char error[CONFIG_ERROR_MAX];
    assert_int_equal(load(&config, error, no_environment, (const char *const[]){"-h", NULL}), CONFIG_HELP);
    assert_int_equal(load(&config, error, no_environment, (const char *const[]){"-V", NULL}), CONFIG_VERSION);
    assert_int_equal(load(&config, error, no_environment, (const char *const[]){"-x", NULL}), CONFIG_REFUSED);
}

static void test_values_arrive(void **state) {
    (void)state;
    struct config config;
    char error[CONFIG_ERROR_MAX];
    const char *const flags[] = {"--listen=[::0:1]:81",
                                 "--media-port",
                                 "41000",
                                 "--announce",
                                 "10.1.1.1 ,2001:DB8:0:0::1,auto,::ffff:10.1.1.2",
                                 "--log-level",
                                 "warn",
                                 "--stun",
                                 "[2001:db8::5]",
                                 NULL};
    assert_int_equal(load(&config, error, no_environment, flags), CONFIG_RUN);
    assert_string_equal(config.listen_host, "::1");
    assert_int_equal(config.listen_port, 81);
    assert_int_equal(config.media_port, 41000);
    assert_int_equal(config.announce_count, 4);
    assert_string_equal(config.announce[0], "10.1.1.1");
    assert_string_equal(config.announce[1], "2001:db8::1");
    assert_string_equal(config.announce[2], "auto");
    assert_string_equal(config.announce[3], "10.1.1.2");
    assert_string_equal(config.stun.host, "2001:db8::5");
    assert_int_equal(config.stun.port, 3478);
    assert_int_equal(config.log_level, LOG_LEVEL_WARN);
}

static void test_defaults(void **state) {
    (void)state;
    struct config config;
    char error[CONFIG_ERROR_MAX];
    assert_int_equal(load(&config, error, no_environment, NULL), CONFIG_RUN);
    assert_string_equal(config.listen_host, "0.0.0.0");
    assert_int_equal(config.listen_port, 8080);
    assert_int_equal(config.media_port, 40000);
    assert_int_equal(config.announce_count, 1);
    assert_string_equal(config.announce[0], "auto");
    assert_string_equal(config.stun.host, "");
    assert_string_equal(config.web_root, "");
    assert_int_equal(config.log_level, LOG_LEVEL_INFO);
    assert_int_equal(config.log_format, LOG_FORMAT_TEXT);
    assert_int_equal(config.resume_window_seconds, 30);
    assert_int_equal(config.ws_backlog_max_bytes, 1024 * 1024);
    assert_in_range(config_worker_count(&config), 1, WORKERS_MAX);
}

// The hub's own defaults, which its tests use, are those that people get.
static void test_defaults_are_the_hubs(void **state) {
    (void)state;
    struct config config;
    struct hub_limits limits;
    char error[CONFIG_ERROR_MAX];
    assert_int_equal(load(&config, error, no_environment, NULL), CONFIG_RUN);
    hub_limits_default(&limits);
    assert_int_equal(config.rooms_max, limits.rooms_max);
    assert_int_equal(config.participants_max, limits.participants_per_room_max);
    assert_int_equal(config.transports_max, limits.transports_per_participant_max);
    assert_int_equal(config.producers_max, limits.producers_per_participant_max);
    assert_int_equal(config.consumers_max, limits.consumers_per_participant_max);
    assert_int_equal(config.message_rate_max, limits.messages_per_second_max);
    assert_int_equal(config.resume_window_seconds * UINT64_C(1000000), limits.resume_window_us);
    assert_int_equal(config.participants_per_worker, limits.participants_per_worker);
}

static void test_precedence(void **state) {
    (void)state;
    static const struct {
        bool flag, variable, file;
        uint16_t expected;
    } rows[] = {
        {false, false, false, 40000}, {false, false, true, 3}, {false, true, false, 2},
        {false, true, true, 2},       {true, false, false, 1}, {true, false, true, 1},
        {true, true, false, 1},       {true, true, true, 1},
    };
    char *path = file_write("media-port = 3\n");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *flags[5], *environment[2];
        size_t f = 0, e = 0;
        if (rows[i].flag)
            flags[f++] = "--media-port", flags[f++] = "1";
        if (rows[i].file)
            flags[f++] = "--config", flags[f++] = path;
        if (rows[i].variable)
            environment[e++] = "ROTUNDA_MEDIA_PORT=2";
        flags[f] = environment[e] = NULL;
        struct config config;
        char error[CONFIG_ERROR_MAX];
        assert_int_equal(load(&config, error, environment, flags), CONFIG_RUN);
        if (config.media_port != rows[i].expected)
            fail_msg("row %zu: expected media-port %u, got %u", i, rows[i].expected, config.media_port);
    }
    unlink(path);
    free(path);
}

// Where the settings were read, and whether that file is to be kept secret.
static void test_a_secret_in_the_file(void **state) {
    (void)state;
    static const struct {
        const char *text, *flag;
        bool has;
    } rows[] = {{"turn-urls = turn:a\nturn-secret = hush\n", NULL, true},
                {"turn-urls = turn:a\nturn-secret = hush\n", "louder", false}, // it is not used
                {"turn-urls = turn:a\n", "louder", false},
                {"media-port = 3\n", NULL, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        char error[CONFIG_ERROR_MAX], *path = file_write(rows[i].text);
        const char *const flags[] = {"--config", path, rows[i].flag ? "--turn-secret" : NULL, rows[i].flag,
                                     NULL};
        assert_int_equal(load(&config, error, no_environment, flags), CONFIG_RUN);
        assert_string_equal(config.file, path);
        assert_int_equal(config.file_has_secret, rows[i].has);
        unlink(path);
        free(path);
    }
}

// A value that another source outranks is checked all the same.
static void test_outranked_values_are_checked(void **state) {
    (void)state;
    struct config config;
    char error[CONFIG_ERROR_MAX];
    const char *const environment[] = {"ROTUNDA_WORKERS=1000", NULL}, *const flags[] = {"--workers", "2",
                                                                                        NULL};
    assert_int_equal(load(&config, error, environment, flags), CONFIG_REFUSED);
    assert_says(error, "ROTUNDA_WORKERS");
}

static void test_config_file_from_environment(void **state) {
    (void)state;
    struct config config;
    char error[CONFIG_ERROR_MAX], variable[100];
    char *path = file_write("workers = 3");
    snprintf(variable, sizeof variable, "ROTUNDA_CONFIG=%s", path);
    const char *const environment[] = {variable, NULL};
    assert_int_equal(load(&config, error, environment, NULL), CONFIG_RUN);
    assert_int_equal(config_worker_count(&config), 3);
    unlink(path);
    free(path);
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *flags[3], *variable, *file; // file: its content
        const char *says;
    } rows[] = {
        {{"--media-prot", "1"},
         NULL,
         NULL,
         "unknown setting \"media-prot\" (from the command line); did you mean media-port?"},
        {{"--zzz"}, NULL, NULL, "rotunda --help lists the settings"},
        {{"--workers"}, NULL, NULL, "workers: a value is missing after --workers"},
        {{"8080"}, NULL, NULL, "\"8080\" is not a flag"},
        {{"-x"}, NULL, NULL, "\"-x\" is not a flag"},
        {{"--workers="}, NULL, NULL, "workers: \"\" (from --workers) is not allowed"},
        {{NULL},
         "ROTUNDA_LISEN=x",
         NULL,
         "unknown setting \"lisen\" (from ROTUNDA_LISEN); did you mean listen?"},
        {{NULL}, "ROTUNDA_Workers=1", NULL, "unknown setting"},
        {{NULL}, NULL, "prot = 1\n", " line 1)"},
        {{NULL}, NULL, "\nworkers 4\n", "is not of the form key = value"},
        {{NULL}, NULL, "workers = 1\nworkers = 2\n", "workers: given twice, in line 1 and line 2"},
        {{NULL}, NULL, "config = other.conf\n", "unknown setting \"config\""},
        {{"--config", "/nowhere/rotunda.conf"},
         NULL,
         NULL,
         "\"/nowhere/rotunda.conf\" cannot be read: No such file"},
        {{"--config", "/tmp"}, NULL, NULL, "\"/tmp\" cannot be read: Is a directory"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        char error[CONFIG_ERROR_MAX];
        char *path = rows[i].file ? file_write(rows[i].file) : NULL;
        const char *const environment[] = {rows[i].variable, NULL}, *const with_file[] = {"--config", path,
                                                                                          NULL};
        enum config_task task = load(&config, error, environment, path ? with_file : rows[i].flags);
        if (task != CONFIG_REFUSED)
            fail_msg("row %zu: expected a refusal that says \"%s\"", i, rows[i].says);
        assert_says(error, rows[i].says);
        if (path)
            unlink(path);
        free(path);
    }
}

static void test_foreign_variables_are_ignored(void **state) {
    (void)state;
    const char *const environment[] = {"ROTUNDA_PORT=tcp://10.0.0.1:8080",
                                       "ROTUNDA_PORT_8080_TCP=x",
                                       "ROTUNDA_SERVICE_HOST=10.0.0.1",
                                       "ROTUNDA_WORKERS=",
                                       "ROTUNDAX=1",
                                       NULL};
    struct config config;
    char error[CONFIG_ERROR_MAX];
    if (load(&config, error, environment, NULL) != CONFIG_RUN)
        fail_msg("expected to be taken, but: %s", error);
}

static void test_tasks(void **state) {
    (void)state;
    static const struct {
        const char *flags[3];
        enum config_task expected;
    } rows[] = {
        {{"--help"}, CONFIG_HELP},
        {{"--version"}, CONFIG_VERSION},
        {{"--check-config"}, CONFIG_CHECK},
        {{"--check-config", "--workers=2"}, CONFIG_CHECK},
        {{"--check-config", "--workers=0"}, CONFIG_REFUSED},
        {{"--help=1"}, CONFIG_REFUSED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        char error[CONFIG_ERROR_MAX];
        assert_int_equal(load(&config, error, no_environment, rows[i].flags), rows[i].expected);
    }
}

static void test_settings_that_contradict_each_other(void **state) {
    (void)state;
    static const struct {
        const char *flags[6], *says; // NULL: fine
    } rows[] = {
        {{"--stun", "stun.example.org"}, NULL},
        {{"--stun", "stun.example.org", "--announce", "10.0.0.1,auto"}, NULL},
        {{"--stun", "stun.example.org", "--announce", "10.0.0.1"},
         "stun: \"stun.example.org\" would not be asked, because announce has no auto in it"},
        {{"--tls-cert", "c.pem", "--tls-key", "k.pem"}, NULL},
        {{"--webhook", "https://a.example/secret"},
         "webhook: https://a.example is of no use without keys, which sign what goes there"},
        {{"--tls-cert", "c.pem"}, "tls-cert: \"c.pem\" is of no use without tls-key"},
        {{"--tls-key", "k.pem"}, "tls-key: \"k.pem\" is of no use without tls-cert"},
        {{"--turn-urls", "turn:a", "--turn-secret", "hush"}, NULL},
        {{"--turn-urls", "stun:a"}, NULL},
        {{"--turn-urls", "stun:a,turn:a"},
         "turn-urls: a TURN server is of no use without turn-secret or turn-secret-file"},
        {{"--turn-secret", "hush"}, "turn-secret: a secret is of no use without a TURN server in turn-urls"},
        {{"--turn-urls", "stun:a", "--turn-secret", "hush"},
         "turn-secret: a secret is of no use without a TURN server in turn-urls"},
        {{"--ws-backlog-max", "262144"}, NULL},
        {{"--ws-backlog-max", "262144", "--consumers-max", "5000", "--producers-max", "256"}, NULL},
        {{"--turn-secret=hush", "--turn-secret-file=f", "--turn-urls=turn:a"},
         "turn-secret: it is given, and in turn-secret-file too; leave one out"},
        {{"--turn-secret="},
         "turn-secret: what --turn-secret says is not allowed; it must be 1 to 255 bytes without control "
         "characters"},
        {{"--turn-secret=hu\tsh"},
         "turn-secret: what --turn-secret says is not allowed; it must be 1 to 255 bytes without control "
         "characters"},
        {{"--turn-secret-file=/nowhere/f", "--turn-urls=turn:a"},
         "turn-secret-file: \"/nowhere/f\" cannot be read: No such file or directory"},
        {{"--turn-secret-file=/", "--turn-urls=turn:a"},
         "turn-secret-file: \"/\" cannot be read: Is a directory"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        char error[CONFIG_ERROR_MAX];
        enum config_task task = load(&config, error, no_environment, rows[i].flags);
        if ((task == CONFIG_RUN) != (rows[i].says == NULL))
            fail_msg("row %zu: expected \"%s\", got \"%s\"", i, rows[i].says ? rows[i].says : "", error);
        if (rows[i].says)
            assert_string_equal(error, rows[i].says);
    }
}

static void test_secret_in_a_file(void **state) {
    (void)state;
    char too_long[300];
    memset(too_long, 'x', sizeof too_long - 1);
    too_long[sizeof too_long - 1] = '\0';
    const struct {
        const char *text, *secret, *says; // one of the two
    } rows[] = {
        {"hush\n", "hush", NULL},
        {"hush", "hush", NULL},
        {"hush hush\r\n\n", "hush hush", NULL},
        {"", NULL, "is empty"},
        {"\n", NULL, "is empty"},
        {"one\ntwo\n", NULL, "is not one line of 1 to 255 bytes"},
        {too_long, NULL, "is not one line of 1 to 255 bytes"},
        {too_long + 44, too_long + 44, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        char error[CONFIG_ERROR_MAX], *path = file_write(rows[i].text);
        const char *const flags[] = {"--turn-secret-file", path, "--turn-urls", "turn:a", NULL};
        enum config_task task = load(&config, error, no_environment, flags);
        assert_int_equal(task, rows[i].secret ? CONFIG_RUN : CONFIG_REFUSED);
        if (rows[i].secret)
            assert_string_equal(config.ice_servers.turn_secret, rows[i].secret);
        else
            assert_says(error, rows[i].says);
        unlink(path);
        free(path);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_setting_from_each_source),
        cmocka_unit_test(test_a_switch_alone_means_yes),
        cmocka_unit_test(test_each_setting_has_a_row),
        cmocka_unit_test(test_refusals_name_their_source),
        cmocka_unit_test(test_values_arrive),
        cmocka_unit_test(test_short_flags),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_defaults_are_the_hubs),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_a_secret_in_the_file),
        cmocka_unit_test(test_outranked_values_are_checked),
        cmocka_unit_test(test_config_file_from_environment),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_foreign_variables_are_ignored),
        cmocka_unit_test(test_tasks),
        cmocka_unit_test(test_settings_that_contradict_each_other),
        cmocka_unit_test(test_secret_in_a_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
