/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/distribution.h"

#include "activate/container_root.h"
#include "activate/idmap.h"
#include "activate/in_root.h"
#include "activate/initrd.h"
#include "base/map.h"
#include "diff/source.h"
#include "diff/unit_name.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_ALIASES = 8, MAX_DIRECTORIES = 3, MAX_PC_BYTES = 64 * 1024 };

typedef struct UnitDirectory {
        const char *path; /* as systemd names it */
        int fd;
} UnitDirectory;

typedef struct DistributionUnit {
        DistributionAnswer answer;
        const char *path;
        Content *content;
} DistributionUnit;

/* Of a container's root. */
typedef struct ContainerUnits {
        const char *root;
        int root_fd;
        DistributionUnits *units;
        Distribution distribution;
        struct ContainerUnits *next;
} ContainerUnits;

struct DistributionUnits {
        int root_fd;
        Contents *contents;
        UnitDirectory directories[MAX_DIRECTORIES]; /* the first that has a unit wins */
        size_t n_directories;
        Map by_name; /* DistributionUnit *, once asked for */
        struct {
                const char *path;
                bool is_possible;
        } mappings[2];
        size_t n_mappings;
        ContainerUnits *containers;
        InitrdMaker initrd_maker;
        Arena arena;
};

/* A systemd that was built for a separate /usr names its directory /lib/systemd/system, in links
 * that it makes too, and goes on to do so where /lib leads to /usr/lib. Only its file for
 * pkg-config tells; where there is none, it is of the other kind. */
static bool names_lib(int root_fd) {
        cleanup_free char *text = NULL;
        size_t size;
        if (in_root_read(root_fd, "usr/share/pkgconfig/systemd.pc", MAX_PC_BYTES, &text, &size) < 0)
                return false;
        return strstr(text, "\nrootprefix=\n") || strstr(text, "\nroot_prefix=\n");
}

/* What is not there, or leads nowhere; anything else that goes wrong is no answer. */
static bool is_missing(int code) {
        return code == -ENOENT || code == -ENOTDIR || code == -ELOOP;
}

static int add_directory(DistributionUnits *units, const char *path, Error *reterr) {
        int fd = in_root_open(units->root_fd, path, O_PATH | O_DIRECTORY);
        if (fd < 0)
                return is_missing(fd) ? 0 : error_set_errno(reterr, fd, "%s", path);
        units->directories[units->n_directories++] = (UnitDirectory){ .path = path, .fd = fd };
        return 0;
}

static bool is_same_directory(int left_fd, int right_fd) {
        struct stat left, right;
        return fstat(left_fd, &left) == 0 && fstat(right_fd, &right) == 0 &&
               left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

/* In systemd's order. One directory by two names is looked at once, by the name that counts. */
static int add_directories(DistributionUnits *units, Error *reterr) {
        static const char lib[] = "/lib/systemd/system", usr_lib[] = "/usr/lib/systemd/system";
        int r = add_directory(units, "/usr/local/lib/systemd/system", reterr);
        if (r < 0)
                return r;
        cleanup_fd int lib_fd = in_root_open(units->root_fd, lib, O_PATH | O_DIRECTORY);
        cleanup_fd int usr_fd = in_root_open(units->root_fd, usr_lib, O_PATH | O_DIRECTORY);
        if (lib_fd >= 0 && usr_fd >= 0 && is_same_directory(lib_fd, usr_fd))
                return add_directory(units, names_lib(units->root_fd) ? lib : usr_lib, reterr);
        r = add_directory(units, lib, reterr);
        return r < 0 ? r : add_directory(units, usr_lib, reterr);
}

int distribution_new(
                int root_fd, Contents *contents, DistributionUnits **ret_units, Error *reterr) {
        cleanup(distribution_freep) DistributionUnits *units = calloc(1, sizeof(DistributionUnits));
        if (!units)
                return error_oom(reterr);
        units->root_fd = root_fd;
        units->contents = contents;
        units->initrd_maker = initrd_maker_find(root_fd);
        int r = add_directories(units, reterr);
        if (r < 0)
                return r;
        *ret_units = TAKE(units);
        return 0;
}

DistributionUnits *distribution_free(DistributionUnits *units) {
        if (!units)
                return NULL;
        for (size_t i = 0; i < units->n_directories; i++)
                (void) close(units->directories[i].fd); /* a directory */
        for (ContainerUnits *each = units->containers; each; each = each->next) {
                each->units = distribution_free(each->units);
                (void) close(each->root_fd); /* a directory */
        }
        map_done(&units->by_name);
        arena_done(&units->arena);
        free(units);
        return NULL;
}

/* Does a link in the directory lead to a file that is in one of the unit directories too? */
static bool leads_to_a_unit(
                DistributionUnits *units, const UnitDirectory *directory, const char *target) {
        char parent[PATH_MAX];
        int length = snprintf(parent, sizeof(parent), "%s%s%s",
                        *target == '/' ? "" : directory->path, *target == '/' ? "" : "/", target);
        if (length < 0 || (size_t) length >= sizeof(parent))
                return false;
        *strrchr(parent, '/') = 0; /* there is one: both kinds of target have it by now */
        cleanup_fd int fd =
                        in_root_open(units->root_fd, *parent ? parent : "/", O_PATH | O_DIRECTORY);
        for (size_t i = 0; fd >= 0 && i < units->n_directories; i++)
                if (is_same_directory(fd, units->directories[i].fd))
                        return true;
        return false;
}

typedef enum Step {
        STEP_NONE,  /* no unit of this name, or it is masked */
        STEP_ALIAS, /* the name goes on in ret_target */
        STEP_FILE,
} Step;

/* Returns a Step, or a negative errno. */
static int look_in(DistributionUnits *units,
                const UnitDirectory *directory,
                const char *name,
                char ret_target[NAME_MAX + 1],
                Error *reterr) {
        char target[PATH_MAX];
        ssize_t length = readlinkat(directory->fd, name, target, sizeof(target) - 1);
        if (length < 0 && errno != EINVAL)
                return error_set_errno(reterr, -errno, "%s/%s", directory->path, name);
        if (length < 0)
                return STEP_FILE;
        target[length] = 0;
        if (strcmp(target, "/dev/null") == 0)
                return STEP_NONE;
        const char *slash = strrchr(target, '/'), *base = slash ? slash + 1 : target;
        if (!unit_name_is_valid(base) || !leads_to_a_unit(units, directory, target))
                return STEP_FILE; /* a file elsewhere, that is linked under its own name */
        memcpy(ret_target, base,
                        strlen(base) + 1); /* fits: a valid name has NAME_MAX bytes at most */
        return STEP_ALIAS;
}

static int read_file(DistributionUnits *units,
                const UnitDirectory *directory,
                const char *name,
                DistributionUnit *unit,
                Error *reterr) {
        const char *path = arena_printf(&units->arena, "%s/%s", directory->path, name);
        if (!path)
                return error_oom(reterr);
        cleanup_free char *data = NULL;
        size_t size = 0;
        int r = in_root_read(units->root_fd, path, UNIT_MAX_FILE_BYTES, &data, &size);
        if (r == -ENOENT || r == -EISDIR || r == -ELOOP || r == -ENOTDIR || (r == 0 && size == 0))
                return 0; /* dangling, a directory, empty: no unit to systemd */
        if (r == -EFBIG)
                return error_set(reterr, r, "%s: it is larger than the %d bytes a unit may have",
                                path, UNIT_MAX_FILE_BYTES);
        if (r < 0)
                return error_set_errno(reterr, r, "%s", path);
        r = contents_add(units->contents, data, size, &unit->content, reterr);
        if (r < 0)
                return r;
        unit->answer = DISTRIBUTION_UNIT;
        unit->path = path;
        return 0;
}

static bool has_sysv_script(const DistributionUnits *units, const char *name) {
        if (unit_name_type(name) != UNIT_SERVICE)
                return false;
        char path[PATH_MAX];
        struct stat st;
        (void) snprintf(path, sizeof(path), "/etc/init.d/%.*s",
                        (int) (strlen(name) - strlen(".service")), name); /* fits: a valid name */
        cleanup_fd int fd = in_root_open(units->root_fd, path, O_PATH);
        return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 0111) != 0;
}

/* NULL: no directory has the name. */
static int directory_of(const DistributionUnits *units,
                const char *name,
                const UnitDirectory **ret_directory,
                Error *reterr) {
        struct stat st;
        *ret_directory = NULL;
        for (size_t i = 0; !*ret_directory && i < units->n_directories; i++) {
                const UnitDirectory *directory = &units->directories[i];
                if (fstatat(directory->fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0)
                        *ret_directory = directory;
                else if (errno != ENOENT)
                        return error_set_errno(reterr, -errno, "%s/%s", directory->path, name);
        }
        return 0;
}

static int
find(DistributionUnits *units, const char *asked_name, DistributionUnit *unit, Error *reterr) {
        char name[NAME_MAX + 1];
        (void) snprintf(name, sizeof(name), "%s", asked_name); /* fits: a valid name */
        for (size_t n_aliases = 0; n_aliases <= MAX_ALIASES; n_aliases++) {
                const UnitDirectory *directory;
                int r = directory_of(units, name, &directory, reterr);
                if (r < 0)
                        return r;
                if (!directory) {
                        if (n_aliases == 0 && has_sysv_script(units, name))
                                unit->answer = DISTRIBUTION_SYSV_ONLY;
                        return 0;
                }
                r = look_in(units, directory, name, name, reterr);
                if (r == STEP_FILE)
                        return read_file(units, directory, name, unit, reterr);
                if (r < 0 || r == STEP_NONE)
                        return r;
        }
        return 0; /* a loop of aliases */
}

static int read_unit(void *userdata,
                const char *name,
                const char **ret_path,
                Content **ret_content,
                Error *reterr) {
        DistributionUnits *units = userdata;
        if (!unit_name_is_valid(name))
                return DISTRIBUTION_NO_UNIT;
        DistributionUnit *unit = map_get(&units->by_name, name);
        if (!unit) {
                unit = arena_new(&units->arena, DistributionUnit, 1);
                const char *key = arena_strdup(&units->arena, name);
                if (!unit || !key)
                        return error_oom(reterr);
                unit->answer = DISTRIBUTION_NO_UNIT;
                int r = find(units, name, unit, reterr);
                if (r < 0)
                        return r;
                if (map_put(&units->by_name, key, unit) < 0)
                        return error_oom(reterr);
        }
        if (unit->answer == DISTRIBUTION_UNIT) {
                *ret_path = unit->path;
                *ret_content = unit->content;
        }
        return (int) unit->answer;
}

static const char *const own_directories[] = { "/etc/systemd/system", "/run/systemd/system",
        "/run/systemd/transient", "/run/systemd/generator.early", "/run/systemd/generator",
        "/run/systemd/generator.late" };

static bool has_file(const DistributionUnits *units, const char *name) {
        for (size_t i = 0; i < N_ELEMENTS(own_directories); i++) {
                char path[PATH_MAX];
                (void) snprintf(path, sizeof(path), "%s/%s", own_directories[i],
                                name); /* fits: a valid name */
                cleanup_fd int fd = in_root_open(units->root_fd, path, O_PATH | O_NOFOLLOW);
                if (fd >= 0)
                        return true;
        }
        return false;
}

static bool has_own_unit(void *userdata, const char *name) {
        const DistributionUnits *units = userdata;
        cleanup(arena_donep) Arena arena = { 0 };
        if (!unit_name_is_valid(name))
                return false;
        const char *of = unit_name_template_of(&arena, name);
        return has_file(units, name) || (of && has_file(units, of));
}

/* Asked once: each container of a source has the same host. */
static bool can_map_owners(void *userdata, const char *whole, const char *below) {
        DistributionUnits *units = userdata;
        char path[PATH_MAX];
        (void) snprintf(path, sizeof(path), "%s%s", whole, below); /* a name for it: may be cut */
        for (size_t i = 0; i < units->n_mappings; i++)
                if (strcmp(units->mappings[i].path, path) == 0)
                        return units->mappings[i].is_possible;
        bool is_possible = idmap_is_possible(whole, below);
        const char *kept = arena_strdup(&units->arena, path);
        if (kept && units->n_mappings < N_ELEMENTS(units->mappings)) {
                units->mappings[units->n_mappings].path = kept;
                units->mappings[units->n_mappings++].is_possible = is_possible;
        }
        return is_possible;
}

static bool has_own_usr(void *userdata, const char *root, const char *below) {
        const DistributionUnits *units = userdata;
        cleanup_fd int fd = in_root_open_below(units->root_fd, root, below);
        return fd >= 0 && container_root_has_usr(fd);
}

/* A container's users have numbers from 65536 on. */
static bool is_hosts(void *userdata, const char *root, const char *below) {
        const DistributionUnits *units = userdata;
        cleanup_fd int fd = in_root_open_below(units->root_fd, root, below);
        struct stat st;
        return fd < 0 || fstat(fd, &st) < 0 || st.st_uid <= UINT16_MAX;
}

static int add_container(DistributionUnits *units,
                const char *root,
                const char *below,
                ContainerUnits **ret,
                Error *reterr) {
        ContainerUnits *container = arena_new(&units->arena, ContainerUnits, 1);
        const char *kept = arena_printf(&units->arena, "%s%s", root, below);
        if (!container || !kept)
                return error_oom(reterr);
        cleanup_fd int fd = in_root_open_below(units->root_fd, root, below);
        if (fd < 0)
                return error_set_errno(reterr, fd, "%s", kept);
        *container = (ContainerUnits){ .root = kept, .root_fd = fd, .next = units->containers };
        int r = distribution_new(fd, units->contents, &container->units, reterr);
        if (r < 0)
                return error_prefix(reterr, "%s", kept);
        (void) TAKE_FD(fd); /* the container's from here on */
        container->distribution = distribution_of(container->units);
        units->containers = container;
        *ret = container;
        return 0;
}

static bool is_of(const ContainerUnits *container, const char *root, const char *below) {
        size_t length = strlen(root);
        return strncmp(container->root, root, length) == 0 &&
               strcmp(container->root + length, below) == 0;
}

static int of_root(void *userdata,
                const char *root,
                const char *below,
                const Distribution **ret_units,
                Error *reterr) {
        DistributionUnits *units = userdata;
        ContainerUnits *found = units->containers;
        while (found && !is_of(found, root, below))
                found = found->next;
        int r = found ? 0 : add_container(units, root, below, &found, reterr);
        if (r >= 0)
                *ret_units = &found->distribution;
        return r;
}

Distribution distribution_of(DistributionUnits *units) {
        return (Distribution){ .read_unit = read_unit,
                .has_own_unit = has_own_unit,
                .can_map_owners = can_map_owners,
                .has_own_usr = has_own_usr,
                .is_hosts = is_hosts,
                .of_root = of_root,
                .initrd_maker = units->initrd_maker,
                .userdata = units };
}

/* suffix: what is added to each name; "" leaves out what is no unit's name. */
static int list_directory(DistributionUnits *units,
                const char *path,
                const char *suffix,
                Strv *names,
                Error *reterr) {
        cleanup_fd int fd = in_root_open(units->root_fd, path, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return is_missing(fd) ? 0 : error_set_errno(reterr, fd, "%s", path);
        cleanup_dir DIR *directory = fdopendir(fd);
        if (!directory)
                return error_set_errno(reterr, -errno, "%s", path);
        (void) TAKE_FD(fd); /* the directory's now */
        for (const struct dirent *item; (item = readdir(directory));) {
                cleanup_free char *name = NULL;
                if (asprintf(&name, "%s%s", item->d_name, suffix) < 0)
                        return error_oom(reterr);
                if (unit_name_is_valid(name) && strv_add(names, name) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

static void drop_repeated(Strv *names) {
        strv_sort(names);
        size_t n_kept = 0;
        for (size_t i = 0; i < names->n_items; i++) {
                if (n_kept > 0 && strcmp(names->items[n_kept - 1], names->items[i]) == 0)
                        free(names->items[i]);
                else
                        names->items[n_kept++] = names->items[i];
        }
        names->n_items = n_kept;
        if (names->items)
                names->items[n_kept] = NULL;
}

int distribution_list(DistributionUnits *units, Strv *ret_names, Strv *ret_own, Error *reterr) {
        int r = list_directory(units, "/etc/init.d", ".service", ret_names, reterr);
        for (size_t i = 0; r >= 0 && i < units->n_directories; i++)
                r = list_directory(units, units->directories[i].path, "", ret_names, reterr);
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(own_directories); i++)
                r = list_directory(units, own_directories[i], "", ret_own, reterr);
        drop_repeated(ret_names);
        drop_repeated(ret_own);
        return r;
}

static bool has_links(const char *directory) {
        static const char *const suffixes[] = { ".wants", ".requires", ".upholds" };
        const char *dot = strrchr(directory, '.');
        for (size_t i = 0; dot && i < N_ELEMENTS(suffixes); i++)
                if (strcmp(dot, suffixes[i]) == 0)
                        return true;
        return false;
}

/* of_units: the directory of units itself, whose children may have links as well. */
static int
list_links(DistributionUnits *units, const char *path, bool of_units, Strv *paths, Error *reterr) {
        cleanup_fd int fd = in_root_open(units->root_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (fd < 0)
                return is_missing(fd) ? 0 : error_set_errno(reterr, fd, "%s", path);
        cleanup_dir DIR *directory = fdopendir(fd);
        if (!directory)
                return error_set_errno(reterr, -errno, "%s", path);
        (void) TAKE_FD(fd); /* the directory's now */
        int r = 0;
        for (const struct dirent *item; r >= 0 && (item = readdir(directory));) {
                cleanup_free char *child = NULL;
                if (asprintf(&child, "%s/%s", path, item->d_name) < 0)
                        return error_oom(reterr);
                if (item->d_type == DT_DIR && of_units && has_links(item->d_name))
                        r = list_links(units, child, false, paths, reterr);
                else if (item->d_type == DT_LNK && strv_add(paths, child + strlen("/etc/")) < 0)
                        return error_oom(reterr);
        }
        return r;
}

int distribution_list_links(DistributionUnits *units, Strv *ret_paths, Error *reterr) {
        int r = list_links(units, "/etc/systemd/system", true, ret_paths, reterr);
        if (r >= 0)
                r = list_links(units, "/etc/systemd/user", true, ret_paths, reterr);
        strv_sort(ret_paths);
        return r;
}
