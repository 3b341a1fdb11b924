// ice_screen: what the kernel keeps from a NiceAgent's sockets, as a classic BPF program on each of them.
//
// libnice is given sockets of its own, so nobody of ours sees a datagram before it. Three of its faults would
// let a peer with good credentials end the process, or read beyond a message:
// - an answer 403 to a check, before any pair is selected, follows a null pointer (conncheck.c, where it
//   looks whether the pair that has lost consent is the selected one);
// - a good answer to a check that says no address leaves the pair among those that are to be checked at once
//   (priv_map_reply_to_conn_check_request), and an assertion of regular nomination then fails;
// - the length of MESSAGE-INTEGRITY is not looked at, 20 bytes are read whatever it says.
// So this drops Binding errors but 487 (role conflict, which ICE needs), answers without an address, STUN
// whose MESSAGE-INTEGRITY is not 20 bytes long or that has more than ICE_SCREEN_ATTRIBUTES attributes, and
// what is neither STUN, DTLS, TURN nor RTP (RFC 7983). Messages in TURN's ChannelData and Data indications
// are looked at the same way.
#ifndef TRANSPORT_ICE_SCREEN_H
#define TRANSPORT_ICE_SCREEN_H

#include <stdbool.h>

#define ICE_SCREEN_ATTRIBUTES 20 // checks of browsers have about ten

// On a UDP socket. False: the kernel does not take it, errno says why.
bool ice_screen_attach(int fd);
// From now on nothing passes.
void ice_screen_shut(int fd);

#endif
