/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The command line: one table of options, one of verbs; help is made from both. */

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct Stream;

typedef enum OptionId {
        OPTION_PROFILE,
        OPTION_DIRECTORY,
        OPTION_ROOT,
        OPTION_JSON,
        OPTION_NO_PAGER,
        OPTION_QUIET,
        OPTION_VERBOSE,
        OPTION_HELP,
        OPTION_VERSION,
        N_GLOBAL_OPTIONS,
        OPTION_DRY_RUN = N_GLOBAL_OPTIONS,
        OPTION_PLAN,
        OPTION_CHECK,
        OPTION_NO_CHECK,
        OPTION_REHEARSE,
        OPTION_FORCE,
        OPTION_TIMEOUT,
        OPTION_STATES,
        OPTION_ALL,
        OPTION_EXIT_CODE,
        OPTION_FORMAT,
        OPTION_STAT,
        OPTION_NAME_ONLY,
        OPTION_SAVED,
        OPTION_ORIGIN,
        OPTION_LIMIT,
        OPTION_FOLLOW,
        OPTION_PATCH,
        OPTION_FOREGROUND,
        OPTION_KEEP,
        OPTION_OLDER_THAN,
        OPTION_REMOVE,
        OPTION_CONFIRM,
        OPTION_ON_FAILURE,
        OPTION_UNCONFIRMED,
        OPTION_EARLY,
        OPTION_BOOT,
        OPTION_ENTRIES,
        OPTION_PURGE,
        N_OPTIONS,
} OptionId;

typedef enum Format {
        FORMAT_TEXT,
        FORMAT_JSON,
        FORMAT_MARKDOWN,
        FORMAT_DOT,
        N_FORMATS,
} Format;

typedef struct Options {
        uint64_t given;  /* a bit for each OptionId */
        bool only_looks; /* EXIT_HAND_OVER as soon as something is to be changed */
        char *root;      /* absolute, owned; NULL: this host */
        const char *profile;
        const char *plan;                     /* file of --plan=; NULL */
        const char *all;                      /* pattern of --all=; NULL */
        const char *states;                   /* file of --states=; NULL */
        Format format;                        /* of --format=; --json is one of them */
        uint64_t timeout_usec;                /* 0: no limit */
        uint64_t confirm_usec;                /* 0: not given */
        bool keeps_failed, takes_back_failed; /* --on-failure= */
        size_t limit;                         /* 0: all */
        size_t keep;
        uint64_t older_than_usec;
        /* Of a detached switch; both NULL elsewhere. */
        struct Stream *stream; /* where the output goes */
        const char *invoker;   /* who asked */
} Options;

typedef struct Command {
        const char *name;
        const char *arguments; /* "[A [B]]" */
        const char *summary;
        const char *details; /* for its --help; ends with a newline */
        uint64_t options;    /* beyond the global ones */
        uint64_t implied;    /* options that this name stands for */
        size_t max_arguments;
        bool prints_no_json;
        bool acts;     /* changes the host: the loss of its output does not end it */
        bool detaches; /* runs as a service of its own where it can */
        /* Returns an exit status, or a negative errno with the reason in reterr: main() prints it.
         */
        int (*run)(const Options *options, char **arguments, size_t n_arguments, Error *reterr);
} Command;

#define OPTION_BIT(id) (UINT64_C(1) << (id))

static inline bool option_is_given(const Options *options, OptionId id) {
        return options->given & OPTION_BIT(id);
}

/* "/" for this host. */
static inline const char *options_root(const Options *options) {
        return options->root ? options->root : "/";
}

/* Parses in any order; -C takes effect at once, so that what comes behind it is relative to it.
 * Arguments are moved to the end of argv. ret_command: NULL when no verb was given. Returns the
 * index of the first argument behind the verb, or -EINVAL for what cannot be meant, else a negative
 * errno. */
int options_parse(const Command *commands,
                int argc,
                char **argv,
                Options *ret_options,
                const Command **ret_command,
                Error *reterr) must_check;
void options_done(Options *options);
static inline void options_donep(Options *options) {
        options_done(options);
}

/* Refuses options that are given, and not among those taken or the global ones; name: whose they
 * are not. Returns 0 or -EINVAL. */
int options_check_taken(
                const Options *options, uint64_t taken, const char *name, Error *reterr) must_check;

/* On standard output; command NULL: of the program. */
void options_print_help(const Command *commands, const Command *command);
