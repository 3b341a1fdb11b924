// doctor: `rotunda doctor`: examines the settings, this machine and the network, and makes a call with
// itself.
//
// The quick part is server/checks.h, what asks others is doctor_checks.h; here is the order of things.
// A call is made with the server that already listens on the settings' TCP port, else with one that is
// started for it (doctor_server.h): first the shortest way, then through each announced address.
#ifndef SERVER_DOCTOR_H
#define SERVER_DOCTOR_H

// argv[0] is "doctor"; --json and the settings of the server follow; --stun also with named addresses. Prints
// the findings on standard output as they come, or all of them as one JSON object (docs/operations.md). Exit
// status: 0 everything works, perhaps with warnings; 1 something will not work; 2 a setting was refused, one
// line on standard error says which.
int doctor_main(int argc, char *argv[], char *const environment[]);

#endif
