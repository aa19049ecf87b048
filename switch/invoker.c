/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/invoker.h"

#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The kernel's note of who logged in; services have none. */
static bool login_uid(uid_t *ret_uid) {
        cleanup_file FILE *file = fopen("/proc/self/loginuid", "re");
        char text[32];
        if (!file || !fgets(text, sizeof(text), file))
                return false;
        char *end;
        unsigned long uid = strtoul(text, &end, 10);
        if (end == text || uid >= UINT32_MAX)
                return false;
        *ret_uid = (uid_t) uid;
        return true;
}

int invoker_name(char **ret_name, Error *reterr) {
        const char *sudo_user = getenv("SUDO_USER");
        uid_t uid = getuid();
        char *name = NULL;
        if (sudo_user && *sudo_user)
                name = strdup(sudo_user);
        else {
                (void) login_uid(&uid); /* else the user we run as */
                const struct passwd *passwd = getpwuid(uid);
                if (passwd)
                        name = strdup(passwd->pw_name);
                else if (asprintf(&name, "%u", uid) < 0)
                        name = NULL;
        }
        if (!name)
                return error_oom(reterr);
        *ret_name = name;
        return 0;
}
