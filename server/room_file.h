// room_file: the settings of rooms that an operator wrote into a file (--rooms).
//
//   [garden]                          # the room of that name
//   password = $y$j9T$...             # of everybody; a hash (rotunda password)
//   moderator = Ann: $y$j9T$...       # who has that name, and shows that password, moderates; several lines
//   people = 20
//   lobby = yes
//   e2ee = required                   # sound and picture that is not encrypted from end to end is not taken
//   record = moderators               # may have it recorded, as may who has a token for that; yes: all; no:
//   nobody [team-*]                          # rooms whose name fits; * is any text
//   [*]                               # all others
//   open = no                         # there are none
//
// A room has the settings of one section alone: of the one with its name, else of the first pattern that
// fits. Names are those that clients' texts mean (rooms/name.h); those of moderators are looked at without
// case, so that nobody is called almost as one. Whole files are taken or refused. Control thread.
#ifndef SERVER_ROOM_FILE_H
#define SERVER_ROOM_FILE_H

#include "rooms/room_rules.h"

#include <stddef.h>

#define ROOM_FILE_BYTES_MAX (1024 * 1024)
#define ROOM_FILE_WHY_MAX 512
#define ROOM_SECTIONS_MAX 10000
#define ROOM_MODERATORS_MAX 100 // of one section

struct room_file;
struct room_section;

// NULL: one line in `error`, with the number of the line.
struct room_file *room_file_load(const char *path, char *error, size_t cap);
// The same of a text; `why` (ROOM_FILE_WHY_MAX bytes) is the end of a sentence that begins with the file.
struct room_file *room_file_parse(const char *text, size_t len, char *why);
void room_file_free(struct room_file *file); // wipes; NULL is fine

unsigned room_file_count(const struct room_file *file); // sections
// Whether its text has an end as a file has that is not being written just now: not empty, and no line cut
// off.
bool room_file_is_whole(const struct room_file *file);
// Of a room's name as rooms/name.h makes it; NULL: no section is for it.
const struct room_section *room_file_find(const struct room_file *file, const char *room);
const struct room_rules *room_section_rules(const struct room_section *section);
// The hash of the password that somebody of this name has to show; NULL: none. *moderator: who shows it
// moderates.
const char *room_section_hash(const struct room_section *section, const char *username, bool *moderator);

#endif
