#include "server/banner.h"

#include <string.h>

#define MARGIN "             "

static void print_url(FILE *out, const char *label, const char *host, uint16_t port) {
    bool v6 = strchr(host, ':') != NULL;
    fprintf(out, "  %-9s  http://%s%s%s:%u/\n", label, v6 ? "[" : "", host, v6 ? "]" : "", port);
}

static void print_places(FILE *out, const struct banner *banner) {
    bool any = strcmp(banner->listen_host, "0.0.0.0") == 0 || strcmp(banner->listen_host, "::") == 0;
    print_url(out, "open", any ? "127.0.0.1" : banner->listen_host, banner->http_port);
    for (size_t i = 0; any && i < banner->announce_count; i++) {
        bool v6 = strchr(banner->announce[i], ':') != NULL;
        if (address_scope_of(banner->announce[i]) > ADDRESS_LOOPBACK &&
            (!v6 || strcmp(banner->listen_host, "::") == 0))
            print_url(out, "", banner->announce[i], banner->http_port);
    }
}

static void print_media(FILE *out, const struct banner *banner) {
    fprintf(out, "  %-9s  UDP port %u of", "media", banner->media_port);
    for (size_t i = 0; i < banner->announce_count; i++)
        fprintf(out, "%s %s", i ? "," : "", banner->announce[i]);
    fprintf(out, " (%u worker%s)\n", banner->workers, banner->workers == 1 ? "" : "s");
    fprintf(out, "  %-9s  let in UDP port %u (media) and TCP port %u (page, signalling)\n", "firewall",
            banner->media_port, banner->http_port);
}

static void print_warnings(FILE *out, const struct banner *banner) {
    enum address_scope widest = ADDRESS_UNUSABLE;
    for (size_t i = 0; i < banner->announce_count; i++) {
        enum address_scope scope = address_scope_of(banner->announce[i]);
        widest = scope > widest ? scope : widest;
    }
    if (widest == ADDRESS_PRIVATE)
        fprintf(out, "\n  warning    Media is announced on private addresses only: people on this network "
                     "can take\n" MARGIN "part, others cannot. For them, start with --announce PUBLIC_IP.\n");
    if (widest < ADDRESS_PRIVATE)
        fprintf(out,
                "\n  warning    Media is announced on this machine's own address only: nobody else can take "
                "part.\n" MARGIN "For others, start with --listen 0.0.0.0:%u --announce IP.\n",
                banner->http_port);
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
