/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Three sources are tried, until one renders to the tree, or to all of it that links can say:
 *
 * 1. one without the links that may follow from [Install] and profile.conf;
 * 2. the same, with those of these links that its rendering does not have;
 * 3. one with all of them.
 *
 * Whether a source is right is not reasoned about but rendered and compared. */
#include "diff/unrender.h"

#include "diff/container.h"
#include "diff/kernel.h"

#include <errno.h>
#include <string.h>

static const char system_units[] = "systemd/system/", user_units[] = "systemd/user/";

void unrendered_done(Unrendered *unrendered) {
        free(unrendered->changes);
        (void) tree_free(unrendered->rendered);
        (void) source_free(unrendered->source);
        *unrendered = (Unrendered){ 0 };
}

static bool ends_with(const char *text, const char *suffix) {
        size_t length = strlen(text), n = strlen(suffix);
        return length >= n && strcmp(text + length - n, suffix) == 0;
}

/* NULL: neither of the host's /etc nor of a container's. */
static const char *path_in_etc(const Entry *entry) {
        if (entry->root == ROOT_ETC)
                return entry->path;
        const char *slash = entry->root == ROOT_CONTAINERS ? strchr(entry->path, '/') : NULL;
        return slash && strncmp(slash, "/etc/", 5) == 0 ? slash + 5 : NULL;
}

/* What enablement may have made: a link, or a directory of such links. */
static bool may_follow(const Entry *entry) {
        const char *path = path_in_etc(entry);
        if (!path || (strncmp(path, system_units, strlen(system_units)) != 0 &&
                                     strncmp(path, user_units, strlen(user_units)) != 0))
                return false;
        if (entry->kind == ENTRY_LINK)
                return true;
        return entry->kind == ENTRY_DIRECTORY &&
               (ends_with(entry->path, ".wants") || ends_with(entry->path, ".requires") ||
                               ends_with(entry->path, ".upholds"));
}

/* units/ is where people look; but a relative link that leaves it would mean something else
 * there. */
static bool belongs_in_units(const Entry *entry) {
        return strncmp(entry->path, system_units, strlen(system_units)) == 0 &&
               !(entry->kind == ENTRY_LINK && *entry->target != '/' && strstr(entry->target, ".."));
}

/* Of several directories the first has them all. */
static const char *path_of_lib(Arena *arena, const KernelRule *kernel, const char *path) {
        static const char trees[] = KERNEL_MODULE_TREES, extra[] = KERNEL_EXTRA_MODULES,
                          firmware[] = KERNEL_FIRMWARE_PATH;
        const char *inner = strstr(path, extra);
        if (kernel->n_extra_modules > 0 && inner && strncmp(path, trees, strlen(trees)) == 0)
                return arena_printf(arena, "%s/%.*s/%s", kernel->extra_modules[0].text,
                                (int) (inner - path) - (int) strlen(trees), path + strlen(trees),
                                inner + strlen(extra));
        if (kernel->n_firmware > 0 && strncmp(path, firmware, strlen(firmware)) == 0)
                return arena_printf(
                                arena, "%s/%s", kernel->firmware[0].text, path + strlen(firmware));
        return arena_printf(arena, "lib/%s", path);
}

static const char *source_path(Arena *arena, const KernelRule *kernel, const Entry *entry) {
        switch (entry->root) {
        case ROOT_HOOKS:
                return arena_printf(arena, "hooks/%s", entry->path);
        case ROOT_PROFILE:
                return entry->path;
        case ROOT_CONTAINERS:
                return arena_printf(arena, "containers/%s", entry->path);
        case ROOT_LIB:
                return path_of_lib(arena, kernel, entry->path);
        case ROOT_ETC:
        case N_ENTRY_ROOTS:
                break;
        }
        return belongs_in_units(entry)
                               ? arena_printf(arena, "units/%s", entry->path + strlen(system_units))
                               : arena_printf(arena, "etc/%s", entry->path);
}

static int
add(Unrendered *unrendered, const KernelRule *kernel, const Entry *entry, Error *reterr) {
        static const SourceKind kinds[N_ENTRY_KINDS] = { [ENTRY_FILE] = SOURCE_FILE,
                [ENTRY_LINK] = SOURCE_LINK,
                [ENTRY_DIRECTORY] = SOURCE_DIRECTORY };
        Source *source = unrendered->source;
        const SourceEntry copy = {
                .path = source_path(&source->arena, kernel, entry),
                .kind = kinds[entry->kind],
                .executable = entry->kind == ENTRY_FILE && (entry->mode & 0100),
                .content = entry->content,
                .target = entry->target,
        };
        if (!copy.path || source_add(source, &copy) < 0)
                return error_oom(reterr);
        if (entry->secret)
                unrendered->secrets[unrendered->n_secrets++] =
                                source->entries[source->n_entries - 1].path;
        return 0;
}

/* All that [Kernel] names are there, be they empty. */
static int add_directories(Source *source, const KernelWord *words, size_t n_words, Error *reterr) {
        for (size_t i = 0; i < n_words; i++) {
                const SourceEntry entry = { .path = words[i].text, .kind = SOURCE_DIRECTORY };
                if (source_add(source, &entry) < 0)
                        return error_oom(reterr);
        }
        return 0;
}

/* What containers/ renders to for the host: the unit of a container, and its settings. */
static bool is_of_container(const Tree *tree, const Entry *entry) {
        static const char settings[] = "systemd/nspawn/", unit[] = "systemd/system/container-";
        char path[512];
        char name[CONTAINER_NAME_SIZE];
        size_t position = 0;
        while (entry->root == ROOT_ETC && container_next(tree, &position, name)) {
                (void) snprintf(path, sizeof(path), "%s%s.nspawn", settings, name); /* fits, both */
                if (strcmp(entry->path, path) == 0)
                        return true;
                (void) snprintf(path, sizeof(path), "%s%s.service", unit, name);
                if (strcmp(entry->path, path) == 0)
                        return true;
        }
        return entry->root == ROOT_ETC && strcmp(entry->path, "systemd/nspawn") == 0 &&
               entry->implied;
}

/* A directory that what is in it implies. */
static bool is_implied(const Tree *tree, const Entry *entry) {
        if (entry->kind != ENTRY_DIRECTORY || !entry->implied)
                return false;
        size_t length = strlen(entry->path);
        for (size_t i = (size_t) (entry - tree->entries) + 1; i < tree->n_entries; i++) {
                const Entry *below = &tree->entries[i];
                if (below->root != entry->root || strncmp(below->path, entry->path, length) != 0)
                        return false;
                if (below->path[length] == '/' && below->kind != ENTRY_ABSENT)
                        return true;
        }
        return false;
}

typedef enum Choice {
        WITHOUT_LINKS, /* that may follow */
        WITH_MISSING,  /* those that before->rendered does not have as the tree has them */
        WITH_ALL,
} Choice;

static bool is_written(
                const Tree *tree, const Entry *entry, Choice choice, const Unrendered *before) {
        if (entry->kind == ENTRY_ABSENT) /* only Disable= says so */
                return false;
        if (is_implied(tree, entry) || is_of_container(tree, entry))
                return false;
        if (!may_follow(entry) || choice == WITH_ALL)
                return true;
        if (choice == WITHOUT_LINKS || !before->rendered)
                return false;
        const Entry *there = tree_find(before->rendered, entry->root, entry->path);
        return !there || !entry_equal(there, entry);
}

/* An error of the source is a result; others are ours. */
static int render_back(Unrendered *unrendered,
                const Tree *tree,
                Contents *contents,
                const Distribution *distribution,
                Error *reterr) {
        int r = render(unrendered->source, contents, distribution, &unrendered->rendered,
                        &unrendered->error);
        if (r == -EBADMSG)
                return 0;
        if (r < 0)
                return error_set(reterr, r, "%s", unrendered->error.message);
        r = tree_compare(tree, unrendered->rendered, &unrendered->changes, &unrendered->n_changes);
        return r < 0 ? error_oom(reterr) : 0;
}

static int write_out(const Tree *tree,
                const char *name,
                const KernelRule *kernel,
                Choice choice,
                Unrendered *unrendered,
                Error *reterr) {
        Unrendered before = *unrendered;
        *unrendered = (Unrendered){ .source = source_new(name) };
        int r = unrendered->source ? 0 : error_oom(reterr);
        if (r >= 0) {
                unrendered->secrets = arena_new(
                                &unrendered->source->arena, const char *, tree->n_entries + 1);
                r = unrendered->secrets ? 0 : error_oom(reterr);
        }
        for (size_t i = 0; r >= 0 && i < tree->n_entries; i++)
                if (is_written(tree, &tree->entries[i], choice, &before))
                        r = add(unrendered, kernel, &tree->entries[i], reterr);
        if (r >= 0)
                r = add_directories(unrendered->source, kernel->extra_modules,
                                kernel->n_extra_modules, reterr);
        if (r >= 0)
                r = add_directories(
                                unrendered->source, kernel->firmware, kernel->n_firmware, reterr);
        if (r >= 0)
                source_sort(unrendered->source);
        unrendered_done(&before);
        return r;
}

/* Is there a link that is missing, or another one, and that can be written? */
static bool may_be_helped(const Unrendered *unrendered) {
        for (size_t i = 0; i < unrendered->n_changes; i++)
                if (unrendered->changes[i].before && may_follow(unrendered->changes[i].before))
                        return true;
        return false;
}

static int compare_strings(const void *left, const void *right) {
        return strcmp(*(const char *const *) left, *(const char *const *) right);
}

/* None of a profile.conf that this version does not understand: rendering tells. */
static int kernel_of(const Tree *tree,
                Contents *contents,
                Arena *arena,
                KernelRule *ret_kernel,
                Error *reterr) {
        const Entry *entry = tree_find(tree, ROOT_PROFILE, "profile.conf");
        const ProfileConf *conf = NULL;
        Error fault;
        int r = entry ? profile_conf_parse(arena, "profile.conf", contents, entry->content, &conf,
                                        &fault)
                      : 0;
        if (conf)
                *ret_kernel = conf->kernel;
        return r == 0 || r == -EBADMSG ? 0 : error_set(reterr, r, "%s", fault.message);
}

int unrender(const Tree *tree,
                const char *name,
                Contents *contents,
                const Distribution *distribution,
                Unrendered *ret_unrendered,
                Error *reterr) {
        cleanup(unrendered_donep) Unrendered unrendered = { 0 };
        cleanup(arena_donep) Arena arena = { 0 };
        KernelRule kernel = { 0 };
        int parsed = kernel_of(tree, contents, &arena, &kernel, reterr);
        if (parsed < 0)
                return parsed;
        bool is_done = false;
        for (int choice = WITHOUT_LINKS; choice <= WITH_ALL && !is_done; choice++) {
                int r = write_out(tree, name, &kernel, (Choice) choice, &unrendered, reterr);
                if (r >= 0)
                        r = render_back(&unrendered, tree, contents, distribution, reterr);
                if (r < 0)
                        return r;
                is_done = unrendered.rendered && !may_be_helped(&unrendered);
        }
        qsort(unrendered.secrets, unrendered.n_secrets, sizeof(char *), compare_strings);
        *ret_unrendered = unrendered;
        unrendered = (Unrendered){ 0 };
        return 0;
}
