// versions: the libraries under the transports, as this process runs on them.
#ifndef TRANSPORT_VERSIONS_H
#define TRANSPORT_VERSIONS_H

#include <stddef.h>

// Writes "libsrtp2 2.5.0, OpenSSL 3.0.15, libnice 0.1.21 (when built), AES-GCM by libipsec-mb". libnice
// cannot be asked at run time, so its version is that of the headers.
void transport_versions(char *out, size_t cap);

const char *transport_openssl_version(void); // the library that runs, as "3.0.15"

#endif
