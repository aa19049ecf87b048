/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* profile.conf: what native files cannot say. Checked as a whole: an unknown section or key, a
 * wrong value or a setting of a later version is one line "NAME:LINE: what, and what to do".
 *
 * That of a source with layers under it (layer.h) is what all of them say, farthest first, each
 * begun by a [Layer]. Lists add up and of other keys the last one counts, as if one had written it
 * all; besides, what a later layer says of a unit or a container replaces what an earlier one
 * does: Disable= and Mask= the other's Enable= and the reverse, a key of [Container] the same key.
 */

#include "base/arena.h"
#include "base/error.h"
#include "base/strv.h"
#include "diff/content.h"

#include <stdint.h>

typedef struct Tree Tree;

typedef struct FileRule {
        const char *path;  /* pattern relative to /etc: "ssl/private/key.pem", "ssl/?.key" */
        int mode;          /* -1: not given */
        const char *owner; /* NULL: not given */
        const char *group; /* NULL: not given */
        int secret;        /* -1, 0, 1 */
        unsigned line;     /* of Path= */
        unsigned owner_line;
} FileRule;

typedef struct TriggerRule {
        const char *unit; /* may be a template: then for each of its instances; several units: one
                             rule each */
        const char *const *files; /* absolute paths or globs below /etc */
        const unsigned *file_lines;
        size_t n_files;
        bool reload; /* else restart */
        unsigned line;
} TriggerRule;

typedef struct CheckRule {
        const char *command;          /* as written */
        const char *const *arguments; /* NULL-terminated */
        const char *const *files;     /* as above; none: it always runs */
        const unsigned *file_lines;
        size_t n_files;
        uint64_t timeout_usec; /* 0: the default; UINT64_MAX: none */
        unsigned line;         /* of Command= */
} CheckRule;

typedef enum OnChange {
        ON_CHANGE_DYNAMIC,  /* in place, or a reboot where it takes one */
        ON_CHANGE_ACTIVATE, /* never a reboot */
        ON_CHANGE_REBOOT,
        ON_CHANGE_NONE,
} OnChange;

/* What the .nspawn file of a container cannot say. */
typedef struct ContainerRule {
        const char *name;
        const char *root; /* absolute; NULL: the default */
        unsigned root_line;
        const char *profile; /* what runs inside is its default generation; NULL: what is beside the
                                .nspawn file */
        OnChange on_change;
        int auto_start; /* -1, 0, 1 */
        unsigned line;
} ContainerRule;

/* A word of a list in [Kernel]. */
typedef struct KernelWord {
        const char *text;
        unsigned line;
} KernelWord;

typedef struct KernelRule {
        unsigned line;       /* of its first header; 0: there is no [Kernel] */
        const char *version; /* of the kernel that boots; NULL: the boot loader's choice */
        unsigned version_line;
        const KernelWord *modules, *parameters, *requirements;
        size_t n_modules, n_parameters, n_requirements;
        const KernelWord *extra_modules, *firmware; /* directories of the source */
        size_t n_extra_modules, n_firmware;
        const KernelWord *initrd_modules;   /* loaded in there */
        const KernelWord *initrd_available; /* only to be had in there */
        size_t n_initrd_modules, n_initrd_available;
        unsigned console_log_level;
        unsigned console_log_level_line; /* 0: not given */
        bool vesa;
        bool only_own_requirements; /* Require= was emptied: nothing is required unasked */
        bool missing_is_warned;     /* RequireMissing=warn */
} KernelRule;

typedef struct UnitsRule {
        const char *unit;
        unsigned line;
} UnitsRule;

typedef struct BaseRule {
        const char *path; /* as written: relative; of Without= normalized */
        unsigned line;
} BaseRule;

typedef struct LayerLines {
        const char *file; /* "../../roles/common/profile.conf", "profile.conf" */
        unsigned line;    /* of its [Layer]'s Name=: the next one is the file's first */
} LayerLines;

typedef struct ProfileConf {
        const char *description; /* NULL: none */
        const BaseRule *bases; /* what is to be laid under it; none where [Layer] says what is in */
        size_t n_bases;
        const BaseRule *without; /* what is not to be of these: paths and globs in a source; where
                                    [Layer] says what is in, it was done */
        size_t n_without;
        const LayerLines *layers; /* by line */
        size_t n_layers;
        const UnitsRule *enable, *disable, *mask;
        size_t n_enable, n_disable, n_mask;
        const FileRule *files;
        size_t n_files;
        const TriggerRule *triggers;
        size_t n_triggers;
        const CheckRule *checks;
        size_t n_checks;
        const ContainerRule *containers; /* each name once */
        size_t n_containers;
        KernelRule kernel;
} ProfileConf;

/* name stands before ":LINE: " in errors. The result lives in the arena. Returns 0 or -EBADMSG. */
int profile_conf_parse(Arena *arena,
                const char *name,
                Contents *contents,
                Content *content,
                const ProfileConf **ret_conf,
                Error *reterr) must_check;

/* The same, but goes on after each fault, without what it is about, and notes it in faults. */
int profile_conf_parse_all(Arena *arena,
                const char *name,
                Contents *contents,
                Content *content,
                Strv *faults,
                const ProfileConf **ret_conf,
                Error *reterr) must_check;

/* Of a tree: what its profile.conf says, which was checked when it was rendered; one that says
 * nothing where there is none. */
int profile_conf_of(Arena *arena,
                const Tree *tree,
                Contents *contents,
                const ProfileConf **ret_conf,
                Error *reterr) must_check;

/* Does a later layer than the one of the line take away what this one has at the path? Returns 1, 0
 * or -ENOMEM. */
int profile_conf_takes_away(
                Arena *arena, const ProfileConf *conf, const char *path, unsigned line) must_check;

/* The file that a line is written in, as seen from the source: "profile.conf", or that of a layer;
 * *line becomes the line there. */
const char *profile_conf_file(const ProfileConf *conf, unsigned *line);
/* "FILE:LINE" of it, in the arena; NULL when memory is short. */
const char *profile_conf_place(Arena *arena, const ProfileConf *conf, unsigned line) must_check;
