// The part of server/doctor/doctor_checks.h about certificates and secrets.
#include "server/doctor/doctor_checks.h"

#include <inttypes.h>
#include <time.h>

// ---- TLS

#define DAY_S 86400
#define EXPIRES_SOON_DAYS 14 // certbot renews 30 days before

static void day_print(int64_t seconds, char out[16]) {
    time_t time = (time_t)seconds;
    struct tm date;
    if (!gmtime_r(&time, &date) || strftime(out, 16, "%Y-%m-%d", &date) == 0)
        snprintf(out, 16, "?");
}

static void check_chain(struct finding *out, const char *path, const struct chain_facts *chain) {
    static const char check[] = "certificate";
    switch (chain->state) {
    case CHAIN_TRUSTED:
        finding_set(out, check, path, FINDING_OK, "leads to an authority that this machine knows");
        return;
    case CHAIN_SELF_SIGNED:
        finding_set(out, check, path, FINDING_WARN, "signed by itself: browsers warn of it");
        finding_fix(out, "a certificate of an authority, such as Let's Encrypt");
        return;
    case CHAIN_BROKEN:
        finding_set(
            out, check, path, FINDING_WARN,
            "the certificate of \"%s\", which signed the last of the %u in the file, is not in it and not "
            "known here: browsers may refuse it",
            chain->issuer, chain->count);
        finding_fix(out, "the file with the whole chain (fullchain.pem)");
        return;
    case CHAIN_PRIVATE:
        finding_set(out, check, path, FINDING_WARN,
                    "of the private authority \"%s\": only who trusts that gets in", chain->issuer);
        finding_fix(out, "nothing, if all clients trust it; else a public authority's");
        return;
    case CHAIN_NO_ROOTS:
        finding_set(out, check, path, FINDING_SKIP,
                    "there is no list of authorities here to compare its chain with");
        return;
    case CHAIN_BAD:
    case CHAIN_UNREADABLE:
        finding_set(out, check, path, FINDING_FAIL, "browsers will refuse it: %s", chain->problem);
        finding_fix(out, "ask the authority for a new one, for servers");
        return;
    }
}

unsigned check_certificate(struct finding out[2], const struct certificate_facts *f, int64_t now) {
    static const char check[] = "certificate";
    char from[16], to[16];
    if (f->error[0]) {
        finding_set(out, check, f->path, FINDING_FAIL, "%s", f->error);
        finding_fix(out, "--tls-cert and --tls-key, a certificate in PEM and the key that belongs to it");
        return 1;
    }
    day_print(f->not_before, from);
    day_print(f->not_after, to);
    int64_t days = (f->not_after - now) / DAY_S;
    if (now < f->not_before) {
        finding_set(out, check, f->path, FINDING_FAIL, "of %s; it is not valid before %s", f->name, from);
        finding_fix(out, "is the clock right? else wait, or use the certificate before this one");
    } else if (now > f->not_after) {
        finding_set(out, check, f->path, FINDING_FAIL, "of %s; it expired on %s", f->name, to);
        finding_fix(out, "renew it, then send the server SIGHUP");
    } else if (days < EXPIRES_SOON_DAYS) {
        finding_set(out, check, f->path, FINDING_WARN, "of %s; it expires on %s, in %" PRId64 " days",
                    f->name, to, days);
        finding_fix(out, "renew it, then send the server SIGHUP; let a timer do that");
    } else {
        finding_set(out, check, f->path, FINDING_OK, "of %s, until %s", f->name, to);
    }
    check_chain(&out[1], f->path, &f->chain);
    return 2;
}

// ---- TURN

static void turn_worked(struct finding *out, const char *url, const struct turn_outcome *outcome) {
    char relayed[ANNOUNCE_TEXT_MAX];
    address_text(&outcome->relayed, relayed);
    if (address_scope_of(relayed) == ADDRESS_PUBLIC) {
        finding_set(out, "turn", url, FINDING_OK, "the secret is right; it relays from %s", relayed);
        return;
    }
    finding_set(out, "turn", url, FINDING_WARN,
                "the secret is right, but it relays from %s, which the internet cannot reach", relayed);
    finding_fix(out,
                "fine where the media port is reachable from there; else external-ip in turnserver.conf");
}

void check_turn(struct finding *out, const char *url, const struct turn_outcome *outcome) {
    const char *why = outcome->why;
    switch (outcome->result) {
    case TURN_WORKS:
        turn_worked(out, url, outcome);
        return;
    case TURN_UNRESOLVED:
        finding_set(out, "turn", url, FINDING_FAIL, "%s", why[0] ? why : "its name has no address");
        finding_fix(out, "the name in --turn-urls, or the name servers of this machine");
        return;
    case TURN_SILENT:
        finding_set(out, "turn", url, FINDING_FAIL, "no answer within %d s", TURN_ANSWER_MS_MAX / 1000);
        finding_fix(out, "does it run? let its port in there, and out here");
        return;
    case TURN_REFUSED:
        finding_set(out, "turn", url, FINDING_FAIL, "nobody listens there%s%s", why[0] ? ": " : "", why);
        finding_fix(out, "start the TURN server, or correct --turn-urls");
        return;
    case TURN_DENIED:
        finding_set(out, "turn", url, FINDING_FAIL,
                    "it refuses credentials made from the secret (realm \"%s\")", outcome->realm);
        finding_fix(
            out,
            "the same secret in --turn-secret and static-auth-secret of turnserver.conf (use-auth-secret), "
            "and the same time on both machines");
        return;
    case TURN_ERROR:
        finding_set(out, "turn", url, FINDING_FAIL, "it answers with error %d", outcome->code);
        finding_fix(out, "look into its log%s",
                    outcome->code == 401 ? "; does it have use-auth-secret?" : "");
        return;
    case TURN_ODD:
        finding_set(out, "turn", url, FINDING_FAIL,
                    "what answers there is no TURN server, or signs with another secret");
        finding_fix(out, "correct --turn-urls");
        return;
    }
}
