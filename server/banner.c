#include "server/banner.h"

#include "base/log.h"

#include <string.h>

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

static void print_url(FILE *out, const char *label, const char *host, uint16_t port) {
    bool v6 = strchr(host, ':') != NULL;
    fprintf(out, "  %-9s  http://%s%s%s:%u/\n", label, v6 ? "[" : "", host, v6 ? "]" : "", port);
}

static void print_places(FILE *out, const struct banner *banner) {
    bool any = strcmp(banner->listen_host, "0.0.0.0") == 0 || strcmp(banner->listen_host, "::") == 0;
    print_url(out, "open", any ? "127.0.0.1" : banner->listen_host, banner->http_port);
    for (size_t i = 0; any && i < banner->announce->count; i++) {
        const char *text = banner->announce->list[i].text;
        bool v6 = strchr(text, ':') != NULL;
        if (address_scope_of(text) > ADDRESS_LOOPBACK && (!v6 || strcmp(banner->listen_host, "::") == 0))
            print_url(out, "", text, banner->http_port);
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
    fprintf(out, "  %-9s  let in UDP port %u (media) and TCP port %u (page, signalling)\n", "firewall",
            banner->media_port, banner->http_port);
}

static void print_warnings(FILE *out, const struct banner *banner) {
    const struct reach *reach = banner->reach;
    if (reach->limited) {
        fprintf(out, "\n  warning    Media is announced at");
        print_addresses(out, banner->announce);
        fprintf(out, "%s.\n", reach->container ? ", inside a container" : "");
        fprintf(out, MARGIN "reaches  %s\n", reach->reaches);
        fprintf(out, MARGIN "mend it  %s\n", reach->mend);
        fprintf(out, MARGIN "         (%s)\n", reach->mend_meaning);
    }
    if (banner->web_root_missing)
        fprintf(out, "\n  warning    There is no web page in %s; --web-root DIR names another folder.\n",
                banner->web_root);
}

void banner_print(FILE *out, const struct banner *banner) {
    fprintf(out, "Rotunda " ROTUNDA_VERSION " is running.\n\n");
    print_places(out, banner);
    print_media(out, banner);
    fprintf(out,
            "  %-9s  Browsers give camera and microphone only to https:// pages and to this machine "
            "itself:\n" MARGIN "for others, put a proxy with a certificate in front of TCP port %u.\n",
            "note", banner->http_port);
    print_warnings(out, banner);
    fprintf(out, "\n");
    fflush(out);
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
    if (reach->limited)
        LOG_WARN("media reaches few", LOG_TEXT("announced", addresses), LOG_TEXT("reaches", reach->reaches),
                 LOG_TEXT("mend", reach->mend), LOG_TEXT("meaning", reach->mend_meaning));
    if (banner->web_root_missing)
        LOG_WARN("no web page", LOG_TEXT("folder", banner->web_root), LOG_TEXT("mend", "--web-root DIR"));
}
