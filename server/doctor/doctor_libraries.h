// doctor_libraries: what libwebsockets loads only while it runs.
#ifndef SERVER_DOCTOR_LIBRARIES_H
#define SERVER_DOCTOR_LIBRARIES_H

#include <stdbool.h>

// Whether libwebsockets finds its plugin for libuv (Debian: libwebsockets-evlib-uv), without which the server
// does not start.
bool doctor_lws_has_libuv(void);

#endif
