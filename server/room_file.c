#include "server/room_file.h"

#include "base/file_open.h"
#include "base/list.h"
#include "base/text_trim.h"
#include "rooms/name.h"
#include "rooms/room.h"
#include "server/access/password.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEOPLE_MAX 10000 // as participants-max

struct moderator {
    struct list link;                   // in section->moderators
    char folded[NAME_FOLDED_BYTES_MAX]; // as names are compared here
    char hash[PASSWORD_HASH_BYTES_MAX + 1];
};

struct room_section {
    struct list link; // in file->sections
    char name[ROOM_NAME_BYTES_MAX + 1];
    bool pattern;
    unsigned line, given; // where it begins; bits of what it has said
    struct room_rules rules;
    char hash[PASSWORD_HASH_BYTES_MAX + 1]; // "": nobody has to show a password
    struct list moderators;
    unsigned moderator_count;
};

struct room_file {
    struct list sections;
    unsigned count;
    bool whole; // it ends with the end of a line
};

struct reader {
    struct room_file *file;
    struct room_section *section; // NULL before the first
    unsigned line;
    char *why;
};

__attribute__((format(printf, 2, 3))) static bool refuse(struct reader *r, const char *format, ...) {
    int len = r->line ? snprintf(r->why, ROOM_FILE_WHY_MAX, "line %u: ", r->line) : 0;
    va_list args;
    va_start(args, format);
    vsnprintf(r->why + len, ROOM_FILE_WHY_MAX - (size_t)len, format, args);
    va_end(args);
    return false;
}

static bool refuse_memory(struct reader *r) {
    r->line = 0;
    return refuse(r, "needs more memory than there is");
}

// ---- names

static bool read_name(struct reader *r, const char *what, const char *text, size_t chars_max, char *out) {
    uint32_t refused;
    enum err e = name_normalise(text, chars_max, out, &refused);
    if (e == ERR_NO_MEMORY)
        return refuse_memory(r);
    return e == ERR_OK || refuse(r, "%s must have 1 to %zu characters that show", what, chars_max);
}

static bool fits(const char *pattern, const char *name) {
    const char *star = NULL, *again = NULL; // the last star, and where what it stands for may go on
    while (*name) {
        if (*pattern == '*') {
            star = pattern++;
            again = name;
        } else if (*pattern == *name) {
            pattern++;
            name++;
        } else if (star) {
            pattern = star + 1;
            name = ++again;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

const struct room_section *room_file_find(const struct room_file *file, const char *room) {
    const struct room_section *found = NULL;
    LIST_EACH(node, &file->sections) {
        const struct room_section *section = LIST_ENTRY(node, struct room_section, link);
        if (!section->pattern && strcmp(section->name, room) == 0)
            return section;
        if (!found && section->pattern && fits(section->name, room))
            found = section;
    }
    return found;
}

// ---- what a section says

static bool read_yes(struct reader *r, const char *key, const char *text, bool *out) {
    *out = strcmp(text, "yes") == 0;
    return *out || strcmp(text, "no") == 0 || refuse(r, "`%s` must be yes or no", key);
}

static bool read_hash(struct reader *r, const char *key, const char *text, char *out) {
    if (!password_hash_valid(text)) // what it is may be a password: no word of it
        return refuse(
            r,
            "`%s` must have the hash of a password, by yescrypt, scrypt or bcrypt, not the password; "
            "`rotunda password` makes one",
            key);
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool take_open(struct reader *r, char *value) {
    bool open;
    if (!read_yes(r, "open", value, &open))
        return false;
    r->section->rules.closed = !open;
    return true;
}

static bool take_lobby(struct reader *r, char *value) {
    return read_yes(r, "lobby", value, &r->section->rules.lobby);
}

static bool take_e2ee(struct reader *r, char *value) {
    r->section->rules.sealed = strcmp(value, "required") == 0;
    return r->section->rules.sealed || strcmp(value, "optional") == 0 ||
           refuse(r, "`e2ee` must be required or optional");
}

static bool take_record(struct reader *r, char *value) {
    static const struct {
        const char *word;
        enum record_rule rule;
    } rows[] = {{"yes", RECORD_BY_ANYBODY}, {"moderators", RECORD_BY_MODERATORS}, {"no", RECORD_BY_NOBODY}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        r->section->rules.record = rows[i].rule;
        if (strcmp(rows[i].word, value) == 0)
            return true;
    }
    return refuse(r, "`record` must be yes, moderators or no");
}

static bool take_people(struct reader *r, char *value) {
    char *end;
    size_t digits = strspn(value, "0123456789");
    unsigned long number = strtoul(value, &end, 10);
    if (digits == 0 || digits > 5 || *end || number == 0 || number > PEOPLE_MAX)
        return refuse(r, "`people` must be a number from 1 to %d", PEOPLE_MAX);
    r->section->rules.people_max = (uint32_t)number;
    return true;
}

static bool take_password(struct reader *r, char *value) {
    return read_hash(r, "password", value, r->section->hash);
}

static bool add_moderator(struct reader *r, const char *name, const char *hash) {
    struct room_section *section = r->section;
    struct moderator *moderator = calloc(1, sizeof *moderator);
    if (!moderator)
        return refuse_memory(r);
    char normal[USERNAME_BYTES_MAX + 1];
    bool fine = read_name(r, "the moderator's name", name, USERNAME_CHARS_MAX, normal) &&
                (name_fold(normal, moderator->folded) == ERR_OK || refuse_memory(r)) &&
                read_hash(r, "moderator", hash, moderator->hash);
    LIST_EACH(node, &section->moderators) {
        if (fine && strcmp(LIST_ENTRY(node, struct moderator, link)->folded, moderator->folded) == 0)
            fine = refuse(r, "the moderator \"%s\" is named twice", normal);
    }
    if (!fine) {
        free(moderator);
        return false;
    }
    list_push_back(&section->moderators, &moderator->link);
    section->moderator_count++;
    return true;
}

static bool take_moderator(struct reader *r, char *value) {
    char *colon = strrchr(value, ':');
    if (!colon || colon == value)
        return refuse(r, "`moderator` must be NAME: HASH");
    if (r->section->moderator_count == ROOM_MODERATORS_MAX)
        return refuse(r, "a section may have %d moderators", ROOM_MODERATORS_MAX);
    *colon = '\0';
    return add_moderator(r, text_trim(value), text_trim(colon + 1));
}

static bool read_setting(struct reader *r, const char *key, char *value) {
    static const struct {
        const char *key;
        bool (*take)(struct reader *r, char *value);
        bool once;
    } rows[] = {{"open", take_open, true},
                {"password", take_password, true},
                {"moderator", take_moderator, false},
                {"people", take_people, true},
                {"lobby", take_lobby, true},
                {"e2ee", take_e2ee, true},
                {"record", take_record, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (strcmp(rows[i].key, key) != 0)
            continue;
        if (rows[i].once && (r->section->given & 1U << i))
            return refuse(r, "`%s` is given twice in this section", key);
        r->section->given |= 1U << i;
        return rows[i].take(r, value);
    }
    return refuse(
        r,
        "`%.40s` is no setting of a room; open, password, moderator, people, lobby, e2ee and record "
        "are",
        key);
}

// ---- lines

// Cuts off what # begins behind a blank; in a section's line behind its end, since a room may be called "a
// #1".
static void cut_comment(char *line) {
    bool open = line[0] == '[';
    for (char *at = line + 1; *at; at++) {
        bool blank = at[-1] == ' ' || at[-1] == '\t';
        if (open) {
            open = *at != ']' || at[1 + strspn(at + 1, " \t")] != '#';
        } else if (blank && *at == '#') {
            *at = '\0';
            return;
        }
    }
}

// What is encrypted from end to end cannot be recorded here.
static bool section_agrees(struct reader *r) {
    const struct room_section *section = r->section;
    if (!section || !section->rules.sealed || section->rules.record == RECORD_BY_TOKEN ||
        section->rules.record == RECORD_BY_NOBODY)
        return true;
    r->line = section->line;
    return refuse(r, "[%.200s] has `e2ee = required`, so nothing can be recorded there; leave `record` out",
                  section->name);
}

static bool open_section(struct reader *r, char *line) {
    char *end = strrchr(line, ']');
    if (!section_agrees(r))
        return false;
    if (!end || end[1])
        return refuse(r, "a section must be [ROOM], with nothing behind it");
    *end = '\0';
    if (r->file->count == ROOM_SECTIONS_MAX)
        return refuse(r, "there may be %d sections", ROOM_SECTIONS_MAX);
    struct room_section *section = calloc(1, sizeof *section);
    if (!section)
        return refuse_memory(r);
    list_init(&section->moderators);
    section->line = r->line;
    list_push_back(&r->file->sections, &section->link);
    r->file->count++;
    r->section = section;
    if (!read_name(r, "the room's name", line + 1, ROOM_NAME_CHARS_MAX, section->name))
        return false;
    section->pattern = strchr(section->name, '*') != NULL;
    LIST_EACH(node, &r->file->sections) {
        const struct room_section *other = LIST_ENTRY(node, struct room_section, link);
        if (other != section && strcmp(other->name, section->name) == 0)
            return refuse(r, "[%.200s] has a section in line %u already", section->name, other->line);
    }
    return true;
}

static bool read_line(struct reader *r, char *line) {
    line = text_trim(line);
    if (!line[0] || line[0] == '#')
        return true;
    cut_comment(line);
    line = text_trim(line);
    if (line[0] == '[')
        return open_section(r, line);
    char *equals = strchr(line, '=');
    if (!equals)
        return refuse(r, "must be [ROOM], `setting = value`, or begin with #");
    if (!r->section)
        return refuse(r, "a setting must stand below the [ROOM] that it is for");
    *equals = '\0';
    return read_setting(r, text_trim(line), text_trim(equals + 1));
}

static bool read_lines(struct reader *r, char *text) {
    for (char *line = text, *next; line; line = next) {
        r->line++;
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (!read_line(r, line))
            return false;
    }
    return section_agrees(r);
}

// ---- the file

void room_file_free(struct room_file *file) {
    if (!file)
        return;
    LIST_EACH(node, &file->sections) {
        struct room_section *section = LIST_ENTRY(node, struct room_section, link);
        LIST_EACH(m, &section->moderators) {
            struct moderator *moderator = LIST_ENTRY(m, struct moderator, link);
            explicit_bzero(moderator, sizeof *moderator);
            free(moderator);
        }
        explicit_bzero(section, sizeof *section);
        free(section);
    }
    free(file);
}

struct room_file *room_file_parse(const char *text, size_t len, char *why) {
    struct reader r = {.why = why};
    r.file = calloc(1, sizeof *r.file);
    char *copy = malloc(len + 1); // lines are taken apart in place
    bool fine = r.file && copy;
    if (r.file)
        list_init(&r.file->sections);
    if (!fine) {
        refuse_memory(&r);
    } else if (memchr(text, '\0', len)) {
        fine = refuse(&r, "is no text");
    } else {
        memcpy(copy, text, len);
        copy[len] = '\0';
        fine = read_lines(&r, text_behind_mark(copy));
        explicit_bzero(copy, len);
    }
    free(copy);
    if (fine) {
        r.file->whole = len > 0 && text[len - 1] == '\n';
        return r.file;
    }
    room_file_free(r.file);
    return NULL;
}

struct room_file *room_file_load(const char *path, char *error, size_t cap) {
    char why[ROOM_FILE_WHY_MAX];
    struct room_file *read = NULL;
    FILE *file = file_open(path);
    char *text = file ? malloc(ROOM_FILE_BYTES_MAX + 1) : NULL;
    if (!text) {
        snprintf(error, cap, "rooms: \"%s\" cannot be read: %s", path, file_open_reason(errno));
        if (file)
            fclose(file);
        return NULL;
    }
    size_t len = fread(text, 1, ROOM_FILE_BYTES_MAX + 1, file);
    if (ferror(file))
        snprintf(why, sizeof why, "cannot be read: %s", strerror(errno));
    else if (len > ROOM_FILE_BYTES_MAX)
        snprintf(why, sizeof why, "is longer than %d bytes", ROOM_FILE_BYTES_MAX);
    else
        read = room_file_parse(text, len, why);
    fclose(file);
    explicit_bzero(text, len);
    free(text);
    if (!read)
        snprintf(error, cap, "rooms: \"%s\" %s", path, why);
    return read;
}

bool room_file_is_whole(const struct room_file *file) {
    return file->whole;
}

unsigned room_file_count(const struct room_file *file) {
    return file->count;
}

const struct room_rules *room_section_rules(const struct room_section *section) {
    return &section->rules;
}

const char *room_section_hash(const struct room_section *section, const char *username, bool *moderator) {
    char folded[NAME_FOLDED_BYTES_MAX];
    bool known = name_fold(username, folded) == ERR_OK;
    *moderator = false;
    LIST_EACH(node, &section->moderators) {
        const struct moderator *one = LIST_ENTRY(node, struct moderator, link);
        if (known && strcmp(one->folded, folded) != 0)
            continue;
        *moderator = known; // without memory nobody comes in by a name that may be a moderator's
        return one->hash;
    }
    return section->hash[0] ? section->hash : NULL;
}
