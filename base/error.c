/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/error.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static void one_line(char *text) {
        for (; *text; text++)
                for (size_t n = text_control_length(text); n > 0; n--)
                        text[n - 1] = ' ';
}

int error_set(Error *reterr, int code, const char *format, ...) {
        if (!reterr)
                return code;
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(reterr->message, sizeof(reterr->message), format,
                        arguments); /* cut when too long */
        va_end(arguments);
        one_line(reterr->message);
        reterr->code = code;
        return code;
}

int error_set_errno(Error *reterr, int code, const char *format, ...) {
        if (!reterr)
                return code;
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(reterr->message, sizeof(reterr->message), format,
                        arguments); /* cut when too long */
        va_end(arguments);
        size_t used = strlen(reterr->message);
        (void) snprintf(reterr->message + used, sizeof(reterr->message) - used, ": %s",
                        strerror(-code));
        one_line(reterr->message);
        reterr->code = code;
        return code;
}

int error_prefix(Error *reterr, const char *format, ...) {
        if (!reterr)
                return -EIO;
        char before[sizeof(reterr->message)];
        memcpy(before, reterr->message, sizeof(before));
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(reterr->message, sizeof(reterr->message), format,
                        arguments); /* cut when too long */
        va_end(arguments);
        size_t used = strlen(reterr->message);
        (void) snprintf(reterr->message + used, sizeof(reterr->message) - used, ": %s", before);
        one_line(reterr->message);
        return reterr->code;
}

int error_oom(Error *reterr) {
        return error_set(reterr, -ENOMEM, "Out of memory");
}
