/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Contents in the database: stored once, by digest. */

#include "base/error.h"
#include "diff/content.h"
#include "state/database.h"

/* For contents_set_loader(): userdata is the Database. The digest is verified: -EBADMSG. -ENOENT:
 * not stored. */
int database_content_loader(void *database, const Content *content, char **ret_data, Error *reterr);

/* Stores a content within the open transaction unless it is there. Its data are loaded when needed,
 * through contents; NULL: they are at hand, or it is stored. */
int database_store_content(Database *database,
                Contents *contents,
                Content *content,
                int64_t *ret_id,
                Error *reterr) must_check;

/* 1: stored, *ret_id set; 0: not. */
int database_find_content(Database *database, const Digest *digest, int64_t *ret_id, Error *reterr)
                must_check;
