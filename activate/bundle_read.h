/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What lies in a bundle (bundle_store.h), read by the host and by the container's own program. */

#include "base/error.h"
#include "diff/content.h"

/* NAME of the directory, whole; -ENOENT: none there. */
int bundle_read_text(int dir_fd, const char *name, char **ret_text, Error *reterr) must_check;
/* As a ContentLoader gives it. */
int bundle_read_content(
                int bundle_fd, const Content *content, char **ret_data, Error *reterr) must_check;
