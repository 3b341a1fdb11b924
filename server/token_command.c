#include "server/token_command.h"

#include "base/clock.h"
#include "server/access/token.h"
#include "server/config/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATUS_REFUSED 2
#define TTL_MAX_S (10 * 366 * 86400U)
#define ERROR_MAX 1024

struct request {
    const char *keys;
    const char *ttl;
    struct token_wish wish;
};

// As times are written in settings.
static const struct setting ttl_setting = {
    .type = SETTING_NUMBER, .value = "SECONDS", .min = 1, .max = TTL_MAX_S};

static const char usage[] =
    "usage: rotunda token --room ROOM --name NAME [--identity ID] [--ttl TIME] [--keys FILE]\n"
    "                     [--moderator] [--record] [--no-publish] [--no-subscribe] [--no-data]\n"
    "       rotunda token --operator [--ttl TIME] [--keys FILE]\n\n"
    "Prints a token with which one person may join one room of a server that runs with the same --keys.\n\n"
    "  --room ROOM      the room\n"
    "  --name NAME      the person's name; by default they choose one\n"
    "  --identity ID    their identity: on a second device it takes the first one's place [NAME]\n"
    "  --ttl TIME       how long the token is valid: 90s, 30m, 6h, 2d [6h]\n"
    "  --keys FILE      a file with a line `id: secret`, whose first is used [ROTUNDA_KEYS]\n"
    "  --moderator      may remove and mute others, lock and close the room\n"
    "  --record         may have the room recorded\n"
    "  --operator       not to join, but to manage the server and its rooms from outside\n"
    "  --no-publish     may send neither video nor audio\n"
    "  --no-subscribe   may not receive what others send\n"
    "  --no-data        may not chat, call or signal to others\n";

static int refuse(const char *what, const char *more) {
    fprintf(stderr, "rotunda token: %s%s\n", what, more);
    return STATUS_REFUSED;
}

// Whether the argument is this flag with a value, which then is *value; *i moves on.
static bool take(const char *flag, int argc, char *const argv[], int *i, const char **value) {
    size_t len = strlen(flag);
    if (strncmp(argv[*i], flag, len) != 0 || (argv[*i][len] && argv[*i][len] != '='))
        return false;
    if (argv[*i][len])
        *value = argv[*i] + len + 1;
    else if (*i + 1 < argc)
        *value = argv[++*i];
    else
        *value = "";
    return true;
}

static bool read_flags(struct request *r, int argc, char *const argv[]) {
    for (int i = 1; i < argc; i++) {
        if (take("--room", argc, argv, &i, &r->wish.room) || take("--name", argc, argv, &i, &r->wish.name) ||
            take("--identity", argc, argv, &i, &r->wish.identity) || take("--ttl", argc, argv, &i, &r->ttl) ||
            take("--keys", argc, argv, &i, &r->keys))
            continue;
        if (strcmp(argv[i], "--no-publish") == 0)
            r->wish.publish = false;
        else if (strcmp(argv[i], "--no-subscribe") == 0)
            r->wish.subscribe = false;
        else if (strcmp(argv[i], "--no-data") == 0)
            r->wish.data = false;
        else if (strcmp(argv[i], "--moderator") == 0)
            r->wish.admin = true;
        else if (strcmp(argv[i], "--record") == 0)
            r->wish.record = true;
        else if (strcmp(argv[i], "--operator") == 0)
            r->wish.operator_ = true;
        else
            return refuse(argv[i], " is no flag of it; rotunda token --help lists them") == 0;
    }
    return true;
}

static int mint(struct request *r) {
    struct keys keys;
    char error[ERROR_MAX], why[TOKEN_WHY_MAX];
    if (!keys_load(&keys, r->keys, error, sizeof error))
        return refuse(error, "");
    char *token = token_mint(&keys, &r->wish, clock_wall_us() / US_PER_SECOND, why);
    keys_free(&keys);
    if (!token)
        return refuse(why, "");
    int status = puts(token) < 0 || fflush(stdout) != 0 ? refuse("the token could not be printed", "") : 0;
    free(token);
    return status;
}

int token_command_main(int argc, char *const argv[]) {
    const char *keys = getenv("ROTUNDA_KEYS");
    struct request r = {
        .keys = keys ? keys : "", .ttl = "6h", .wish = {.publish = true, .subscribe = true, .data = true}};
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return fputs(usage, stdout) < 0;
    if (!read_flags(&r, argc, argv))
        return STATUS_REFUSED;
    if (!r.wish.identity)
        r.wish.identity = r.wish.name;
    if (!r.wish.operator_ && (!r.wish.room || !r.wish.room[0]))
        return refuse("--room is missing: the room that the token is for", "");
    if (!r.wish.operator_ && (!r.wish.identity || !r.wish.identity[0]))
        return refuse("--name or --identity is missing: who the token is for", "");
    if (!r.keys[0])
        return refuse("--keys is missing: the same file as the server's", "");
    if (!number_parse(&ttl_setting, r.ttl, &r.wish.ttl_s))
        return refuse("--ttl must be a time of 1s to 3660d, as 90s, 30m, 6h or 2d", "");
    return mint(&r);
}
