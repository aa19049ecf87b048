/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A source: the directory that a user writes, read in as values (state/ reads it, from a directory
 * or from git). */

#include "base/arena.h"
#include "base/error.h"
#include "base/strv.h"
#include "diff/content.h"

#include <stdbool.h>

typedef enum SourceKind {
        SOURCE_FILE,
        SOURCE_LINK,
        SOURCE_DIRECTORY,
} SourceKind;

typedef struct SourceEntry {
        const char *path; /* relative: "etc/motd", "units/web.service", "profile.conf" */
        SourceKind kind;
        bool executable;     /* files: the owner may execute */
        Content *content;    /* files */
        const char *target;  /* links */
        const char *written; /* of a layer: where it is written, from this source:
                                "../../roles/common/etc/motd"; NULL: where path says */
} SourceEntry;

typedef struct Source {
        Arena arena;
        const char *name;    /* as the user named it, for messages: "hosts/edge1" */
        size_t n_name_root;  /* how much of the name is no path: 5 of "HEAD:hosts/edge1" */
        const char **layers; /* laid under this one, farthest first: "../../roles/common" */
        size_t n_layers;
        Strv *faults;         /* where all that is wrong is collected; NULL: the first fault ends
                                 it; not owned */
        SourceEntry *entries; /* sorted by path, each once */
        size_t n_entries;
        size_t n_allocated;
} Source;

/* The limits of a source; each is checked where it is read and named in the error. Also in docs. */
enum {
        SOURCE_MAX_ENTRIES = 100000,
        SOURCE_MAX_DEPTH = 64,
        SOURCE_MAX_PATH_BYTES = 1024,
        SOURCE_MAX_FILE_BYTES = 64 * 1024 * 1024,
        UNIT_MAX_FILE_BYTES = 1024 * 1024,
        UNIT_MAX_LINE_BYTES = 64 * 1024,
};

Source *source_new(const char *name) must_check;
Source *source_free(Source *source);
DEFINE_CLEANUP(Source, source_free);
int source_add(Source *source, const SourceEntry *entry) must_check; /* copies the strings */
void source_sort(Source *source);
const SourceEntry *source_find(
                const Source *source, const char *path); /* sorted before; NULL: not there */

/* Is anything at this path, or below it? */
bool source_has_below(const Source *source, const char *path);

/* UTF-8 without control characters, as names and the targets of links have to be. */
bool source_name_is_clean(const char *text);

/* Where faults are collected, a refusal is noted and 0 returned: one goes on without what it is
 * about. Else code is returned as it is. */
int source_note_fault(const Source *source, int code, Error *error) must_check;

/* Where an entry is written, seen from the source. */
static inline const char *source_entry_file(const SourceEntry *entry) {
        return entry->written ? entry->written : entry->path;
}
/* The name, for people, of a file that is written at path, seen from the source: "hosts/edge1" and
 * "../../roles/common/etc/motd" make "roles/common/etc/motd". Cut where it does not fit. */
void source_file_name(const Source *source, const char *path, char *ret_name, size_t name_bytes);

/* Names at the top of a source that are no part of it, whatever they hold: .git*, README*,
 * LICENSE*. A reader need not go into them, rendering passes over them. */
bool source_leaves_out(const char *name);
