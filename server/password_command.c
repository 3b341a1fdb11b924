#include "server/password_command.h"

#include "server/access/password.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#define STATUS_REFUSED 2

static const char usage[] = "usage: rotunda password\n\n"
                            "Asks for a password and prints its hash for the file of --rooms:\n\n"
                            "  [garden]\n"
                            "  password = HASH\n"
                            "  moderator = NAME: HASH\n\n"
                            "Where standard input is no terminal, its first line is the password.\n";

static int refuse(const char *what) {
    fprintf(stderr, "rotunda password: %s\n", what);
    return STATUS_REFUSED;
}

static bool read_line(char *out, size_t cap) {
    if (!fgets(out, (int)cap, stdin))
        return false;
    size_t len = strcspn(out, "\r\n");
    bool whole = out[len] != '\0' || feof(stdin);
    out[len] = '\0';
    return whole;
}

// Without an echo.
static bool ask(const char *question, char *out, size_t cap) {
    struct termios before, silent;
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    if (terminal) {
        fputs(question, stderr);
        silent = before;
        silent.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    bool fine = read_line(out, cap);
    if (terminal) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    return fine;
}

static int print_hash(const char *password) {
    char hash[PASSWORD_HASH_BYTES_MAX + 1];
    if (!password[0])
        return refuse("it is empty");
    if (!password_hash(password, hash))
        return refuse("the system could not make a hash of it");
    return puts(hash) < 0 || fflush(stdout) != 0 ? refuse("the hash could not be printed") : 0;
}

int password_command_main(int argc, char *const argv[]) {
    char password[PASSWORD_BYTES_MAX + 2], again[PASSWORD_BYTES_MAX + 2];
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return fputs(usage, stdout) < 0;
    if (argc > 1) // a password on the command line is in every list of processes
        return refuse("it takes no argument; rotunda password --help tells how it reads the password");
    int status = 0;
    if (!ask("Password: ", password, sizeof password))
        status = refuse("there was no line with a password of at most 512 bytes");
    else if (isatty(STDIN_FILENO) && (!ask("Again: ", again, sizeof again) || strcmp(password, again) != 0))
        status = refuse("the two were not the same");
    else
        status = print_hash(password);
    explicit_bzero(password, sizeof password);
    explicit_bzero(again, sizeof again);
    return status;
}
