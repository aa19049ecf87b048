/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* One file, link or directory, made whole in a slot before it is renamed into place, and the facts
 * by which it is known again: after any crash, on any file system (inode numbers do not last on
 * all), and in a copy of the disk. */

#include "activate/fit.h"
#include "base/hash.h"

#include <stdbool.h>

typedef struct Staged {
        FoundKind kind; /* a file, link or directory */
        uint16_t mode;
        uint32_t uid, gid;
        uint64_t size_bytes; /* not of directories, as the time and digest */
        int64_t mtime_nsec;
        Digest digest; /* of the content or the target */
        bool has_twin; /* what it replaces agrees in mode, owner, size and time */
        Digest xattrs; /* then these tell them apart */
} Staged;

/* A name in an open directory, as openat() takes them. */
typedef struct Place {
        int dir_fd;
        const char *name;
} Place;

/* The ids of the entry's owner. Returns 0, or a negative errno with its text (-ESRCH). */
int staged_owner(const Entry *entry,
                const FitOptions *options,
                uint32_t *ret_uid,
                uint32_t *ret_gid,
                Error *reterr) must_check;

/* Makes what comes by the operation at a place where nothing is. Nothing is synced. Returns 0, or a
 * negative errno with the text "what: why" (-ESRCH: an owner that does not exist; -ENOSPC); then
 * something may be left there. */
int staged_make(const FitOperation *operation,
                const FitOptions *options,
                const Place *place,
                Staged *ret_staged,
                Error *reterr) must_check;

/* Is that what is at name? exactly: with mode, owner, time and what tells it from its twin, else
 * kind and bytes. Returns 1 or 0,
 * -ENOENT when nothing is there, another negative errno. */
int staged_is_at(const Staged *staged, int dir_fd, const char *name, bool exactly) must_check;
