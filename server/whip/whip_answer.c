// Answers: refusals in words (RFC 9457), header lines, ICE servers.
#include "base/clock.h"
#include "base/log.h"
#include "server/common/http_status.h"
#include "server/whip/whip_internal.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void whip_add_header(struct whip_answer *answer, const char *format, ...) {
    size_t len = strlen(answer->headers);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(answer->headers + len, WHIP_HEADERS_MAX - len, format, args);
    va_end(args);
    if (n < 0 || (size_t)n + 2 >= WHIP_HEADERS_MAX - len) {
        answer->headers[len] = '\0'; // left out rather than cut
        return;
    }
    memcpy(answer->headers + len + n, "\r\n", 3);
}

void whip_answer_text(struct whip_answer *answer, unsigned status, const char *content_type, const char *text,
                      size_t len) {
    answer->status = status;
    answer->content_type = content_type;
    answer->body = malloc(len + 1);
    answer->len = 0;
    if (!answer->body)
        return;
    memcpy(answer->body, text, len);
    answer->body[len] = '\0';
    answer->len = len;
}

void whip_refuse(struct whip *whip, struct whip_answer *answer, unsigned status, const char *format, ...) {
    char words[HUB_REFUSAL_BYTES_MAX + 64];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    whip->counts.refused++;
    LOG_DEBUG("whip request refused", LOG_NUMBER("status", status), LOG_TEXT("reason", words));
    answer->status = status;
    answer->content_type = WHIP_PROBLEM;
    json_t *problem = json_pack("{s:s, s:s, s:i, s:s}", "type", "about:blank", "title",
                                http_status_text(status), "status", (int)status, "detail", words);
    free(answer->body);
    answer->body = problem ? json_dumps(problem, JSON_COMPACT) : NULL;
    answer->len = answer->body ? strlen(answer->body) : 0;
    json_decref(problem);
}

void whip_refuse_verb(struct whip *whip, struct whip_answer *answer, const struct hub_refusal *refusal) {
    static const unsigned statuses[HUB_CODE_COUNT] = {
        [HUB_BAD_REQUEST] = 400,       [HUB_NOT_FOUND] = 404,
        [HUB_FORBIDDEN] = 403,         [HUB_UNAUTHORIZED] = 401,
        [HUB_USERNAME_TAKEN] = 409,    [HUB_ROOM_FULL] = 409,
        [HUB_ENCRYPTION_NEEDED] = 403, [HUB_PASSWORD_NEEDED] = 401,
        [HUB_PASSWORD_WRONG] = 401,    [HUB_PASSWORD_ATTEMPTS] = 429,
        [HUB_LIMIT_REACHED] = 503,     [HUB_UNSUPPORTED] = 406,
        [HUB_WRONG_STATE] = 409,       [HUB_RATE_LIMITED] = 429,
        [HUB_DRAINING] = 503,          [HUB_BUSY] = 503,
        [HUB_NO_MEMORY] = 503,
    };
    unsigned status = refusal->code < HUB_CODE_COUNT ? statuses[refusal->code] : 0;
    if (status == 0)
        status = 403;
    if (status == 401)
        whip_add_header(answer, "www-authenticate: Bearer realm=\"rotunda\"");
    if (status == 429 || status == 503 || refusal->code == HUB_ROOM_FULL)
        whip_add_header(answer, "retry-after: %d", 10);
    whip_refuse(whip, answer, status, "%s", refusal->code == HUB_NO_MEMORY ? "out of memory" : refusal->text);
}

void whip_link_ice_servers(const struct whip *whip, const struct participant *me,
                           struct whip_answer *answer) {
    const struct ice_servers *servers = &hub_config(whip->hub)->ice_servers;
    struct turn_credential credential = {0};
    if (me && ice_servers_have_turn(servers)) {
        uint64_t expires_at = hub_wall_us(whip->hub) / US_PER_SECOND + servers->turn_ttl_seconds;
        turn_credential_make(servers->turn_secret, expires_at, me->id.text, &credential);
    }
    for (unsigned i = 0; i < servers->url_count; i++) {
        if (!servers->urls[i].turn)
            whip_add_header(answer, "link: <%s>; rel=\"ice-server\"", servers->urls[i].text);
        else if (me)
            whip_add_header(answer,
                            "link: <%s>; rel=\"ice-server\"; username=\"%s\"; credential=\"%s\"; "
                            "credential-type=\"password\"",
                            servers->urls[i].text, credential.username, credential.password);
    }
    explicit_bzero(&credential, sizeof credential);
}
