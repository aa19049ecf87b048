/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/git.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static const struct Symbol {
        const char *name;
        size_t offset; /* into Git */
} symbols[] = {
#define GIT_SYMBOL(name) { "git_" #name, offsetof(Git, name) },
        GIT_FUNCTIONS(GIT_SYMBOL)
#undef GIT_SYMBOL
};

/* Stays until the end of the process: its threads' data and its locks do not like to go. */
static bool load(Git *git) {
        void *library = dlopen(GIT_LIBRARY, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
        for (size_t i = 0; library && i < N_ELEMENTS(symbols); i++) {
                void *function = dlsym(library, symbols[i].name);
                if (!function)
                        return false;
                memcpy((char *) git + symbols[i].offset, &function, sizeof(function));
        }
        return library;
}

const Git *git_load(void) {
        static Git git;
        static enum { UNTRIED, LOADED, ABSENT } state;
        if (state == UNTRIED)
                state = load(&git) ? LOADED : ABSENT;
        return state == LOADED ? &git : NULL;
}
