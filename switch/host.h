/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* What a run works on: this host, or the directory of --root=; its state, its units, its manager.
 */

#include "activate/distribution.h"
#include "activate/owner.h"
#include "activate/root.h"
#include "activate/systemd.h"
#include "base/error.h"
#include "diff/content.h"
#include "state/database.h"
#include "state/generation.h"
#include "state/git_memory.h"

/* What --root=/ is opened as: an image where no systemd runs, as in a chroot, else this host. */
#define ROOT_ITSELF "/."

typedef struct Host {
        const char *root; /* "/" or the directory of --root= */
        bool is_image;    /* --root=: no manager is spoken to, no unit acts */
        bool is_starting; /* early in boot: no unit acts, what will be started is started later */
        int root_fd;
        char *etc_path;
        Root etc; /* fd -1: not opened, or an image has none yet */
        char *lib_path;
        Root lib;              /* etc.lib; fd -1: there is none */
        Owners *owners;        /* NULL: an image, without root: owners are left alone */
        int lock_fd;           /* -1: not locked */
        char *state_directory; /* ROOT/var/lib/sysswitch */
        const char *profile_name;
        bool is_of_containers; /* the profile is no host's: containers follow it */
        Profile profile;       /* as it was when the database was opened */
        Contents *contents;
        Tree *active;       /* see host_active_tree() */
        Database *database; /* NULL: none there yet (read), or not opened */
        DistributionUnits *distribution;
        GitMemory *git_memory; /* for several sources in git; not owned, NULL else */
        Strv *faults; /* where those of the sources that are read are collected; NULL: the first
                         one ends it */
        struct LiveFile *elsewhere; /* the host that is looked at is another one, and this is known
                                       of it: its distribution counts; not owned, NULL else */
        Systemd *systemd;           /* NULL: image, or not connected */
} Host;

/* Units run here, and act. */
static inline bool host_has_units(const Host *host) {
        return !host->is_image && !host->is_starting;
}

/* Opens the root and, in the given mode, the database. A database that is not there is no error for
 * DATABASE_READ. */
int host_open(const char *root,
                const char *profile_name,
                DatabaseMode mode,
                Host *ret_host,
                Error *reterr) must_check;
/* The same, to read, for verbs about what was switched. -ENOENT: of this profile of containers
 * nothing ever was. */
int host_open_switched(const char *root, const char *profile_name, Host *ret_host, Error *reterr)
                must_check;
int host_check_switched(const Host *host, Error *reterr) must_check;
/* For verbs that need no state at all (diff of two sources): contents and distribution only, no
 * database. */
int host_open_stateless(const char *root, const char *profile_name, Host *ret_host, Error *reterr)
                must_check;
/* For recovery without a database: the root and its /etc. */
int host_open_files(const char *root, const char *profile_name, Host *ret_host, Error *reterr)
                must_check;
/* Of one that was opened so: takes the lock where it can be had. -EBUSY: somebody else has it. */
int host_lock_files(Host *host, const char *what, Error *reterr) must_check;
/* The tree of the active generation, loaded once; the host's. Load it before a source is read: what
 * did not change then has its data already, all of them by one query. */
int host_active_tree(Host *host, const Tree **ret_tree, Error *reterr) must_check;
/* Takes the switch lock and looks at the profile again: what was read before may have moved. The
 * lock ends with the host. what: "switch examples/edge1 by root". -EBUSY: the holder is named. */
int host_lock(Host *host, const char *what, Error *reterr) must_check;
/* Works on another profile from now on, NAME must outlive that; read by host_refresh(). */
void host_set_profile(Host *host, const char *name);
/* Reads the profile again, after something else than this run's own switch may have moved it; the
 * active tree is loaded anew when it is asked for. */
int host_refresh(Host *host, Error *reterr) must_check;
/* Opens the database again for writing, once the lock is held: created and migrated when needed; so
 * is the etc of an image. */
int host_make_writable(Host *host, Error *reterr) must_check;
/* Connects to the manager, once. -ENOENT with what to do when there is none. Does nothing for an
 * image. */
int host_connect(Host *host, Error *reterr) must_check;
void host_done(Host *host);
static inline void host_donep(Host *host) {
        host_done(host);
}
