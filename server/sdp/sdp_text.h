// sdp_text: words, numbers and tokens of a line; for the files of server/sdp/.
#ifndef SERVER_SDP_TEXT_H
#define SERVER_SDP_TEXT_H

#include "base/span.h"
#include "server/sdp/sdp.h"

// Lines of a text: each ends with CR LF or LF, the last one may end with the text.
struct sdp_lines {
    struct span rest;
    unsigned number; // of the line that was read last
};

enum sdp_line { SDP_LINE, SDP_NO_MORE, SDP_LINE_BAD };
// *value is what follows "x=". SDP_LINE_BAD: no such line; `why` says so.
enum sdp_line sdp_line_next(struct sdp_lines *lines, char *type, struct span *value, char why[SDP_WHY_MAX]);

// "line 12: ..."; returns false.
bool sdp_refuse(const struct sdp_lines *lines, char why[SDP_WHY_MAX], const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// The text up to the separator, which is dropped from *rest with it; all of it when there is none.
struct span sdp_take(struct span *rest, char separator);
struct span sdp_trim(struct span text); // without spaces around it
bool sdp_is(struct span text, const char *word);
bool sdp_is_like(struct span text, const char *word); // without regard to case
// Decimal digits alone, at most `last`.
bool sdp_number(struct span text, uint64_t last, uint64_t *out);
bool sdp_is_token(struct span text, size_t bytes_max); // RFC 8866, section 9: token; not empty
// Visible ASCII and spaces, without control characters.
bool sdp_is_plain(struct span text);

#endif
