#include "server/banner.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MARGIN "             "

static const char *const scopes[] = {
    [ADDRESS_UNUSABLE] = "link",
    [ADDRESS_LOOPBACK] = "this machine",
    [ADDRESS_PRIVATE] = "private network",
    [ADDRESS_PUBLIC] = "public",
};
static const char *const origins[] = {
    [ANNOUNCE_NAMED] = "announce",
    [ANNOUNCE_FOUND] = "interface",
    [ANNOUNCE_SEEN] = "stun",
};

static void print_url(FILE *out, const char *label, const char *host, const struct banner *banner) {
    bool v6 = strchr(host, ':') != NULL;
    fprintf(out, "  %-9s  %s://%s%s%s:%u/\n", label, banner->certificate ? "https" : "http", v6 ? "[" : "",
            host, v6 ? "]" : "", banner->http_port);
}

static void print_places(FILE *out, const struct banner *banner) {
    bool any = strcmp(banner->listen_host, "0.0.0.0") == 0 || strcmp(banner->listen_host, "::") == 0;
    // With a certificate, browsers want the name that is in it.
    if (banner->certificate && banner->certificate->name[0] && banner->certificate->name[0] != '*') {
        print_url(out, "open", banner->certificate->name, banner);
        return;
    }
    print_url(out, "open", any ? "127.0.0.1" : banner->listen_host, banner);
    for (size_t i = 0; any && i < banner->announce->count; i++) {
        const char *text = banner->announce->list[i].text;
        bool v6 = strchr(text, ':') != NULL;
        if (address_scope_of(text) > ADDRESS_LOOPBACK && (!v6 || strcmp(banner->listen_host, "::") == 0))
            print_url(out, "", text, banner);
    }
}

static void print_addresses(FILE *out, const struct announce *announce) {
    for (size_t i = 0; i < announce->count; i++)
        fprintf(out, "%s %s", i ? "," : "", announce->list[i].text);
}

static void print_media(FILE *out, const struct banner *banner) {
    fprintf(out, "  %-9s  UDP port %u of", "media", banner->media_port);
    print_addresses(out, banner->announce);
    fprintf(out, " (%u worker%s)\n", banner->workers, banner->workers == 1 ? "" : "s");
    fprintf(out, "  %-9s  let in %s port %u (media) and TCP port %u (page, signalling)\n", "firewall",
            banner->tcp ? "UDP and TCP" : "UDP", banner->media_port, banner->http_port);
}

static void print_certificate(FILE *out, const struct tls_facts *certificate) {
    time_t end = (time_t)certificate->not_after;
    struct tm parts;
    char date[32] = "?";
    if (gmtime_r(&end, &parts))
        strftime(date, sizeof date, "%Y-%m-%d", &parts);
    fprintf(out, "  %-9s  for %s, valid until %s; SIGHUP reads it again\n", "tls",
            certificate->name[0] ? certificate->name : "no name", date);
}

static void print_warnings(FILE *out, const struct banner *banner) {
    const struct reach *reach = banner->reach;
    if (reach->limited) {
        fprintf(out, "\n  warning    Media is announced at");
        print_addresses(out, banner->announce);
        fprintf(out, "%s.\n", reach->container ? ", inside a container" : "");
        fprintf(out, MARGIN "reaches  %s\n", reach->reaches);
        fprintf(out, MARGIN "fix it   %s\n", reach->fix);
        fprintf(out, MARGIN "         (%s)\n", reach->fix_meaning);
    }
    if (banner->stands_open)
        fprintf(out,
                "\n  warning    Everybody who finds this server may open rooms, join any and listen.\n" MARGIN
                "--keys FILE admits only people with a token; --open says that this is intended.\n");
    if (banner->dialects_beside_keys)
        fprintf(out,
                "\n  warning    %s: anyone who finds it can set up calls of their own there,\n" MARGIN
                "without a token of --keys. It gives no access to rooms of this server.\n",
                banner->dialects);
    if (banner->web_root_missing)
        fprintf(out,
                "\n  warning    There is no web page in %s, so / answers 404.\n" MARGIN
                "./run --build-only builds it; --web-root DIR names another folder.\n",
                banner->web_root);
}

void banner_print(FILE *out, const struct banner *banner) {
    fprintf(out, "Rotunda " ROTUNDA_VERSION " is running.\n\n");
    print_places(out, banner);
    print_media(out, banner);
    if (banner->certificate)
        print_certificate(out, banner->certificate);
    else
        fprintf(out,
                "  %-9s  Browsers allow camera and microphone only on https:// pages and on this machine "
                "itself:\n" MARGIN "for others, use --tls-cert and --tls-key, or a proxy with a certificate "
                "in front of TCP port %u.\n",
                "note", banner->http_port);
    if (banner->admin_host && banner->admin_host[0]) {
        bool v6 = strchr(banner->admin_host, ':') != NULL;
        fprintf(out, "  %-9s  http://%s%s%s:%u/metrics, for operators only\n", "admin", v6 ? "[" : "",
                banner->admin_host, v6 ? "]" : "", banner->admin_port);
    }
    if (banner->dialects && banner->dialects[0])
        fprintf(out, "  %-9s  %s\n", "dialects", banner->dialects);
    print_warnings(out, banner);
    fprintf(out, "\n");
    fflush(out);
}

void banner_say(const struct banner *banner) {
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (!out)
        return;
    banner_print(out, banner);
    if (fclose(out) == 0)
        log_say(STDOUT_FILENO, text, len);
    free(text);
}

void banner_log(const struct banner *banner) {
    char addresses[LOG_VALUE_MAX] = "";
    const struct reach *reach = banner->reach;
    for (size_t i = 0; i < banner->announce->count; i++) {
        const struct announced *one = &banner->announce->list[i];
        LOG_INFO("media announced", LOG_TEXT("address", one->text), LOG_NUMBER("port", banner->media_port),
                 LOG_TEXT("scope", scopes[address_scope_of(one->text)]),
                 LOG_TEXT("source", origins[one->origin]));
        size_t len = strlen(addresses);
        snprintf(addresses + len, sizeof addresses - len, "%s%s", i ? "," : "", one->text);
    }
    if (banner->admin_host && banner->admin_host[0])
        LOG_INFO("admin port open", LOG_TEXT("address", banner->admin_host),
                 LOG_NUMBER("port", banner->admin_port));
    if (reach->limited)
        LOG_WARN("media reaches few", LOG_TEXT("announced", addresses), LOG_TEXT("reaches", reach->reaches),
                 LOG_TEXT("fix", reach->fix), LOG_TEXT("meaning", reach->fix_meaning));
    if (banner->stands_open)
        LOG_WARN("open to everybody", LOG_TEXT("fix", "--keys FILE, or --open if this is intended"));
    if (banner->dialects && banner->dialects[0])
        LOG_INFO("dialects served", LOG_TEXT("where", banner->dialects));
    if (banner->dialects_beside_keys)
        LOG_WARN("dialects ask for no token", LOG_TEXT("where", banner->dialects),
                 LOG_TEXT("meaning", "whoever finds them sets up calls of their own there; no room opens"));
    if (banner->web_root_missing)
        LOG_WARN("no web page", LOG_TEXT("folder", banner->web_root), LOG_TEXT("fix", "--web-root DIR"));
}
