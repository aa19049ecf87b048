/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Modules that are loaded, and are not what their file below /lib is: that takes a boot. A build is
 * known by its id, which the kernel keeps of what it loaded. */

#include "switch/host.h"

/* Their names, of those that the tree has files for. Of compressed files, and of modules without an
 * id, nobody knows. */
int loaded_modules_find(Host *host, const Tree *tree, Strv *ret_names, Error *reterr) must_check;

/* Why a switch that makes these changes takes a boot, for people: loaded modules whose file
 * becomes, or was, another one than what is loaded. Where nobody knows, it does. */
int loaded_modules_reasons(Host *host,
                const TreeChange *changes,
                size_t n_changes,
                Strv *ret_reasons,
                Error *reterr) must_check;
