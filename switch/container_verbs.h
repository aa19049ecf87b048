/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What 'sysswitch container' can do, each as Command.run takes it, with what follows its name. */

#include "switch/options.h"

int container_list(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
/* Their units are acted on, and awaited. */
int container_reboot(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int container_activate(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int container_shell(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int container_show_log(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
int container_remove(const Options *options, char **arguments, size_t n_arguments, Error *reterr)
                must_check;
