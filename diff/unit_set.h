/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The units that one tree defines for one manager, merged from their files, templates and drop-ins
 * (rule R2), with aliases, masks and links. A unit is asked for by name: of an instance its
 * template counts, and a name that the tree does not define is a unit of the distribution, to which
 * drop-ins may add.
 *
 * Of two trees most is the same, and of most units nobody asks: a set takes what is the same from
 * another one, keeps links as ranges of the tree, and merges a unit when it is asked for. */

#include "base/arena.h"
#include "base/map.h"
#include "diff/fstab.h"
#include "diff/list.h"
#include "diff/relation.h"
#include "diff/tree.h"
#include "diff/unit_name.h"
#include "diff/unit_text.h"

/* What the tree has at the place of a unit's file. */
typedef struct Fragment {
        const char *name;
        const Entry *entry;     /* NULL: a line of fstab */
        const FstabUnit *fstab; /* NULL: a file or link */
        TextPart part;          /* without file and identity for an alias or a mask */
        const char *alias_of;   /* a link to another unit */
        bool is_mask;
} Fragment;

typedef struct DropIn {
        const char *file_name;
        const Entry *entry;
        TextPart part;
        struct DropIn *next; /* by file name */
} DropIn;

typedef struct EntryRange {
        size_t first, end; /* of the tree's entries */
} EntryRange;

/* What lies in the directories STEM.d, STEM.wants, STEM.requires and STEM.upholds, where STEM is a
 * unit, a template, a prefix ("app-.service") or a type ("service"). */
typedef struct UnitDirectory {
        const char *stem;
        DropIn *drop_ins, *last_drop_in;
        EntryRange links[3]; /* as unit_link_kinds */
} UnitDirectory;
extern const RelationKind unit_link_kinds[3];

/* One link in such a directory. */
typedef struct UnitLink {
        const char *name; /* what is linked */
        const UnitDirectory *directory;
        RelationKind kind;
        struct UnitLink *next; /* of the same name */
} UnitLink;

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
        const struct UnitSet *like;
        List fragments;   /* of Fragment: by name, fstab's behind */
        List differing;   /* of Fragment: what the other set has not so, and what only that has */
        List directories; /* of UnitDirectory: by stem */
        List instance_links;  /* of UnitLink: where an instance is linked */
        Map fragment_by_name; /* where there is another set: only what differs from it */
        Map directory_by_stem;
        Map alias_by_name; /* alias -> name */
        Map aliases_of;    /* name -> AliasList * */
        Map link_by_name;  /* linked -> UnitLink *; see unit_set_links() */
        bool same_links;   /* as the other set */
        bool has_prefixes; /* there are directories of prefixes */
        bool has_mounts;   /* mount units are defined */
} UnitSet;

typedef struct UnitSetInput {
        Arena *arena;
        const Tree *tree;
        Contents *contents;
        const char *directory; /* "systemd/system/" or "systemd/user/" */
} UnitSetInput;

/* All that the input points to must outlive the set, like too: a set of another tree (may be NULL).
 */
int unit_set_init(UnitSet *set, const UnitSet *like, const UnitSetInput *input, Error *reterr)
                must_check;
void unit_set_done(UnitSet *set);

/* NULL: the tree has nothing at the place of this unit's file. */
const Fragment *unit_set_fragment(const UnitSet *set, const char *name);
/* The links of this name. */
const UnitLink *unit_set_links(const UnitSet *set, const char *name);
/* Walks the links of a directory: start with *position = 0. Returns false at the end. What is
 * linked need not be a valid name. */
bool unit_directory_next(const UnitSet *set,
                const UnitDirectory *directory,
                size_t *position,
                UnitLink *ret_link);

/* The name under which a unit is known; the name itself unless it is an alias. NULL when memory is
 * short. */
const char *unit_set_real_name(const UnitSet *set, const char *name) must_check;

/* foo@x.service and foo@.service: how instances are linked. */
bool unit_is_instance_of(const char *name, const char *template_name);

/* unit_merge.c: the unit of a real, valid name: in the set's arena. When it is all the same as like
 * (of another tree; may be NULL), like is given. NULL when memory is short. */
const Unit *unit_set_unit(const UnitSet *set, const char *name, const Unit *like) must_check;
/* The directories that concern a unit, nearest first. */
int unit_set_levels(const UnitSet *set,
                const char *name,
                const UnitDirectory *const **ret_levels,
                size_t *ret_n_levels) must_check;
