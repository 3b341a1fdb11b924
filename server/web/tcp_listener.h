// tcp_listener: a listening TCP socket on a libuv loop that hands over each accepted connection.
//
// Control thread only. When the process runs out of file descriptors it waits a second and tries again.
#ifndef SERVER_TCP_LISTENER_H
#define SERVER_TCP_LISTENER_H

#include <stddef.h>
#include <stdint.h>

struct sockaddr;
struct uv_loop_s;
struct tcp_listener;

typedef void tcp_accepted(void *ctx, int socket, const struct sockaddr *from);

// host is an IP literal; "::" takes IPv4 too. `accepted` gets a non-blocking socket and owns it. On failure
// NULL and a sentence in `error` that names the address and what to do: which setting chooses another
// (`flag`).
struct tcp_listener *tcp_listener_start(struct uv_loop_s *loop, const char *host, uint16_t port,
                                        const char *flag, tcp_accepted *accepted, void *ctx, char *error,
                                        size_t error_cap);
uint16_t tcp_listener_port(const struct tcp_listener *listener); // the bound port

// Closes the socket at once; the memory is freed by the loop's next turns. NULL is fine.
void tcp_listener_stop(struct tcp_listener *listener);

#endif
