/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* profile.conf being read: what the files that know its sections share, and nobody else includes.
 */

#include "diff/profile_conf.h"
#include "diff/unit_file.h"

typedef struct ConfList {
        void *items;
        size_t n_items, n_allocated;
} ConfList;

typedef struct ConfReader {
        Arena *arena;
        const char *name;
        Strv *faults; /* NULL: the first one ends it */
        size_t n_faults;
        const char *description;
        ConfList bases, without;        /* BaseRule */
        ConfList layers;                /* LayerLines */
        ConfList enable, disable, mask; /* UnitsRule */
        ConfList files;         /* FileRule; the last one is that of the section being read */
        ConfList triggers;      /* TriggerRule */
        ConfList trigger_units; /* const char *, of the [Trigger] being read */
        ConfList watched;       /* const char *, Files= of the [Trigger] or [Check] being read */
        ConfList watched_lines; /* unsigned, of each of these */
        bool trigger_reload;
        ConfList checks;     /* CheckRule; the last one is that of the section being read */
        ConfList containers; /* ContainerRule; the same */
        /* what the [Container] being read says of it */
        bool gives_profile, gives_root, gives_on_change, gives_auto_start;
        ConfList modules, parameters, requirements; /* KernelWord */
        ConfList extra_modules, firmware;           /* KernelWord */
        ConfList initrd_modules, initrd_available;  /* KernelWord */
        KernelRule kernel;                          /* all of it but these */
} ConfReader;

/* Which [Layer] a line belongs to, from 1; 0: none is there. */
size_t conf_layer_of(const ConfReader *reader, unsigned line);

/* "NAME:LINE: TEXT". Returns -EBADMSG. */
int conf_refuse(const ConfReader *reader, unsigned line, Error *reterr, const char *format, ...)
                printf_like(4, 5);

/* Room for one more, not initialized; NULL when memory is short. */
void *conf_list_add(Arena *arena, ConfList *list, size_t item_bytes) must_check;
int conf_add_string(ConfReader *reader, ConfList *list, const char *text, Error *reterr) must_check;

/* The next word of a list; 1, 0 at the end. */
int conf_next_name(ConfReader *reader,
                const UnitLine *line,
                const char **text,
                const char **ret_word,
                Error *reterr) must_check;
int conf_check_unit_name(const ConfReader *reader,
                const UnitLine *line,
                const char *unit,
                Error *reterr) must_check;
/* What is wrong with the components of a path, for people; NULL: nothing. */
const char *conf_path_fault(const char *path);

/* What a section does with a value of one of its keys, at its header and at its end. */
typedef int (*ConfTakeValue)(ConfReader *reader, const UnitLine *line, Error *reterr);

typedef struct ConfKey {
        const char *name;
        ConfTakeValue take; /* NULL: of a later version */
} ConfKey;

typedef struct ConfSection {
        const char *name;
        int (*begin)(ConfReader *reader, unsigned line, Error *reterr);
        /* takes back what it refuses: where faults are collected, what follows sees no half rule */
        int (*end)(ConfReader *reader, unsigned line, Error *reterr);
        const char *list; /* of the keys, for people */
        ConfKey keys[12]; /* a NULL behind the last */
} ConfSection;

extern const ConfSection conf_section_file, conf_section_trigger, conf_section_check,
                conf_section_container, conf_section_layer, conf_section_kernel;
