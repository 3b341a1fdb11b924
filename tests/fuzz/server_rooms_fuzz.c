// Files of rooms, of any bytes: refused in words, or with answers for every room and name.
#include "server/access/password.h"
#include "server/room_file.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const names[] = {"garden", "team-blue", "Ann", "*", "a"};
    char why[ROOM_FILE_WHY_MAX] = "";
    struct room_file *file = room_file_parse((const char *)data, size, why);
    if (!file) {
        assert(why[0] && memchr(why, '\0', sizeof why));
        return 0;
    }
    assert(room_file_count(file) <= ROOM_SECTIONS_MAX);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bool moderator;
        const struct room_section *section = room_file_find(file, names[i]);
        const char *hash = section ? room_section_hash(section, names[i], &moderator) : NULL;
        assert(!section || room_section_rules(section)->people_max <= 10000);
        assert(!hash || password_hash_valid(hash));
    }
    room_file_free(file);
    return 0;
}
