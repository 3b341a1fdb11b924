// peer_webrtc: a browser, or what behaves like one: ICE, DTLS and SRTP over the worker's UDP port,
// or over connections of its own (transport/tcp_port.h).
#ifndef SERVER_MEDIA_PEER_WEBRTC_H
#define SERVER_MEDIA_PEER_WEBRTC_H

#include "server/media/peer.h"

// `credentials` are ours. NULL: no memory.
struct peer *peer_webrtc_create(const struct peer_env *env, const struct ice_credentials *credentials);

#endif
