/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/time_span.h"

#include <errno.h>
#include <string.h>

#define SECOND UINT64_C(1000000)
#define WHITE_SPACE " \t\n\r"

static const struct {
        const char *name;
        uint64_t usec;
} units[] = {
        { "usec", 1 },
        { "us", 1 },
        { "µs", 1 },
        { "msec", 1000 },
        { "ms", 1000 },
        { "seconds", SECOND },
        { "second", SECOND },
        { "sec", SECOND },
        { "s", SECOND },
        { "", SECOND },
        { "minutes", 60 * SECOND },
        { "minute", 60 * SECOND },
        { "min", 60 * SECOND },
        { "m", 60 * SECOND },
        { "hours", 3600 * SECOND },
        { "hour", 3600 * SECOND },
        { "hr", 3600 * SECOND },
        { "h", 3600 * SECOND },
        { "days", 86400 * SECOND },
        { "day", 86400 * SECOND },
        { "d", 86400 * SECOND },
        { "weeks", 7 * 86400 * SECOND },
        { "week", 7 * 86400 * SECOND },
        { "w", 7 * 86400 * SECOND },
        { "months", 2629800 * SECOND },
        { "month", 2629800 * SECOND },
        { "M", 2629800 * SECOND },
        { "years", 31557600 * SECOND },
        { "year", 31557600 * SECOND },
        { "y", 31557600 * SECOND },
};

static int unit_of(const char *text, size_t length, uint64_t *ret_usec) {
        for (size_t i = 0; i < N_ELEMENTS(units); i++)
                if (strlen(units[i].name) == length && memcmp(units[i].name, text, length) == 0) {
                        *ret_usec = units[i].usec;
                        return 0;
                }
        return -EINVAL;
}

/* Adds one number with its unit. */
static int add_part(const char **text, uint64_t *usec) {
        const char *digits = "0123456789", *p = *text;
        size_t n_whole = strspn(p, digits),
               n_fraction = p[n_whole] == '.' ? strspn(p + n_whole + 1, digits) : 0;
        const char *fraction = p + n_whole + 1,
                   *unit = p + n_whole + (n_fraction ? n_fraction + 1 : 0);
        unit += strspn(unit, WHITE_SPACE);
        size_t unit_length = strcspn(unit, WHITE_SPACE "0123456789.");
        uint64_t factor, number = 0, sum = 0;
        if (n_whole + n_fraction == 0 || unit_of(unit, unit_length, &factor) < 0)
                return -EINVAL;
        for (size_t i = 0; i < n_whole; i++)
                if (__builtin_mul_overflow(number, 10, &number) ||
                                __builtin_add_overflow(number, (uint64_t) (p[i] - '0'), &number))
                        return -EINVAL;
        if (__builtin_mul_overflow(number, factor, &sum))
                return -EINVAL;
        for (size_t i = 0; i < n_fraction; i++) {
                factor /= 10;
                sum += (uint64_t) (fraction[i] - '0') * factor;
        }
        *text = unit + unit_length;
        return __builtin_add_overflow(*usec, sum, usec) ? -EINVAL : 0;
}

int time_span_parse(const char *text, uint64_t *ret_usec) {
        text += strspn(text, WHITE_SPACE);
        if (strcmp(text, "infinity") == 0) {
                *ret_usec = UINT64_MAX;
                return 0;
        }
        uint64_t usec = 0;
        do {
                if (add_part(&text, &usec) < 0)
                        return -EINVAL;
                text += strspn(text, WHITE_SPACE);
        } while (*text);
        *ret_usec = usec;
        return 0;
}
