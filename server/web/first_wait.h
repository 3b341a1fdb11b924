// first_wait: waits for the first byte of a connection, and leaves it there: on a port that serves more than
// HTTP it tells whom the connection is for.
//
// Control thread.
#ifndef SERVER_FIRST_WAIT_H
#define SERVER_FIRST_WAIT_H

struct uv_loop_s;
struct first_wait;

// `done` is called from the loop once, with the byte, or -1 at the end of the stream; the wait is over then,
// and the socket the caller's again. NULL: no memory, nothing has changed.
struct first_wait *first_wait_start(struct uv_loop_s *loop, int socket, void (*done)(void *ctx, int byte),
                                    void *ctx);
// Ends it without a call. The socket may be closed at once. NULL is fine.
void first_wait_stop(struct first_wait *wait);

#endif
