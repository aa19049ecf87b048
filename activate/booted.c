/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/booted.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { FILE_MAX_BYTES = 16 * 1024 };

/* A short file of /proc; NULs between words become blanks, as PID 1's command line has them. */
static int read_proc(const char *path, char text[static FILE_MAX_BYTES], Error *reterr) {
        cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t size = fd < 0 ? -1 : read(fd, text, FILE_MAX_BYTES - 1);
        if (size < 0)
                return error_set_errno(reterr, -errno, "%s", path);
        for (ssize_t i = 0; i < size; i++)
                if (!text[i])
                        text[i] = ' ';
        text[size] = 0;
        return 0;
}

int64_t booted_generation_in(const char *command_line) {
        static const char key[] = "sysswitch.generation=";
        static const char blanks[] = " \t\n";
        int64_t generation = -1;
        for (const char *word = command_line; *word; word += strcspn(word, blanks)) {
                word += strspn(word, blanks);
                const char *digits = word + strlen(key);
                if (strncmp(word, key, strlen(key)) != 0 || !isdigit((unsigned char) *digits))
                        continue;
                char *end;
                errno = 0;
                long long number = strtoll(digits, &end, 10);
                if (!errno && (!*end || strchr(blanks, *end)))
                        generation = number;
        }
        return generation;
}

/* Field 22 of /proc/1/stat: clock ticks from the kernel's start to that of PID 1. In a container
 * this, and not the kernel's start, is when the boot began. */
static int read_start(uint64_t *ret_usec, Error *reterr) {
        char text[FILE_MAX_BYTES];
        int r = read_proc("/proc/1/stat", text, reterr);
        if (r < 0)
                return r;
        const char *field = strrchr(text, ')'); /* the name before may hold anything */
        for (unsigned i = 2; field && i < 22; i++)
                if ((field = strchr(field, ' ')))
                        field++;
        if (!field)
                return error_set(reterr, -EBADMSG, "/proc/1/stat: No start time in it");
        unsigned long long ticks = strtoull(field, NULL, 10);
        *ret_usec = ticks * 1000000 / (uint64_t) sysconf(_SC_CLK_TCK);
        return 0;
}

static uint64_t clock_usec(clockid_t clock) {
        struct timespec now;
        (void) clock_gettime(clock, &now); /* cannot fail for these clocks */
        return (uint64_t) now.tv_sec * 1000000 + (uint64_t) now.tv_nsec / 1000;
}

int booted_read(Booted *ret_booted, Error *reterr) {
        char text[FILE_MAX_BYTES];
        uint64_t start_usec = 0;
        /* where systemd, too, looks for its options in a container */
        bool in_container = access("/run/systemd/container", F_OK) == 0;
        int r = read_proc(in_container ? "/proc/1/cmdline" : "/proc/cmdline", text, reterr);
        if (r >= 0)
                r = read_start(&start_usec, reterr);
        if (r < 0)
                return r;
        uint64_t up_usec = clock_usec(CLOCK_BOOTTIME) - start_usec;
        *ret_booted = (Booted){ .generation = booted_generation_in(text),
                .began_usec = clock_usec(CLOCK_REALTIME) - up_usec };
        return 0;
}
