// token_command: `rotunda token`: makes a token for one person and one room, for trying things out and for
// scripts.
#ifndef SERVER_TOKEN_COMMAND_H
#define SERVER_TOKEN_COMMAND_H

// argv[0] is "token". Prints the token alone. The exit status: 0; 2 when it was asked for in a wrong way.
int token_command_main(int argc, char *const argv[]);

#endif
