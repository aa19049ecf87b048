/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Which checks a change needs before anything is changed: the [Check] sections of the profile, and
 * the programs of a table that judge the configuration of a service. Where and how they run is
 * activate/check's. */

#include "base/arena.h"
#include "base/error.h"
#include "base/strv.h"
#include "diff/plan.h"
#include "diff/profile_conf.h"
#include "diff/render.h"

/* A program that is run where it is installed and one of the files changes. */
typedef struct BuiltinCheck {
        const char *command;      /* for people, and in the docs */
        const char *arguments[6]; /* with NULL behind the last */
        const char *files[5];     /* globs, the same */
        const char *main;      /* where it begins to read: without that there is nothing to check */
        const char *directory; /* one that its service has made for it; NULL: none */
        bool takes_units;      /* the changed units are its further arguments */
} BuiltinCheck;

const BuiltinCheck *check_builtins(size_t *ret_n_builtins);

typedef struct Check {
        const char *command;   /* for people */
        const char *where;     /* "profile.conf:12"; NULL: one of the table */
        const char *container; /* inside which it is run; NULL: on the host */
        const char *const *arguments;
        const char *const
                        *present_arguments; /* of a check that is to be compared, see
                                               check_shows_nothing_new(): what the present
                                               configuration is asked; NULL: it has nothing of it */
        const char *directory;              /* NULL: none */
        const BuiltinCheck *builtin;        /* NULL: one of the profile */
        uint64_t timeout_usec;              /* 0: none */
        const char *first_file;             /* that changed, below /etc; NULL: it always runs */
        size_t n_files;
} Check;

enum { CHECK_DEFAULT_TIMEOUT_SEC = 60 };

typedef struct CheckInput {
        const Plan *plan; /* with the files that change */
        const Tree *before, *after;
        const ProfileConf *conf;          /* of after */
        bool only_rules;                  /* none of the table */
        const Distribution *distribution; /* which units there are besides; NULL: not known */
} CheckInput;

/* In the order in which they run: the table's, then the profile's. All of it lives in the arena,
 * and no longer than the input. */
int check_list(const CheckInput *input,
                Arena *arena,
                Check **ret_checks,
                size_t *ret_n_checks,
                Error *reterr) must_check;

/* A check of the table failed on the future configuration, and on the present one too: did it say
 * nothing about the future one that it does not say about the present one? Numbers of lines do not
 * count. Then the change did not cause it. */
bool check_shows_nothing_new(const Strv *future, const Strv *present);

/* May it read the file below /etc, as far as is known? One of the profile may read any. */
bool check_may_read(const Check *check, const char *path);

/* Does a line of a check's output have a word of the content in it? Programs quote what they cannot
 * read, and a secret is shown nowhere. The data must be loaded. */
bool check_line_quotes(const char *line, const Content *content);
