/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* stub [--ready[=MSEC]] [--name=BUS-NAME] [--while=FILE] [WORD...]: the process of a test's
 * service. Runs until it is told to end, or until FILE is gone; takes SIGHUP as a reload that asks
 * for nothing. --ready: tells systemd that it is ready, MSEC after the start. --name: owns that
 * name on the system bus first. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

static void on_hangup(int number) {
        (void) number;
}

static void sleep_msec(long msec) {
        struct timespec rest = { .tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000 };

        while (nanosleep(&rest, &rest) < 0)
                ;
}

static const char *value_of(const char *argument, const char *option) {
        size_t length = strlen(option);

        return strncmp(argument, option, length) == 0 ? argument + length : NULL;
}

int main(int argc, char **argv) {
        const char *hold = NULL, *value;
        struct sigaction action = { .sa_handler = on_hangup };
        sd_bus *bus = NULL;

        if (sigaction(SIGHUP, &action, NULL) < 0)
                return 1;
        for (int i = 1; i < argc; i++) {
                if ((value = value_of(argv[i], "--name="))) {
                        if (sd_bus_open_system(&bus) < 0 || sd_bus_request_name(bus, value, 0) < 0)
                                return 1;
                } else if ((value = value_of(argv[i], "--while="))) {
                        hold = value;
                } else if ((value = value_of(argv[i], "--ready"))) {
                        if (*value == '=')
                                sleep_msec(strtol(value + 1, NULL, 10));
                        if (sd_notify(0, "READY=1") < 0)
                                return 1;
                }
        }
        while (!hold || access(hold, F_OK) == 0)
                if (hold)
                        sleep_msec(5);
                else
                        pause();
        return 0;
}
