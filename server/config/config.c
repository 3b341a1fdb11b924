#include "server/config/config.h"

#include "base/file_open.h"
#include "base/text_trim.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LINE_BYTES_MAX 1024
#define SETTINGS_LIMIT 96 // of the table, for the marks below

// Who set a setting last; a later one has the higher rank.
enum source { SOURCE_PRESET, SOURCE_FILE, SOURCE_ENVIRONMENT, SOURCE_FLAG };

struct loader {
    struct config *config;
    enum source set_by[SETTINGS_LIMIT]; // for each setting of the table
    const char *path;                   // of the config file; NULL for none
    enum config_task task;
    char *error; // CONFIG_ERROR_MAX bytes
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct loader *loader, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(loader->error, CONFIG_ERROR_MAX, format, args);
    va_end(args);
    return false;
}

static const struct setting *setting_find(const char *name) {
    size_t count;
    const struct setting *settings = config_settings(&count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(settings[i].name, name) == 0)
            return &settings[i];
    }
    return NULL;
}

// Edits (insert, delete, replace) between two short names; for "did you mean".
static size_t name_distance(const char *a, const char *b) {
    size_t row[64];
    size_t len = strlen(b);
    if (len >= sizeof row / sizeof row[0])
        return len;
    for (size_t j = 0; j <= len; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 1; j <= len; j++) {
            size_t best = diagonal + (a[i] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[len];
}

// The nearest of the names to one that is none of them; NULL: none is near enough to be meant.
static const char *nearest_of(const char *const *names, const char *name, size_t *nearest,
                              const char *guess) {
    for (; *names; names++) {
        size_t distance = name_distance(name, *names);
        if (distance < *nearest && distance < strlen(*names)) { // something of it is there
            *nearest = distance;
            guess = *names;
        }
    }
    return guess;
}

static bool refuse_unknown(struct loader *loader, const char *name, const char *where) {
    static const char *const others[] = {"config", "help", "version", "check-config", "check-health", NULL};
    size_t count, nearest = 4; // further away is no help
    const struct setting *settings = config_settings(&count);
    const char *guess = NULL;
    for (size_t i = 0; i < count; i++)
        guess = nearest_of((const char *const[]){settings[i].name, NULL}, name, &nearest, guess);
    guess = nearest_of(others, name, &nearest, guess);
    if (guess)
        return refuse(loader, "unknown setting \"%.80s\" (from %s); did you mean %s?", name, where, guess);
    return refuse(loader, "unknown setting \"%.80s\" (from %s); rotunda --help lists the settings", name,
                  where);
}

// A word where a flag should be: a command, perhaps, that is misspelt.
static bool refuse_word(struct loader *loader, const char *word, bool first) {
    static const char *const commands[] = {"admin", "doctor", "token", "password", NULL};
    size_t nearest = 3;
    const char *guess = first && word[0] != '-' ? nearest_of(commands, word, &nearest, NULL) : NULL;
    if (guess)
        return refuse(loader, "unknown command \"%.80s\"; did you mean rotunda %s?", word, guess);
    return refuse(loader, "\"%.200s\" is not a flag; rotunda --help lists them", word);
}

// Takes one value, unless a source of higher rank has already spoken; it is checked all the same.
static bool take(struct loader *loader, const char *name, const char *value, enum source source,
                 const char *where) {
    const struct setting *setting = setting_find(name);
    if (!setting)
        return refuse_unknown(loader, name, where);
    size_t count;
    enum source *set_by = &loader->set_by[setting - config_settings(&count)];
    struct config ignored = *loader->config;
    bool counts = source >= *set_by;
    if (!setting_assign(setting, counts ? loader->config : &ignored, value)) {
        char allowed[160];
        setting_describe(setting, allowed, sizeof allowed);
        if (setting->type == SETTING_SECRET) // is never shown
            return refuse(loader, "%s: what %s says is not allowed; it must be %s", name, where, allowed);
        return refuse(loader, "%s: \"%.200s\" (from %s) is not allowed; it must be %s", name, value, where,
                      allowed);
    }
    if (counts)
        *set_by = source;
    if (counts && source == SOURCE_FILE && setting->type == SETTING_SECRET)
        loader->config->file_has_secret = true;
    return true;
}

static void take_presets(struct loader *loader) {
    size_t count;
    const struct setting *settings = config_settings(&count);
    assert(count <= SETTINGS_LIMIT);
    for (size_t i = 0; i < count; i++) {
        bool fits =
            !settings[i].preset[0] || setting_assign(&settings[i], loader->config, settings[i].preset);
        assert(fits);
        (void)fits;
    }
}

// ---- flags

// Flags that are not settings. They say what to do, or where the file is.
static bool take_task(struct loader *loader, const char *name) {
    static const struct {
        const char *name;
        enum config_task task;
    } tasks[] = {{"help", CONFIG_HELP},
                 {"version", CONFIG_VERSION},
                 {"check-config", CONFIG_CHECK},
                 {"check-health", CONFIG_HEALTH}};
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
        if (strcmp(tasks[i].name, name) == 0) {
            if (loader->task < tasks[i].task)
                loader->task = tasks[i].task;
            return true;
        }
    }
    return false;
}

// Whether the flag is a switch without a value.
static bool switch_alone(const char *name, const char *next) {
    const struct setting *setting = setting_find(name);
    return setting && setting_is_switch(setting) && (!next || next[0] == '-');
}

static bool take_flags(struct loader *loader, int argc, char *const argv[]) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "-V") == 0) {
            take_task(loader, argv[i][1] == 'h' ? "help" : "version");
            continue;
        }
        if (strncmp(argv[i], "--", 2) != 0 || !argv[i][2])
            return refuse_word(loader, argv[i], i == 1);
        char name[64], where[80];
        size_t len = strcspn(argv[i] + 2, "=");
        snprintf(name, sizeof name, "%.*s", (int)(len < 63 ? len : 63), argv[i] + 2);
        snprintf(where, sizeof where, "--%s", name);
        const char *value = argv[i][2 + len] ? argv[i] + 3 + len : NULL;
        if (!value && take_task(loader, name))
            continue;
        if (!setting_find(name) && strcmp(name, "config") != 0)
            return refuse_unknown(loader, name, "the command line");
        if (!value && switch_alone(name, i + 1 < argc ? argv[i + 1] : NULL))
            value = "yes";
        if (!value && i + 1 == argc)
            return refuse(loader, "%s: a value is missing after --%s", name, name);
        if (!value)
            value = argv[++i];
        if (strcmp(name, "config") == 0)
            loader->path = value;
        else if (!take(loader, name, value, SOURCE_FLAG, where))
            return false;
    }
    return true;
}

// ---- environment

// Kubernetes gives every container variables named after services, ROTUNDA_PORT_8080_TCP and the like for a
// service "rotunda"; they are none of ours.
static bool variable_foreign(const char *name) {
    return strncmp(name, "ROTUNDA_SERVICE_", 16) == 0 || strcmp(name, "ROTUNDA_PORT") == 0 ||
           strncmp(name, "ROTUNDA_PORT_", 13) == 0;
}

static bool take_variable(struct loader *loader, const char *variable) {
    if (strncmp(variable, "ROTUNDA_", 8) != 0)
        return true;
    char where[80], name[64];
    size_t len = strcspn(variable, "=");
    snprintf(where, sizeof where, "%.*s", (int)(len < 79 ? len : 79), variable);
    const char *value = variable[len] ? variable + len + 1 : "";
    if (!value[0] || variable_foreign(where))
        return true;
    size_t n = 0;
    for (const char *c = where + 8; *c && n + 1 < sizeof name; c++)
        name[n++] = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    name[n] = '\0';
    char spelling[80];
    setting_variable(name, spelling, sizeof spelling);
    if (strcmp(spelling, where) != 0) // ROTUNDA_Listen
        return refuse_unknown(loader, name, where);
    if (strcmp(name, "config") == 0) {
        if (!loader->path)
            loader->path = value;
        return true;
    }
    return take(loader, name, value, SOURCE_ENVIRONMENT, where);
}

static bool take_environment(struct loader *loader, char *const environment[]) {
    for (size_t i = 0; environment[i]; i++) {
        if (!take_variable(loader, environment[i]))
            return false;
    }
    return true;
}

// ---- file

static char *trim(char *text) {
    while (isspace((unsigned char)*text))
        text++;
    size_t len = strlen(text);
    while (len && isspace((unsigned char)text[len - 1]))
        text[--len] = '\0';
    return text;
}

// Cuts off a comment behind a value: # after a blank. A secret may hold anything.
static char *value_of(const struct setting *setting, char *text) {
    for (char *c = text; setting->type != SETTING_SECRET && (c = strchr(c, '#')); c++) {
        if (c == text || isspace((unsigned char)c[-1])) {
            *c = '\0';
            break;
        }
    }
    return trim(text);
}

static bool take_line(struct loader *loader, char *line, unsigned number, unsigned seen_at[SETTINGS_LIMIT]) {
    char where[CONFIG_PATH_MAX + 32];
    snprintf(where, sizeof where, "%.*s line %u", CONFIG_PATH_MAX, loader->path, number);
    char *text = trim(number == 1 ? text_behind_mark(line) : line);
    if (!*text || *text == '#')
        return true;
    char *equals = strchr(text, '=');
    if (!equals)
        return refuse(loader, "\"%.200s\" (from %s) is not of the form key = value", text, where);
    *equals = '\0';
    char *name = trim(text);
    const struct setting *setting = setting_find(name);
    if (!setting)
        return refuse_unknown(loader, name, where);
    size_t count;
    unsigned *seen = &seen_at[setting - config_settings(&count)];
    if (*seen)
        return refuse(loader, "%s: given twice, in line %u and line %u of %.200s", name, *seen, number,
                      loader->path);
    *seen = number;
    return take(loader, name, value_of(setting, equals + 1), SOURCE_FILE, where);
}

static bool take_file(struct loader *loader) {
    if (!loader->path)
        return true;
    snprintf(loader->config->file, sizeof loader->config->file, "%s", loader->path);
    FILE *file = file_open(loader->path);
    if (!file)
        return refuse(loader, "config: \"%.200s\" cannot be read: %s", loader->path, file_open_reason(errno));
    char line[LINE_BYTES_MAX];
    unsigned seen_at[SETTINGS_LIMIT] = {0};
    unsigned number = 0;
    bool fine = true;
    while (fine && fgets(line, sizeof line, file)) {
        number++;
        if (strlen(line) + 1 == sizeof line && line[sizeof line - 2] != '\n')
            fine = refuse(loader, "config: line %u of %.200s is longer than %d bytes", number, loader->path,
                          LINE_BYTES_MAX - 2);
        else
            fine = take_line(loader, line, number, seen_at);
    }
    if (fine && ferror(file)) // a directory opens, but does not read
        fine = refuse(loader, "config: \"%.200s\" cannot be read: %s", loader->path, strerror(errno));
    fclose(file);
    return fine;
}

enum config_task config_load(struct config *config, int argc, char *const argv[], char *const environment[],
                             char *error) {
    *config = (struct config){0};
    struct loader loader = {.config = config, .error = error, .task = CONFIG_RUN};
    error[0] = '\0';
    take_presets(&loader);
    if (!take_flags(&loader, argc, argv))
        return CONFIG_REFUSED;
    if (loader.task == CONFIG_HELP || loader.task == CONFIG_VERSION)
        return loader.task;
    if (!take_environment(&loader, environment) || !take_file(&loader) || !config_agrees(config, error))
        return CONFIG_REFUSED;
    return loader.task;
}

unsigned config_worker_count(const struct config *config) {
    if (config->workers)
        return config->workers;
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0)
        return 1;
    int count = CPU_COUNT(&cores);
    return count < 1 ? 1 : count > WORKERS_MAX ? WORKERS_MAX : (unsigned)count;
}

uint32_t config_ice_sockets(const struct config *config) {
    if (config->ice == HUB_ICE_LITE)
        return 0;
    return CONFIG_ICE_SOCKETS_EACH * (config->ice_agents_max + CONFIG_ICE_AGENTS_CLOSING);
}

void config_print_help(FILE *out) {
    size_t count;
    const struct setting *settings = config_settings(&count);
    fprintf(
        out,
        "Rotunda " ROTUNDA_VERSION ": a media server for rooms of browsers.\n\n"
        "usage: rotunda [--SETTING VALUE]...                  the server\n"
        "       rotunda doctor [--json] [--SETTING VALUE]...  examines settings, machine and network, "
        "and calls\n"
        "                                                     itself; says what will not work, and how "
        "to fix it\n"
        "       rotunda admin COMMAND ...                     asks a running server: rooms, people, drain\n"
        "       rotunda token --room ROOM --name NAME ...     makes a token for a server with --keys\n"
        "       rotunda password                              makes the hash of a password for --rooms\n\n"
        "  --config FILE   settings as lines `name = value # comment`\n"
        "  --check-config  check the settings and exit\n"
        "  --check-health  ask the server that runs with these settings whether it serves, and exit\n"
        "  -V, --version   print the version, and those of the libraries\n"
        "  -h, --help      print this\n\n"
        "Each setting is also an environment variable (media-port: ROTUNDA_MEDIA_PORT) and a key of the\n"
        "config file. A flag wins over the environment, that over the file. Numbers may have a unit: "
        "BYTES K, M, G;\n"
        "BPS k, M, G; SECONDS s, m, h, d; US us, ms (8M, 30s, 1h).\n\n");
    for (size_t i = 0; i < count; i++) {
        const char *group = setting_group(&settings[i]);
        if (group)
            fprintf(out, "%s%s:\n", i > 0 ? "\n" : "", group);
        fprintf(out, "  --%s %s\n        %s", settings[i].name, settings[i].value, settings[i].help);
        if (settings[i].preset[0])
            fprintf(out, " [%s]", settings[i].preset);
        fprintf(out, "\n");
    }
}
