/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The verbs, one file each. As Command.run takes them: an exit status, or a negative errno. */

#include "switch/options.h"

/* What a verb returns, with the reason in reterr, for arguments that cannot be meant: exit
 * status 2. */
enum { USAGE_ERROR = -4096 };

int cmd_boot(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_confirm(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_container(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_diff(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_export(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_generations(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_init(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_lint(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_log(const Options *options, char **arguments, size_t n_arguments, Error *reterr) must_check;
int cmd_pin(const Options *options, char **arguments, size_t n_arguments, Error *reterr) must_check;
int cmd_prune(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_recover(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_rehearse(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_rollback(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_show(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_states(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_status(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_switch(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_test(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int cmd_verify(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
