/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The units that one tree defines for one manager, merged from their files, templates and drop-ins
 * (rule R2), with aliases, masks and links. A unit is asked for by name: of an instance its
 * template counts, and a name that the tree does not define is a unit of the distribution, to which
 * drop-ins may add. */

#include "base/arena.h"
#include "base/map.h"
#include "diff/fstab.h"
#include "diff/relation.h"
#include "diff/tree.h"
#include "diff/unit_name.h"
#include "diff/unit_text.h"

/* A link in NAME.wants/, NAME.requires/ or NAME.upholds/. */
typedef struct UnitLink {
        const char *name; /* what is linked */
        RelationKind kind;
        const struct UnitLink *next;
} UnitLink;

typedef struct DropIn {
        const char *file_name;
        const TextPart *part;
        const struct DropIn *next;
} DropIn;

/* What lies in the directories STEM.d, STEM.wants … where STEM is a unit, a template, a prefix
 * ("app-.service") or a type ("service"). */
typedef struct UnitDirectory {
        const char *stem;
        const DropIn *drop_ins; /* by file name */
        const UnitLink *links;
        DropIn *last_drop_in;
        UnitLink *last_link;
} UnitDirectory;

/* What the tree has at the place of a unit's file. */
typedef struct Fragment {
        const char *name;
        const TextPart *part; /* NULL for an alias or a mask */
        const char *alias_of; /* a link to another unit */
        bool is_mask;
        const FstabUnit *fstab; /* a line of fstab, no file */
} Fragment;

typedef struct Unit {
        const char *name;
        UnitType type;
        UnitText text;     /* empty when masked */
        bool is_defined;   /* the tree has its file, or its template's; else, mask or not, the
                              distribution may */
        bool has_own_file; /* of this very name, no template */
        bool is_masked;
        bool has_own_drop_in; /* in a directory of its own, or of its template */
        bool is_type_wide; /* drop-ins of its type, as in service.d/, are all that the tree has */
        const FstabUnit *fstab;
        const UnitDirectory *const *levels; /* the directories that concern it, nearest first */
        size_t n_levels;
} Unit;

/* The other names of a unit. */
typedef struct AliasList {
        const char *name;
        const struct AliasList *next;
} AliasList;

typedef struct UnitSet {
        Arena *arena;
        const Tree *tree;
        Contents *contents;
        const char *directory; /* "systemd/system/" */
        Fragment **fragments;  /* in the order of their names, fstab's behind */
        size_t n_fragments, n_fragments_allocated;
        UnitDirectory **directories;
        size_t n_directories, n_directories_allocated;
        Map fragment_by_name, directory_by_stem;
        Map alias_by_name; /* alias -> name */
        Map aliases_of;    /* name -> AliasList * */
        bool has_prefixes; /* there are directories of prefixes */
        bool has_mounts;   /* mount units are defined */
} UnitSet;

/* directory: "systemd/system/" or "systemd/user/". Tree, contents and arena must outlive the set.
 */
int unit_set_init(UnitSet *set,
                Arena *arena,
                const Tree *tree,
                Contents *contents,
                const char *directory,
                Error *reterr) must_check;
void unit_set_done(UnitSet *set);

/* foo@x.service and foo@.service: how instances are linked. */
bool unit_is_instance_of(const char *name, const char *template_name);

/* The name under which a unit is known; the name itself unless it is an alias. NULL when memory is
 * short. */
const char *unit_set_real_name(const UnitSet *set, const char *name) must_check;

/* unit_merge.c: the unit of a real, valid name: in the set's arena. When it is all the same as like
 * (of another tree; may be NULL), like is given. NULL when memory is short. */
const Unit *unit_set_unit(const UnitSet *set, const char *name, const Unit *like) must_check;
