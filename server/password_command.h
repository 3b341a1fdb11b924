// password_command: `rotunda password`: makes the hash of a password for the file of --rooms.
#ifndef SERVER_PASSWORD_COMMAND_H
#define SERVER_PASSWORD_COMMAND_H

// argv[0] is "password". Asks at the terminal, without showing what is typed, or reads the first line of
// standard input. Prints the hash alone. The exit status: 0; 2 when there was none to make.
int password_command_main(int argc, char *const argv[]);

#endif
