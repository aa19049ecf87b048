/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* For the files of this room only: the layers of a source, read from where it was read, as
 * diff/layer.h puts them. */

#include "base/error.h"
#include "diff/source.h"

typedef struct LayerReader {
        /* Where a source that has Base= lies, and what no layer may lie above: normalized paths,
         * from malloc(). */
        int (*place)(void *userdata, char **ret_directory, char **ret_top, Error *reterr);
        /* Reads what lies in a directory; name: of it, for messages. -ENOENT, -ENOTDIR, -ELOOP: it
         * is no source; the message says why. */
        int (*read)(void *userdata,
                        const char *directory,
                        const char *name,
                        Source **ret_source,
                        Error *reterr);
        void *userdata;
        Contents *contents;
} LayerReader;

/* Lays under *source, sorted, all that it and its containers name by Base=; it is replaced where
 * there is any. Errors: "FILE:LINE: Base=PATH: what, and what to do". */
int layers_read(const LayerReader *reader, Source **source, Error *reterr) must_check;
