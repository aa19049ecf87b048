/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/bundle_prune.h"

#include "activate/bundle_journal.h"
#include "activate/bundle_roots.h"
#include "activate/bundle_store.h"
#include "base/map.h"
#include "diff/nspawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

static const char tree_prefix[] = "tree-";

/* What is named; none where there is no default: somebody is just making it. */
static int find_needed(const char *name, Strv *trees, Error *reterr) {
        static const char *const links[] = { "default", "active", "next" };
        cleanup(manifest_freep) Manifest *journal = NULL;
        char tree[BUNDLE_TREE_SIZE];
        int r = 0;
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(links); i++) {
                r = bundle_store_pointed(name, links[i], tree, reterr);
                if (r == 0 && i == 0)
                        return 0;
                if (r > 0 && strv_add_unique(trees, tree) < 0)
                        return error_oom(reterr);
        }
        if (r >= 0)
                r = bundle_journal_read(name, &journal, reterr);
        if (r > 0 && (strv_add_unique(trees, journal->from) < 0 ||
                                     strv_add_unique(trees, journal->to) < 0))
                return error_oom(reterr);
        return r < 0 ? r : 1;
}

typedef bool (*IsNeeded)(const void *userdata, const char *name);

/* What begins with a dot, and is not of a process that was interrupted. */
static bool is_at_work(const char *name) {
        static const char prefix[] = BUNDLE_TEMPORARY;
        if (strncmp(name, prefix, strlen(prefix)) != 0)
                return *name == '.';
        long pid = strtol(name + strlen(prefix), NULL, 10);
        return pid > 0 && pid <= INT_MAX && (kill((pid_t) pid, 0) == 0 || errno != ESRCH);
}

static bool tree_is_needed(const void *userdata, const char *name) {
        if (*name == '.')
                return is_at_work(name);
        return strncmp(name, tree_prefix, strlen(tree_prefix)) != 0 || strv_has(userdata, name);
}

static bool content_is_needed(const void *userdata, const char *name) {
        return is_at_work(name) || map_get(userdata, name);
}

/* Takes the descriptor. Returns how many went. */
static int remove_unneeded(int fd, IsNeeded is_needed, const void *userdata) {
        DIR *directory = fdopendir(fd);
        if (!directory) {
                int r = -errno;
                (void) close(fd); /* nothing was written */
                return r;
        }
        int r = 0;
        const struct dirent *child;
        while (r >= 0 && (errno = 0, child = readdir(directory)))
                if (!is_needed(userdata, child->d_name))
                        r = unlinkat(fd, child->d_name, 0) < 0 ? -errno : r + 1;
        if (r >= 0 && errno)
                r = -errno;
        (void) closedir(directory); /* nothing was written by it */
        return r;
}

static int remove_below(const char *path, IsNeeded is_needed, const void *userdata, Error *reterr) {
        int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        int r = fd < 0 ? -errno : remove_unneeded(fd, is_needed, userdata);
        return r < 0 ? error_set_errno(reterr, r, "%s", path) : r;
}

static int note_contents(const char *name,
                const char *tree_name,
                Contents *contents,
                Arena *arena,
                Map *digests,
                Error *reterr) {
        cleanup(tree_freep) Tree *tree = NULL;
        int r = bundle_store_read(name, tree_name, contents, &tree, reterr);
        for (size_t i = 0; r >= 0 && i < tree->n_entries; i++) {
                char *hex = arena_new(arena, char, DIGEST_HEX_SIZE);
                if (!tree->entries[i].content)
                        continue;
                if (!hex || map_put(digests, digest_to_hex(&tree->entries[i].content->digest, hex),
                                            hex) < 0)
                        return error_oom(reterr);
        }
        return r;
}

static int remove_contents(const char *name, const Strv *trees, const char *path, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        cleanup(map_donep) Map digests = { 0 };
        cleanup(contents_freep) Contents *contents = contents_new();
        int r = contents ? 0 : error_oom(reterr);
        for (size_t i = 0; r >= 0 && i < trees->n_items; i++)
                r = note_contents(name, trees->items[i], contents, &arena, &digests, reterr);
        return r < 0 ? r : remove_below(path, content_is_needed, &digests, reterr);
}

/* Not synced: should power fail, what comes back goes another time; and of a tree that is there
 * without its contents these are laid with it. */
static int prune_one(const char *name, Error *reterr) {
        cleanup_strv Strv trees = { 0 };
        char bundle[128], files[160];
        (void) snprintf(bundle, sizeof(bundle), NSPAWN_BUNDLES "/%.64s", name); /* fits, both */
        (void) snprintf(files, sizeof(files), "%s/files", bundle);
        int r = find_needed(name, &trees, reterr);
        if (r > 0)
                r = remove_below(bundle, tree_is_needed, &trees, reterr);
        return r <= 0 ? r : remove_contents(name, &trees, files, reterr);
}

void bundle_prune(void) {
        cleanup_strv Strv names = { 0 };
        Error ignored;
        int r = bundle_roots_list(&names, &ignored);
        for (size_t i = 0; r >= 0 && i < names.n_items; i++)
                if (prune_one(names.items[i], &ignored) < 0)
                        continue; /* the others have their turn */
}
