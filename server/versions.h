// versions: what --version prints.
#ifndef SERVER_VERSIONS_H
#define SERVER_VERSIONS_H

#include <stdio.h>

// "rotunda 0.1.0" and, on a second line, the libraries that this process runs on.
void versions_print(FILE *out);

const char *versions_jansson(void); // the library that runs, as "2.14"

#endif
