/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Contents of files, interned by digest for the life of a run: equal contents are one Content, so
 * pointers can be compared, and what is derived from a content (the parsed unit file) is derived
 * once. */

#include "base/error.h"
#include "base/hash.h"

struct UnitFile;

typedef struct Content {
        Digest digest;
        size_t size_bytes;
        const char *data; /* size_bytes, and a NUL behind; NULL: not at hand yet, see content_load()
                           */
        const struct UnitFile *unit_file; /* set by unit_file_of(); NULL before */
} Content;

typedef struct Contents Contents;

/* Reads the data of a content that is known by its digest. Sets *ret_data to size_bytes + NUL, from
 * malloc(). */
typedef int (*ContentLoader)(
                void *userdata, const Content *content, char **ret_data, Error *reterr);

Contents *contents_new(void) must_check;
Contents *contents_free(Contents *contents);
DEFINE_CLEANUP(Contents, contents_free);
void contents_set_loader(Contents *contents, ContentLoader loader, void *userdata);

/* Interns a copy of the data. Returns 0 or a negative errno. */
int contents_add(Contents *contents,
                const void *data,
                size_t size_bytes,
                Content **ret_content,
                Error *reterr) must_check;
/* Interns by digest alone; the data come later, by the loader. */
int contents_add_known(Contents *contents,
                const Digest *digest,
                size_t size_bytes,
                Content **ret_content,
                Error *reterr) must_check;
/* Gives data that just turned up to a content that lacks them; takes the malloc()ed buffer (NUL
 * behind) in any case. */
int contents_give_data(Contents *contents, Content *content, char *data, Error *reterr) must_check;

/* Makes content->data be there. Returns 0, or a negative errno (-ENODATA: no loader). */
int content_load(Contents *contents, Content *content, Error *reterr) must_check;

/* Memory that lives as long as the contents, for what is derived from them. */
struct Arena *contents_arena(Contents *contents);
