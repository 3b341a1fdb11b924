// socket_io: calls in rooms, as small servers on socket.io 4 do them: `joinRoom` brings a client into a room,
// and callRemote, acceptCall, sendOffer, sendAnswer, sendCandidate and hangUp go to everybody in it, to whom
// they come from too, as such pages expect it.
//
// Socket.IO protocol 5 over Engine.IO 4 (server/dialects/engine_io.h): CONNECT to "/", EVENT, with an ACK
// where one is asked for, DISCONNECT. Another namespace is refused with CONNECT_ERROR, a binary packet ends
// the session. What is refused is answered with the event `error`, {event, message}.
//
// No I/O, no clock. Control thread only. docs/dialects.md is its contract.
#ifndef SERVER_SOCKET_IO_H
#define SERVER_SOCKET_IO_H

#include "server/dialects/engine_io.h"

#define SOCKET_IO_ROOM_MAX 16 // clients in one room
#define SOCKET_IO_ROOMS_MAX 8 // that one client is in

struct socket_io;

// As engine_create, on which it stands. NULL: no memory.
struct socket_io *socket_io_create(const struct dialect_limits *limits, const struct engine_outside *outside,
                                   uint64_t now_us);
void socket_io_destroy(struct socket_io *socket_io); // tells nobody; NULL is fine
// Its sessions: requests and WebSockets go to them.
struct engine *socket_io_engine(const struct socket_io *socket_io);

uint64_t socket_io_next_us(const struct socket_io *socket_io); // TIME_NEVER for none
void socket_io_advance(struct socket_io *socket_io, uint64_t now_us);
void socket_io_read_counts(const struct socket_io *socket_io, struct dialect_counts *counts); // adds its own

#endif
