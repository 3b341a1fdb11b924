#include "server/checks.h"

#include "base/clock.h"
#include "server/descriptors.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define CLOCK_SLACK_US (48 * 3600 * US_PER_SECOND) // the building machine's clock may be ahead
#define CLOCK_AGE_US (30 * UINT64_C(31557600) * US_PER_SECOND)
#define BUFFER_SMALL_PERCENT 90 // less than this share of what is wanted is worth a word

void check_file_limit(struct finding *out, const struct config *config, uint64_t files_allowed) {
    struct descriptor_needs needs;
    char beside[128] = "";
    int len = 0;
    descriptors_need(config, files_allowed, &needs);
    if (needs.tcp)
        len = snprintf(beside, sizeof beside, " with tcp-connections-max %" PRIu32, needs.tcp);
    if (needs.agents)
        snprintf(beside + len, sizeof beside - (size_t)len, "%s%" PRIu32 " sockets of ice-agents-max",
                 len ? " and " : " with ", needs.agents);
    if (files_allowed >= descriptors_sum(&needs)) {
        finding_set(out, "file-limit", "", FINDING_OK,
                    "connections-max %" PRIu32 "%s fits the limit of open files", needs.connections, beside);
        return;
    }
    // Below the spare part the workers themselves do not start.
    enum finding_level level = files_allowed < DESCRIPTORS_SPARE / 4 ? FINDING_FAIL : FINDING_WARN;
    uint64_t spare = descriptors_sum(&needs) - needs.connections, enough = descriptors_enough(&needs);
    uint64_t left = files_allowed > spare ? files_allowed - spare : files_allowed / 2;
    finding_set(out, "file-limit", "", level,
                "%" PRIu64 " open files are allowed and connections-max %" PRIu32 "%s needs %" PRIu64,
                files_allowed, needs.connections, beside, enough);
    finding_fix(out,
                "`ulimit -Hn %" PRIu64 "`, LimitNOFILE=%" PRIu64 " of systemd, or --connections-max %" PRIu64,
                enough, enough, left ? left : 1);
}

void check_buffer(struct finding *out, const char *setting, const char *sysctl,
                  const struct machine_buffer *buffer) {
    if (buffer->granted_bytes == 0) {
        finding_set(out, "socket-buffers", setting, FINDING_SKIP, "no UDP socket could be opened");
        return;
    }
    int64_t percent = (int64_t)buffer->granted_bytes * 100 / buffer->wanted_bytes;
    if (percent >= BUFFER_SMALL_PERCENT) {
        finding_set(out, "socket-buffers", setting, FINDING_OK, "%d bytes, as wanted", buffer->granted_bytes);
        return;
    }
    finding_set(out, "socket-buffers", setting, FINDING_WARN,
                "the kernel grants %d of the %d bytes wanted: under load packets get lost",
                buffer->granted_bytes, buffer->wanted_bytes);
    finding_fix(out, "`sysctl -w %s=%d` on the host, or --%s %d", sysctl, buffer->wanted_bytes, setting,
                buffer->granted_bytes < 65536 ? 65536 : buffer->granted_bytes);
}

void check_gso(struct finding *out, enum machine_gso gso) {
    switch (gso) {
    case GSO_WORKS:
        finding_set(out, "udp-gso", "", FINDING_OK, "the kernel segments UDP (UDP_SEGMENT)");
        return;
    case GSO_MISSING:
        finding_set(out, "udp-gso", "", FINDING_WARN,
                    "the kernel does not segment UDP: sending costs two to ten times the CPU time");
        finding_fix(out, "Linux 4.18 or newer");
        return;
    case GSO_MANGLES:
        finding_set(out, "udp-gso", "", FINDING_WARN,
                    "the kernel takes UDP_SEGMENT, but what arrives on loopback is not what was sent");
        finding_fix(out, "another kernel; the server sends packet by packet where segmentation is refused");
        return;
    case GSO_UNTESTED:
        finding_set(out, "udp-gso", "", FINDING_SKIP, "no UDP socket on 127.0.0.1 to try it with");
        return;
    }
}

static void date_print(uint64_t wall_us, char out[32]) {
    time_t seconds = (time_t)(wall_us / US_PER_SECOND);
    struct tm date;
    if (!gmtime_r(&seconds, &date) || strftime(out, 32, "%Y-%m-%d %H:%M UTC", &date) == 0)
        snprintf(out, 32, "%" PRIu64 " s", wall_us / US_PER_SECOND);
}

void check_clock(struct finding *out, uint64_t wall_us, uint64_t built_us, bool synchronised) {
    char now[32], built[32];
    date_print(wall_us, now);
    date_print(built_us, built);
    bool early = built_us && wall_us + CLOCK_SLACK_US < built_us;
    bool late = built_us && wall_us > built_us + CLOCK_AGE_US;
    if (early || late) {
        finding_set(out, "clock", "", FINDING_FAIL,
                    "the clock says %s, %s this program was built (%s): certificates and TURN credentials "
                    "will not work",
                    now, early ? "which is before" : "decades after", built);
        finding_fix(out, "set the clock and keep it synchronised: `timedatectl set-ntp true`, on the host");
        return;
    }
    finding_set(out, "clock", "", FINDING_OK, "%s%s", now,
                synchronised ? "" : " (not synchronised by NTP, as far as the kernel knows)");
}

// ---- libraries

int version_compare(const char *a, const char *b) {
    while (*a || *b) {
        char *a_end, *b_end;
        unsigned long x = strtoul(a, &a_end, 10), y = strtoul(b, &b_end, 10);
        if (x != y)
            return x < y ? -1 : 1;
        if (a_end == a && b_end == b)
            return 0; // no number any more
        a = *a_end == '.' ? a_end + 1 : "";
        b = *b_end == '.' ? b_end + 1 : "";
    }
    return 0;
}

// Versions that are known to harm this server; a distribution may have fixed them without a new number.
static const struct {
    enum machine_library library;
    const char *from, *before; // from <= version < before
    const char *why;
} known_bad[] = {
    {LIBRARY_OPENSSL, "3.0.4", "3.0.5", "corrupts memory with RSA keys on CPUs with AVX-512 (CVE-2022-2274)"},
    {LIBRARY_OPENSSL, "3.0.0", "3.0.7", "a certificate can overrun a buffer (CVE-2022-3602)"},
    {LIBRARY_LIBWEBSOCKETS, "4.3.0", "4.3.3", "connections can stall on libuv while something is to be sent"},
};

static const char *bad_why(enum machine_library library, const char *version, const char **before) {
    for (size_t i = 0; i < sizeof known_bad / sizeof known_bad[0]; i++) {
        if (known_bad[i].library != library || version_compare(version, known_bad[i].from) < 0 ||
            version_compare(version, known_bad[i].before) >= 0)
            continue;
        *before = known_bad[i].before;
        return known_bad[i].why;
    }
    return NULL;
}

void check_library(struct finding *out, enum machine_library library, const struct machine_version *version) {
    const char *name = machine_library_name(library), *fixed;
    const char *why = bad_why(library, version->running, &fixed);
    if (why) {
        finding_set(out, "libraries", name, FINDING_WARN, "version %s: %s", version->running, why);
        finding_fix(out, "version %s, or one that your distribution has fixed", fixed);
        return;
    }
    if (version_compare(version->running, version->built) < 0) {
        finding_set(out, "libraries", name, FINDING_WARN,
                    "version %s is older than %s, which this was built with", version->running,
                    version->built);
        finding_fix(out, "install %s or newer, or rebuild here", version->built);
        return;
    }
    finding_set(out, "libraries", name, FINDING_OK, "version %s", version->running);
}

void check_cipher(struct finding *out, const char *cipher, bool slow) {
    if (!slow) {
        finding_set(out, "cipher", "", FINDING_OK, "media is encrypted (AES-GCM) by %s", cipher);
        return;
    }
    finding_set(out, "cipher", "", FINDING_WARN,
                "media is encrypted by libsrtp2's own AES-GCM, at several times the CPU time");
    finding_fix(out, "OpenSSL 3 with AES-GCM; on x86-64 also libipsec-mb when building");
}

void check_drain(struct finding *out, uint32_t drain_seconds, enum service_manager manager,
                 const char *container) {
    uint32_t patience = drain_seconds + CHECKS_STOP_SECONDS;
    if (manager == SERVICE_MANAGER_LISTENS) {
        finding_set(out, "drain-time", "", FINDING_OK, "systemd is told that stopping may take %" PRIu32 " s",
                    patience);
    } else if (manager == SERVICE_MANAGER_DEAF) {
        finding_set(out, "drain-time", "", FINDING_WARN,
                    "people get %" PRIu32 " s to finish, but systemd ends the server after TimeoutStopSec=",
                    drain_seconds);
        finding_fix(out, "NotifyAccess=main in the unit, or TimeoutStopSec=%" PRIu32, patience);
    } else if (container) {
        finding_set(out, "drain-time", "", FINDING_SKIP,
                    "%s must wait %" PRIu32
                    " s when it stops the server (stop_grace_period, docker stop --time, "
                    "terminationGracePeriodSeconds); whether it does cannot be seen from here",
                    container, patience);
    } else {
        finding_set(out, "drain-time", "", FINDING_OK, "people get %" PRIu32 " s to finish", drain_seconds);
    }
}

void check_secret_file(struct finding *out, const struct secret_file *file, const char *container) {
    char subject[FINDING_SUBJECT_MAX];
    snprintf(subject, sizeof subject, "%s %s", file->setting, file->path);
    if (container) {
        finding_set(out, "secrets", subject, FINDING_SKIP,
                    "who else may read it outside of %s is not seen here", container);
        return;
    }
    switch (file->reach) {
    case SECRET_CLOSED:
        finding_set(out, "secrets", subject, FINDING_OK, "not everybody on this machine may get at it");
        return;
    case SECRET_READABLE:
        finding_set(out, "secrets", subject, FINDING_WARN,
                    "everybody on this machine may read it, and the secrets in it");
        finding_fix(out, "`chmod o= %s`; with `chgrp` the server's group may still read it", file->path);
        return;
    case SECRET_CHANGEABLE:
        finding_set(out, "secrets", subject, FINDING_WARN,
                    "everybody on this machine may change it, or put another in its place");
        finding_fix(out, "`chmod o= %s`, and no folder above it that everybody may write to", file->path);
        return;
    }
}

void checks_quick(const struct config *config, const struct machine *machine, struct findings *out) {
    struct finding finding;
    check_clock(&finding, machine->wall_us, machine->built_us, machine->clock_synchronised);
    findings_add(out, &finding);
    check_file_limit(&finding, config, machine->files_allowed);
    findings_add(out, &finding);
    check_buffer(&finding, "udp-receive-buffer", "net.core.rmem_max", &machine->receive);
    findings_add(out, &finding);
    check_buffer(&finding, "udp-send-buffer", "net.core.wmem_max", &machine->send);
    findings_add(out, &finding);
    check_gso(&finding, machine->gso);
    findings_add(out, &finding);
    check_cipher(&finding, machine->cipher, machine->cipher_slow);
    findings_add(out, &finding);
    if (config->drain_seconds > 0) {
        check_drain(&finding, config->drain_seconds, machine->service_manager, machine->container);
        findings_add(out, &finding);
    }
    for (unsigned i = 0; i < machine->secret_count; i++) {
        check_secret_file(&finding, &machine->secrets[i], machine->container);
        findings_add(out, &finding);
    }
    for (enum machine_library i = 0; i < LIBRARIES; i++) {
        check_library(&finding, i, &machine->libraries[i]);
        findings_add(out, &finding);
    }
}
