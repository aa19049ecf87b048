/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Layers: sources that lie under another one, as its [Profile] Base= says.
 *
 * 1. Each comes once, after all that it names in Base=, and those that one source names in the
 * order in which it does. Of two that have a path, the later one's entry counts; what lies below a
 * file or link of a later one is gone.
 * What a layer names in Without= is as if no earlier one had it.
 * 2. units/X and etc/systemd/system/X are one path.
 * 3. The profile.conf of all are put one behind the other, each behind a [Layer] that names it, and
 *    read as one file (profile_conf.h): so a generation has all of it, and lines are still told as
 *    they were written. */

#include "base/error.h"
#include "diff/source.h"

typedef struct LayerWithout {
        const char *path;         /* or glob, in the merged source; normalized */
        const char *file, *value; /* where it is written, and what */
        unsigned line;
} LayerWithout;

typedef struct Layer {
        const Source *source;
        const char *path;   /* from the one at the top: "../../roles/common"; "": itself */
        const char *prefix; /* where it lies in that: "", "containers/web/" */
        const LayerWithout *without;
        size_t n_without;
} Layer;

enum { LAYERS_MAX = 256 };

/* layers: as above, the source at the top last. */
int layers_merge(const Layer *layers,
                size_t n_layers,
                Contents *contents,
                Source **ret_source,
                Error *reterr) must_check;

/* The same for all names of one place in a source; NULL: memory is short. */
const char *layer_key(Arena *arena, const char *path) must_check;
/* By a path or glob of Without=; both are keys. */
bool layer_key_is_named(const char *pattern, const char *key);

/* The container in whose directory a profile.conf lies ("containers/web/profile.conf"): how much of
 * path is the prefix of its source; 0: the source's own one. -1: another file. */
int layer_conf_prefix(const char *path);
