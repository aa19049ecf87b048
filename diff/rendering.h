/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A rendering at work: what the parts of render() share, and nobody else includes. Entries are
 * placed below /etc one by one, first those that the user wrote, then those that follow from them;
 * a path is given once. */

#include "base/map.h"
#include "base/text.h"
#include "diff/profile_conf.h"
#include "diff/render.h"
#include "diff/unit_file.h"

/* The two directories of /etc in which a manager looks for units. */
typedef enum UnitScope {
        SCOPE_SYSTEM,
        SCOPE_USER,
        N_UNIT_SCOPES,
} UnitScope;

/* A unit file that the source brings, no alias and no mask. */
typedef struct RenderedUnit {
        const Entry *entry;
        const char *name; /* slice of entry->path */
        UnitScope scope;
} RenderedUnit;

/* A drop-in with an [Install] section: rare, and of effect on the links of its unit. */
typedef struct InstallDropIn {
        UnitScope scope;
        const char *unit;      /* "foo.service" for foo.service.d/10.conf */
        const char *file_name; /* "10.conf" */
        const Entry *entry;
        struct InstallDropIn *next;
} InstallDropIn;

typedef struct Rendering {
        const Source *source;
        Contents *contents;
        const Distribution *distribution; /* NULL: no host at hand */
        const ProfileConf *conf;          /* an empty one where there is no file */
        Tree *tree;                       /* every string of an entry is in its arena */
        Arena scratch;
        Entry **entries; /* as they were placed */
        size_t n_entries, n_allocated;
        Map placed;     /* path below /etc -> Entry * */
        Map placed_lib; /* path below /lib -> Entry * */
        RenderedUnit *units;
        size_t n_units, n_units_allocated;
        InstallDropIn *install_drop_ins; /* in the order of their file names */
        Map disabled;                    /* unit -> UnitsRule * of Disable= */
} Rendering;

/* "SOURCE/FILE:LINE: TEXT", without the line when it is 0. Returns -EBADMSG. */
int rendering_refuse(const Rendering *rendering,
                const char *file,
                unsigned line,
                Error *reterr,
                const char *format,
                ...) printf_like(5, 6);

/* r, or 0 where faults are collected and it was one: it is noted. */
static inline int rendering_go_on(const Rendering *rendering, int r, Error *reterr) {
        return r < 0 ? source_note_fault(rendering->source, r, reterr) : r;
}

/* The same name alone: of a line of profile.conf, the layer's file and line. */
void rendering_name_file(const Rendering *rendering,
                const char *file,
                unsigned *line,
                char *ret_name,
                size_t name_bytes);

/* Places an entry whose strings live in the tree's arena, and the directories above it (none above
 * an absent one). A directory may be placed where one is. Sets *ret_entry (may be NULL) to what is
 * there now. */
int rendering_place(Rendering *rendering, const Entry *entry, Entry **ret_entry, Error *reterr)
                must_check;

/* The same for what the source has, as it is there. origin and path are strings of the tree's
 * arena.
 */
int rendering_place_from(Rendering *rendering,
                const SourceEntry *from,
                EntryRoot root,
                const char *path,
                const char *origin,
                Entry **ret_entry,
                Error *reterr) must_check;

/* NULL: nothing was placed there. */
static inline Entry *rendering_at(const Rendering *rendering, const char *path) {
        return map_get(&rendering->placed, path);
}

/* The parts one behind the other, in the arena; NULL when memory is short. */
#define JOIN(arena, ...) join_parts((arena), (const char *const[]){ __VA_ARGS__, NULL })
const char *join_parts(Arena *arena, const char *const *parts) must_check;

/* A link to /dev/null or an empty file: what masks a unit, or a drop-in of the same name further
 * away. */
bool rendering_is_mask(const Entry *entry);

const char *unit_scope_directory(UnitScope scope); /* "systemd/system/" */

/* unit_directory.c: what lies in a directory of units, units/ and etc/systemd/system/ alike. Checks
 * the source entry placed as the entry (name: its path below the directory), and notes the units
 * and drop-ins that enablement reads. */
int rendering_check_unit_path(Rendering *rendering,
                UnitScope scope,
                const char *name,
                const Entry *entry,
                Error *reterr) must_check;

/* unit_directory.c: the parsed form of a text of the source, with "SOURCE/FILE:LINE: " before what
 * is wrong with it. Where faults are collected all of them are noted, and the rest of it is read.
 */
int rendering_parse(Rendering *rendering,
                Content *content,
                const char *origin,
                const UnitFile **ret_file,
                Error *reterr) must_check;

/* warning.c: what is odd in a unit of this type ("service") or its drop-in, and in profile.conf
 * once all of the source is placed. */
int rendering_warn_of_sections(Rendering *rendering,
                const char *type,
                const Entry *entry,
                const UnitFile *file,
                Error *reterr) must_check;
int rendering_warn_of_units(Rendering *rendering, Error *reterr) must_check;
/* Files= of the source's own rules that name nothing of it. */
int rendering_warn_of_files(Rendering *rendering, Error *reterr) must_check;
int rendering_warn_of_drop_ins(Rendering *rendering, Error *reterr) must_check;

/* render_container.c: containers/, once all else that was written is placed. */
int rendering_add_containers(Rendering *rendering, Error *reterr) must_check;

/* render_kernel.c: files that follow from [Kernel], once all that was written is placed. */
int rendering_add_kernel(Rendering *rendering, Error *reterr) must_check;

/* render_lib.c: what lies in a directory of ExtraModules= or Firmware=. 1: it was taken, or leads
 * to such a directory; 0: it is none of it. */
int rendering_place_lib(Rendering *rendering, const SourceEntry *from, Error *reterr) must_check;
/* Are these directories there? */
int rendering_check_lib(Rendering *rendering, Error *reterr) must_check;

/* render_initrd.c: files of the initrd's maker, likewise. */
int rendering_add_initrd(Rendering *rendering, Error *reterr) must_check;

/* A file below /etc, of root's, that follows from a line of profile.conf; text is emptied. */
int rendering_place_text(Rendering *rendering,
                const char *path,
                uint16_t mode,
                unsigned line,
                Text *text,
                Error *reterr) must_check;

/* enablement.c: the links that follow from [Install], Enable=, Disable= and Mask=, once all of the
 * source is placed. */
int rendering_add_enablement(Rendering *rendering, Error *reterr) must_check;
