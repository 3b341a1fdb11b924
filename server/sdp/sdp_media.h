// sdp_media: one m= section; for the files of server/sdp/.
#ifndef SERVER_SDP_MEDIA_H
#define SERVER_SDP_MEDIA_H

#include "server/sdp/sdp_text.h"

// Attributes of a section that may be there once.
struct sdp_seen {
    bool direction, setup, mid, ufrag, pwd, rtcp_mux, simulcast, msid;
};

bool sdp_media_begin(struct sdp_media *media, const struct sdp_lines *lines, struct span value,
                     char why[SDP_WHY_MAX]);
// value: of an a= line. What nobody needs is passed over.
bool sdp_media_attribute(struct sdp_media *media, struct sdp_seen *seen, const struct sdp_lines *lines,
                         struct span value, char why[SDP_WHY_MAX]);
// What only the whole section shows.
bool sdp_media_finish(struct sdp_media *media, char why[SDP_WHY_MAX]);

#endif
