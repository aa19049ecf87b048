/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Initrds made anew, each of them whole or as it was, whatever ends us:
 *
 *   1. initrd_begin: a journal, /var/lib/sysswitch/initrds, names each image; what an earlier run
 * left beside it goes
 *   2. initrd_make: the maker writes IMAGE.sysswitch-new beside it
 *   3. initrd_place: the journal has what was made, by its size and time; IMAGE is kept as
 * IMAGE.sysswitch-old, by a link (on FAT, by a copy; an empty one: there was none), then
 * IMAGE.sysswitch-new is renamed to it; all of it is on the disk when it returns
 *   4. initrd_settle: what was kept goes, or is renamed back where the image is still ours; then
 *      the journal goes
 *
 * No maker writes an image that a boot may take. So none of them has to be trusted to leave the old
 * one whole when it fails, and its own sync is not relied on. */

#include "base/arena.h"
#include "base/error.h"
#include "diff/initrd.h"

#include <stdint.h>

/* Behind the image's name: what its maker writes, and what is kept until the switch is committed.
 */
#define INITRD_NEW ".sysswitch-new"
#define INITRD_OLD ".sysswitch-old"

/* Which maker a host has; of several the one that its kernels' packages call. */
InitrdMaker initrd_maker_find(int root_fd);

/* Does kernel-install put what a maker makes into one image with the kernel? */
bool initrd_is_in_uki(int root_fd);

typedef struct InitrdImage {
        const char *path; /* absolute */
        bool is_there;
        uint64_t size_bytes;
        uint64_t left_bytes; /* of an earlier run, beside it: they go before it is made */
        bool is_fallback;    /* mkinitcpio's: for any hardware */
} InitrdImage;

/* A kernel's. */
typedef struct Initrd {
        InitrdMaker maker;
        const char *version;
        InitrdImage *images; /* one at least, where there is no uki */
        size_t n_images;
        const char *uki; /* the maker puts it into this file, too, or only, with the kernel; NULL */
} Initrd;

/* Where the images of a kernel are, or its maker would put one, each by itself; in the arena. */
int initrd_find(int root_fd,
                InitrdMaker maker,
                const char *version,
                Arena *arena,
                Initrd *ret_initrd,
                Error *reterr) must_check;

/* Of an image, in seconds. FAT has local time, of whatever zone the kernel thinks it is in, in
 * steps of two seconds. */
bool initrd_is_same_time(int64_t left, int64_t right);

typedef struct InitrdRun {
        uint64_t timeout_usec;     /* of each image; 0: none */
        bool (*should_stop)(void); /* may be NULL */
} InitrdRun;

/* The four steps, of the running host. What a maker said last is in its error. */
int initrd_begin(const char *state_directory,
                const Initrd *initrds,
                size_t n_initrds,
                Error *reterr) must_check;
int initrd_make(const Initrd *initrd, const InitrdRun *run, Error *reterr) must_check;
int initrd_place(const char *state_directory,
                const Initrd *initrds,
                size_t n_initrds,
                const InitrdRun *run,
                Error *reterr) must_check;
typedef struct InitrdSettle {
        bool is_commit;   /* else the old ones are put back */
        bool is_starting; /* a boot waits for it: a boot loader's hook has less time */
} InitrdSettle;

/* Does nothing without a journal. May be interrupted, and done again. Returns 0, or 1 when a boot
 * loader's hook failed on an image that is back: reterr is that warning. */
int initrd_settle(
                const char *state_directory, const InitrdSettle *settle, Error *reterr) must_check;
