/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/bundle_store.h"

#include "activate/bundle_journal.h"
#include "activate/bundle_read.h"
#include "activate/bytes.h"
#include "activate/idmap.h"
#include "base/map.h"
#include "diff/bundle.h"
#include "diff/nspawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define GUEST_NAME "sysswitch-guest"

static int make_below(int dir_fd, const char *name, mode_t mode) {
        if (mkdirat(dir_fd, name, mode) < 0 && errno != EEXIST)
                return -errno;
        int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static int open_bundle(const char *name, bool make, int *ret_fd, Error *reterr) {
        if (make && mkdir(NSPAWN_BUNDLES, 0700) < 0 && errno != EEXIST)
                return error_set_errno(reterr, -errno, NSPAWN_BUNDLES);
        cleanup_fd int all = open(NSPAWN_BUNDLES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int fd = all < 0 ? -errno
                 : make  ? make_below(all, name, 0755)
                         : openat(all, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return error_set_errno(
                                reterr, make || all < 0 ? fd : -errno, NSPAWN_BUNDLES "/%s", name);
        *ret_fd = fd;
        return 0;
}

/* A start of the container, its activation and a switch may write side by side. */
static void name_temporary(const char *name, char *ret_temporary, size_t size) {
        (void) snprintf(ret_temporary, size, BUNDLE_TEMPORARY "%d-%.80s", (int) getpid(),
                        name); /* fits */
}

/* What a bundle lacks is written here. */
typedef struct Laying {
        int fd;           /* of the bundle */
        const char *name; /* the container's */
        Strv *laid;
} Laying;

/* directory: "" or one below, with a slash. */
static int write_file(const Laying *laying,
                const char *directory,
                const char *name,
                mode_t mode,
                const char *data,
                size_t size) {
        char temporary[128], below[160];
        cleanup_free char *path = NULL;
        name_temporary(name, temporary, sizeof(temporary));
        (void) snprintf(below, sizeof(below), "%s%s", directory, temporary); /* fits */
        (void) unlinkat(laying->fd, below, 0); /* of one that was interrupted */
        cleanup_fd int fd =
                        openat(laying->fd, below, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
        int r = fd < 0 ? -errno : write_bytes(fd, data, size);
        if (r >= 0 && fchmod(fd, mode) < 0)
                r = -errno;
        if (r >= 0 && asprintf(&path, "%s/%s%s", laying->name, directory, name) < 0)
                r = -ENOMEM;
        return r < 0 ? r : strv_add(laying->laid, path);
}

static int give_name(int all_fd, const char *path) {
        const char *name = strrchr(path, '/') + 1;
        char temporary[128];
        cleanup_free char *from = NULL;
        name_temporary(name, temporary, sizeof(temporary));
        if (asprintf(&from, "%.*s%s", (int) (name - path), path, temporary) < 0) {
                from = NULL;
                return -ENOMEM;
        }
        return renameat(all_fd, from, all_fd, path) < 0 ? -errno : 0;
}

int bundle_store_name(const Strv *laid, Error *reterr) {
        if (laid->n_items == 0)
                return 0;
        cleanup_fd int fd = open(NSPAWN_BUNDLES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        int r = fd < 0 ? -errno : 0;
        for (size_t i = 0; r >= 0 && i < laid->n_items; i++)
                r = give_name(fd, laid->items[i]);
        return r < 0 ? error_set_errno(reterr, r, NSPAWN_BUNDLES) : 0;
}

/* Root inside is the owner of what root outside has written, where owners are mapped. Else it is
 * another: then what keeps others away are the directories above, on both sides. */
static int mode_of_contents(int files_fd, mode_t *ret_mode) {
        bool is_mapped = idmap_is_possible(NSPAWN_BUNDLES, "");
        if (!is_mapped && fchmod(files_fd, 0755) < 0)
                return -errno;
        *ret_mode = is_mapped ? 0400 : 0444;
        return 0;
}

static int lay_contents(
                const Laying *laying, const Tree *inside, Contents *contents, Error *reterr) {
        cleanup_fd int files_fd = make_below(laying->fd, "files", 0700);
        cleanup(map_donep) Map written = { 0 };
        mode_t mode = 0; /* of those that are missing, which are few */
        if (files_fd < 0)
                return error_set_errno(reterr, files_fd, "files");
        for (size_t i = 0; i < inside->n_entries; i++) {
                Content *content = inside->entries[i].content;
                char hex[DIGEST_HEX_SIZE];
                if (!content || faccessat(files_fd, digest_to_hex(&content->digest, hex), F_OK,
                                                0) == 0)
                        continue;
                const void *key = &content->digest;
                if (map_get_n(&written, key, sizeof(content->digest)))
                        continue;
                int r = content_load(contents, content, reterr);
                if (r < 0)
                        return r;
                if (!mode)
                        r = mode_of_contents(files_fd, &mode);
                if (r >= 0)
                        r = write_file(laying, "files/", hex, mode, content->data,
                                        content->size_bytes);
                if (r >= 0)
                        r = map_put_n(&written, key, sizeof(content->digest), content);
                if (r < 0)
                        return error_set_errno(reterr, r, "%s", inside->entries[i].path);
        }
        return 0;
}

/* To be compared, which is most of what is ever done with it: not copied. The size is 0 where there
 * is nothing. */
typedef struct Mapping {
        void *data;
        size_t size;
} Mapping;

static void mapping_donep(Mapping *mapping) {
        if (mapping->size > 0)
                (void) munmap(mapping->data, mapping->size); /* only read */
}

static int map_file(int dir_fd, const char *path, Mapping *ret_mapping) {
        cleanup_fd int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC);
        struct stat st;
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size == 0)
                return -ENODATA;
        void *data = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data == MAP_FAILED)
                return -errno;
        *ret_mapping = (Mapping){ .data = data, .size = (size_t) st.st_size };
        return 0;
}

/* It is installed with the program that runs. */
static int lay_guest(const Laying *laying, Error *reterr) {
        char path[PATH_MAX + 64];
        ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
        if (length < 0)
                return error_set_errno(reterr, -errno, "/proc/self/exe");
        path[length] = 0;
        char *slash = strrchr(path, '/');
        (void) strcpy(slash, "/../libexec/sysswitch/" GUEST_NAME); /* room for it is left */
        cleanup(mapping_donep) Mapping ours = { 0 };
        cleanup(mapping_donep) Mapping there = { 0 };
        int r = map_file(AT_FDCWD, path, &ours);
        if (r < 0)
                return error_set_errno(reterr, r, "%s", path);
        if (map_file(laying->fd, GUEST_NAME, &there) >= 0 && there.size == ours.size &&
                        memcmp(there.data, ours.data, ours.size) == 0)
                return 0;
        r = write_file(laying, "", GUEST_NAME, 0755, ours.data,
                        ours.size); /* whatever is wrong with it */
        return r < 0 ? error_set_errno(reterr, r, "Copying %s", path) : 0;
}

int bundle_store_lay(const char *name,
                const Tree *inside,
                Contents *contents,
                Strv *laid,
                char *ret_tree,
                Error *reterr) {
        cleanup_fd int fd = -1;
        cleanup_free char *text = NULL;
        Digest digest;
        char hex[DIGEST_HEX_SIZE];
        int r = open_bundle(name, true, &fd, reterr);
        if (r < 0)
                return r;
        const Laying laying = { .fd = fd, .name = name, .laid = laid };
        if (bundle_format(inside, &text) < 0)
                return error_oom(reterr);
        r = digest_of(text, strlen(text), &digest);
        if (r < 0)
                return error_set_errno(reterr, r, "SHA-256");
        (void) snprintf(ret_tree, BUNDLE_TREE_SIZE, "tree-%s",
                        digest_to_hex(&digest, hex)); /* fits */
        r = lay_guest(&laying, reterr);
        if (r >= 0)
                r = lay_contents(&laying, inside, contents, reterr);
        if (r < 0)
                return error_prefix(reterr, NSPAWN_BUNDLES "/%s", name);
        /* it was written whole, and its name is its digest */
        r = faccessat(fd, ret_tree, F_OK, 0) == 0
                            ? 0
                            : write_file(&laying, "", ret_tree, 0444, text, strlen(text));
        return r < 0 ? error_set_errno(reterr, r, NSPAWN_BUNDLES "/%s", name) : 0;
}

static int replace_link(int fd, const char *link, const char *tree) {
        char temporary[128];
        name_temporary(link, temporary, sizeof(temporary));
        (void) unlinkat(fd, temporary, 0); /* of one that was interrupted */
        return symlinkat(tree, fd, temporary) < 0 || renameat(fd, temporary, fd, link) < 0 ? -errno
                                                                                           : 0;
}

int bundle_store_point(const char *name, const char *link, const char *tree, Error *reterr) {
        cleanup_fd int fd = -1;
        int r = open_bundle(name, false, &fd, reterr);
        if (r < 0)
                return r;
        if (!tree)
                r = unlinkat(fd, link, 0) < 0 && errno != ENOENT ? -errno : 0;
        else
                r = replace_link(fd, link, tree);
        return r < 0 ? error_set_errno(reterr, r, NSPAWN_BUNDLES "/%s/%s", name, link) : 0;
}

int bundle_store_pointed(const char *name, const char *link, char *ret_tree, Error *reterr) {
        cleanup_fd int fd = -1;
        *ret_tree = 0;
        int r = open_bundle(name, false, &fd, reterr);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        ssize_t length = readlinkat(fd, link, ret_tree, BUNDLE_TREE_SIZE - 1);
        if (length < 0 && errno != ENOENT)
                return error_set_errno(reterr, -errno, NSPAWN_BUNDLES "/%s/%s", name, link);
        ret_tree[length < 0 ? 0 : length] = 0;
        return length >= 0;
}

int bundle_store_tell(const char *name, const char *options, Error *reterr) {
        char text[128];
        cleanup_fd int fd = -1;
        int r = open_bundle(name, false, &fd, reterr);
        if (r < 0)
                return r;
        cleanup_fd int file_fd = openat(fd, NSPAWN_OPTIONS_FILE,
                        O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
        (void) snprintf(text, sizeof(text), NSPAWN_OPTIONS "=%s\n", options); /* fits */
        r = file_fd < 0 ? -errno : write_bytes(file_fd, text, strlen(text));
        return r < 0 ? error_set_errno(reterr, r, NSPAWN_BUNDLES "/%s/" NSPAWN_OPTIONS_FILE, name)
                     : 0;
}

int bundle_store_wanted(const char *name, char *ret_tree, Error *reterr) {
        int r = bundle_store_pointed(name, "next", ret_tree, reterr);
        if (r == 0)
                r = bundle_store_pointed(name, "default", ret_tree, reterr);
        if (r == 0)
                return error_set(reterr, -ENOENT, "Nothing is declared for container %s", name);
        return r < 0 ? r : 0;
}

static int load(void *userdata, const Content *content, char **ret_data, Error *reterr) {
        const char *name = userdata;
        cleanup_fd int fd = -1;
        int r = open_bundle(name, false, &fd, reterr);
        return r < 0 ? r : bundle_read_content(fd, content, ret_data, reterr);
}

int bundle_store_read(const char *name,
                const char *tree,
                Contents *contents,
                Tree **ret_tree,
                Error *reterr) {
        cleanup_fd int fd = -1;
        cleanup_free char *text = NULL;
        int r = open_bundle(name, false, &fd, reterr);
        if (r >= 0)
                r = bundle_read_text(fd, tree, &text, reterr);
        if (r < 0)
                return r;
        contents_set_loader(contents, load, (void *) (uintptr_t) name); /* only read */
        return bundle_parse(text, contents, ret_tree, reterr);
}

static int is_half_way(const char *name, const Manifest *journal, Error *reterr) {
        char active[BUNDLE_TREE_SIZE];
        int r = bundle_store_pointed(name, "active", active, reterr);
        return r < 0 ? r : strcmp(active, journal->to) != 0;
}

int bundle_store_is_half_way(const char *name, Error *reterr) {
        cleanup(manifest_freep) Manifest *journal = NULL;
        int r = bundle_journal_read(name, &journal, reterr);
        return r > 0 ? is_half_way(name, journal, reterr) : r;
}

/* Of an activation that is over. One that was cut off is still to be taken back. */
static int end_journal(const char *name, Error *reterr) {
        cleanup(manifest_freep) Manifest *journal = NULL;
        int r = bundle_journal_read(name, &journal, reterr);
        if (r > 0 && (r = is_half_way(name, journal, reterr)) == 0)
                r = bundle_journal_drop(name, reterr);
        return r;
}

static int settle_one(const char *name, bool is_commit, Error *reterr) {
        cleanup_fd int fd = -1;
        int r = open_bundle(name, false, &fd, reterr);
        if (r < 0)
                return r;
        if (is_commit && (r = end_journal(name, reterr)) < 0)
                return r;
        if (unlinkat(fd, "force", 0) < 0 && errno != ENOENT)
                return error_set_errno(reterr, -errno, NSPAWN_BUNDLES "/%s", name);
        if (is_commit)
                r = renameat(fd, "next", fd, "default");
        else
                r = unlinkat(fd, "next", 0);
        return r < 0 && errno != ENOENT
                               ? error_set_errno(reterr, -errno, NSPAWN_BUNDLES "/%s", name)
                               : 0;
}

int bundle_store_settle(bool is_commit, Error *reterr) {
        DIR *directory = opendir(NSPAWN_BUNDLES);
        if (!directory)
                return errno == ENOENT ? 0 : error_set_errno(reterr, -errno, NSPAWN_BUNDLES);
        int r = 0;
        const struct dirent *child;
        while (r >= 0 && (errno = 0, child = readdir(directory)))
                if (*child->d_name != '.')
                        r = settle_one(child->d_name, is_commit, reterr);
        if (r >= 0 && errno)
                r = error_set_errno(reterr, -errno, NSPAWN_BUNDLES);
        if (r >= 0 && !is_commit && syncfs(dirfd(directory)) < 0)
                r = error_set_errno(reterr, -errno, NSPAWN_BUNDLES);
        (void) closedir(directory); /* nothing was written by it */
        return r;
}
