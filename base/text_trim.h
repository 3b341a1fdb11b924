// text_trim: a line of a file, and a file, without what stands around it.
#ifndef BASE_TEXT_TRIM_H
#define BASE_TEXT_TRIM_H

// Cuts blanks, tabs and carriage returns off the end of `text` in place, and returns it from behind those
// blanks and tabs with which it begins.
char *text_trim(char *text);

// Behind the mark U+FEFF with which some editors begin a file of UTF-8; without it, the text itself.
char *text_behind_mark(char *text);

#endif
