/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a switch would put into /etc, for who looks at it before. */

#include "activate/future.h"
#include "switch/prepare.h"

/* Only what changes; from malloc(), with the contents loaded. The strings are prepared's. */
int future_files_new(Host *host,
                const Prepared *prepared,
                FutureFile **ret_files,
                size_t *ret_n_files,
                Error *reterr) must_check;
