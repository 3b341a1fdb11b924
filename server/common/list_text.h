// list_text: a list as people write it in a setting, "a, b,c", taken apart. Pure. Any thread.
#ifndef SERVER_LIST_TEXT_H
#define SERVER_LIST_TEXT_H

#include <stdbool.h>
#include <stddef.h>

// The next item, without the white space around it, and `rest` behind it; false: that was the last one.
// `rest` begins as the text. An item may be empty: the only one of "", the last one of "a,". Whoever reads
// items refuses those that are none.
bool list_text_next(const char **rest, const char **item, size_t *len);

#endif
