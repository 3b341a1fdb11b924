// rotunda: reads the settings, then runs the server or does what was asked instead.
#include "base/standard_files.h"
#include "base/trace.h"
#include "server/admin_command.h"
#include "server/app.h"
#include "server/doctor/doctor.h"
#include "server/health_check.h"
#include "server/password_command.h"
#include "server/token_command.h"
#include "server/versions.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#define STATUS_UNHEALTHY 1
#define STATUS_REFUSED 2

int main(int argc, char *argv[]) {
    struct config config;
    char error[CONFIG_ERROR_MAX];
    standard_files_open();
    trace_install(ROTUNDA_VERSION);
    signal(SIGPIPE, SIG_IGN); // a peer that has gone is an error of the write, not the end of us
    if (argc > 1 && strcmp(argv[1], "doctor") == 0)
        return doctor_main(argc - 1, argv + 1, environ);
    if (argc > 1 && strcmp(argv[1], "admin") == 0)
        return admin_command_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "token") == 0)
        return token_command_main(argc - 1, argv + 1);
    if (argc > 1 && strcmp(argv[1], "password") == 0)
        return password_command_main(argc - 1, argv + 1);
    switch (config_load(&config, argc, argv, environ, error)) {
    case CONFIG_HELP:
        config_print_help(stdout);
        return 0;
    case CONFIG_VERSION:
        versions_print(stdout);
        return 0;
    case CONFIG_CHECK:
        if (!app_check(&config, error, sizeof error)) {
            fprintf(stderr, "rotunda: %s\n", error);
            return STATUS_REFUSED;
        }
        printf("The settings are fine.\n");
        return 0;
    case CONFIG_HEALTH:
        if (health_check(&config, error, sizeof error)) {
            printf("The server serves.\n");
            return 0;
        }
        fprintf(stderr, "rotunda: %s\n", error);
        return STATUS_UNHEALTHY;
    case CONFIG_REFUSED:
        fprintf(stderr, "rotunda: %s\n", error);
        return STATUS_REFUSED;
    case CONFIG_RUN:
        break;
    }
    signal(SIGHUP, SIG_IGN); // until the server takes it: being told to read files again is no reason to end
    struct app_source source = {argc, argv, environ};
    return app_run(&config, NULL, &source);
}
