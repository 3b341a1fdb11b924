// downlink: whether what a consumer sends arrives, so that its numbers never run away from its receiver.
//
// A receiver infers the upper bits of a packet's index from those before (RFC 3711, section 3.3.1). If it
// misses half of the number space it takes whatever follows for old, for as long as the key lasts, and
// nothing that it says would tell: checks and reports go the other way, where nothing is wrong. So the one
// evidence that counts is what its reports say to have come. A consumer of whose packets
// DOWNLINK_UNACKNOWLEDGED_MAX have gone out without it halts. Meanwhile a padding-only packet each
// DOWNLINK_PROBE_US asks; as soon as the receiver's reports show that it came, the consumer begins anew, as
// after a pause.
//
// Reports are authenticated before they are read. One that claims numbers which never went out counts for
// nothing; one that claims what did not arrive harms nobody but who sends it. Browsers report each second or
// each five seconds: the bound is that of a minute of sound at its limit, or of ten seconds of video at 13
// Mbit/s. A receiver without SRTP infers nothing and may report nothing: it is never halted.
#ifndef ROOMS_DOWNLINK_H
#define ROOMS_DOWNLINK_H

#define DOWNLINK_UNACKNOWLEDGED_MAX 16384
#define DOWNLINK_PROBES_MAX 15000 // in a row, two hours; both together are less than half of the number space
#define DOWNLINK_PROBE_US 500000

_Static_assert(DOWNLINK_UNACKNOWLEDGED_MAX + DOWNLINK_PROBES_MAX + 1000 < 0x8000,
               "a receiver that has had nothing since still infers the right index");

#endif
