// admin_command: `rotunda admin`: asks a running server to do what docs/operations.md, "Managing rooms from
// outside", lists, with a token of its keys that lives for a minute.
#ifndef SERVER_ADMIN_COMMAND_H
#define SERVER_ADMIN_COMMAND_H

// argv[0] is "admin". Prints the answer, JSON. The exit status: 0; 1 when the server refused or does not
// answer; 2 when it was asked for in a wrong way.
int admin_command_main(int argc, char *const argv[]);

#endif
