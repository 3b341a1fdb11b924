// plain_text: text of a server made fit for a person's terminal and for JSON. Pure.
#ifndef LOAD_PLAIN_TEXT_H
#define LOAD_PLAIN_TEXT_H

// In place: control characters (C0, DEL, C1) and bytes that are no UTF-8 (RFC 3629) become '?'; a character
// that was cut in two at the end goes. Never longer than before.
void plain_text(char *text);

#endif
