// text_trim: a line of a file without what stands around it.
#ifndef BASE_TEXT_TRIM_H
#define BASE_TEXT_TRIM_H

// Cuts blanks, tabs and carriage returns off the end of `text` in place, and returns it from behind those
// blanks and tabs with which it begins.
char *text_trim(char *text);

#endif
