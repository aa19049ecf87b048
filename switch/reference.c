/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/reference.h"

#include "base/text.h"
#include "diff/live_file.h"
#include "diff/render.h"
#include "state/directory.h"
#include "state/git_tree.h"
#include "switch/output.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static const char default_source[] = "/etc/sysswitch";

int path_absolute(const char *path, char **ret_absolute, Error *reterr) {
        cleanup_free char *start = *path == '/' ? strdup("") : getcwd(NULL, 0);
        if (!start && errno == ENOENT)
                return error_set(reterr, -ENOENT,
                                "%s: The working directory is gone: go to another one, or write a "
                                "path from /",
                                path);
        if (!start)
                return error_set_errno(reterr, -errno, "%s: The working directory", path);
        cleanup(text_donep) Text text = { 0 };
        text_add(&text, strcmp(start, "/") == 0 ? "" : start);
        while (*path) {
                path += strspn(path, "/");
                size_t length = strcspn(path, "/");
                if (length > 0 && !(length == 1 && *path == '.')) {
                        text_add(&text, "/");
                        text_add_n(&text, path, length);
                }
                path += length;
        }
        if (text.length == 0)
                text_add(&text, "/");
        return text_take(&text, ret_absolute) < 0 ? error_oom(reterr) : 0;
}

/* The ':' between a revision and a path. git's own syntax has some in braces: HEAD@{12:00}. */
static const char *revision_end(const char *text) {
        unsigned depth = 0;
        for (; *text; text++) {
                if (*text == '{')
                        depth++;
                else if (*text == '}' && depth > 0)
                        depth--;
                else if (*text == ':' && depth == 0)
                        return text;
        }
        return NULL;
}

static bool is_directory(const char *reference) {
        return *reference == '/' || strncmp(reference, "./", 2) == 0 ||
               strncmp(reference, "../", 3) == 0;
}

/* Where REV:PATH begins; NULL: it names no tree in git. */
static const char *git_part(const char *reference) {
        const char *slashes = strstr(reference, "//");
        if (slashes && slashes > reference && revision_end(slashes + 2))
                return slashes + 2;
        if (is_directory(reference))
                return NULL;
        return revision_end(reference) ? reference : NULL;
}

/* The '@' that makes a reference one to a generation; NULL: a directory. */
static const char *generation_mark(const char *reference) {
        const char *mark = strrchr(reference, '@');
        if (git_part(reference)) /* git has names like @{u}, too */
                return NULL;
        if (!mark || mark == reference)
                return mark;
        if (is_directory(reference))
                return NULL; /* whatever it ends with */
        if (mark[-1] == '/')
                return NULL; /* "./@3": a directory of that name */
        const char *digits = mark + 1;
        size_t length = strspn(digits, "0123456789");
        return length > 0 && !digits[length] ? mark : NULL;
}

bool reference_is_generation(const char *reference) {
        return generation_mark(reference) != NULL;
}

bool reference_is_source(const char *reference) {
        return is_directory(reference) || git_part(reference);
}

char *reference_default(const Host *host) {
        if (host->profile.source)
                return strdup(host->profile.source);
        char *path;
        if (asprintf(&path, "%s%s", host->is_image ? host->root : "", default_source) < 0)
                return NULL;
        return path;
}

static int parse_number(
                const char *reference, const char *digits, int64_t *ret_number, Error *reterr) {
        errno = 0;
        char *end;
        long long number = strtoll(digits, &end, 10);
        if (!isdigit((unsigned char) *digits) || *end || errno)
                return error_set(reterr, -EINVAL,
                                "%s: No such generation (@NUMBER, @active, @default or @previous; "
                                "a directory is ./%s)",
                                reference, reference);
        *ret_number = number;
        return 0;
}

static int resolve_number(Host *host,
                const char *reference,
                const Profile *profile,
                int64_t *ret_number,
                Error *reterr) {
        const char *word = generation_mark(reference) + 1;
        if (strcmp(word, "active") == 0) {
                *ret_number = profile->active;
                return 0;
        }
        if (strcmp(word, "default") == 0) {
                *ret_number = profile->default_number;
                return 0;
        }
        if (strcmp(word, "previous") == 0) {
                if (profile->active == 0)
                        return error_set(reterr, -ENOENT,
                                        "%s: Generation 0 is active, and nothing was before it",
                                        reference);
                return generation_previous(
                                host->database, profile->name, profile->active, ret_number, reterr);
        }
        return parse_number(reference, word, ret_number, reterr);
}

int reference_resolve(Host *host,
                const char *reference,
                char **ret_profile,
                int64_t *ret_number,
                Error *reterr) {
        const char *mark = generation_mark(reference);
        cleanup_free char *name = mark == reference
                                                  ? strdup(host->profile_name)
                                                  : strndup(reference, (size_t) (mark - reference));
        if (!name)
                return error_oom(reterr);
        cleanup(profile_donep) Profile profile = { 0 };
        int r = profile_load(host->database, name, &profile, reterr);
        if (r < 0)
                return r;
        r = resolve_number(host, reference, &profile, ret_number, reterr);
        if (r < 0)
                return r;
        *ret_profile = TAKE(name);
        return 0;
}

static int read_generation(Host *host, const char *reference, ReferenceTree *tree, Error *reterr) {
        int r = reference_resolve(host, reference, &tree->profile, &tree->number, reterr);
        if (r < 0)
                return r;
        if (host->database)
                return generation_load(host->database, tree->profile, tree->number, host->contents,
                                &tree->tree, reterr);
        if (tree->number != 0)
                return error_set(reterr, -ENOENT,
                                "There is no generation %lld: nothing was switched here yet",
                                (long long) tree->number);
        tree->tree = tree_new();
        return tree->tree ? tree_seal(tree->tree, reterr) : error_oom(reterr);
}

static int read_directory(Host *host, const char *reference, ReferenceTree *tree, Error *reterr) {
        int r = path_absolute(reference, &tree->path, reterr);
        if (r < 0)
                return r;
        r = directory_read(reference, host->database, host->contents, host->faults, &tree->cache,
                        &tree->source, reterr);
        if (r != -ENOENT || strchr(reference, '/') || access(reference, F_OK) == 0)
                return r;
        /* a single word that is no directory was rather meant for one of these */
        if (!reference[strspn(reference, "0123456789")])
                return error_set(reterr, r, "%s: No such directory; the generation is @%s",
                                reference, reference);
        return error_set(reterr, r, "%s: No such directory; of a revision in git write %s:PATH",
                        reference, reference);
}

static int read_git(Host *host, const char *reference, ReferenceTree *tree, Error *reterr) {
        const char *part = git_part(reference);
        cleanup_free char *directory =
                        part == reference ? strdup(".")
                                          : strndup(reference, (size_t) (part - 2 - reference));
        cleanup_free char *revision = strdup(part);
        if (!directory || !revision)
                return error_oom(reterr);
        char *end = revision + (revision_end(part) - part);
        *end = 0;
        const GitReference git = {
                .name = reference,
                .repository = directory,
                .revision = revision,
                .path = end + 1,
                .faults = host->faults,
                .memory = host->git_memory,
        };
        int r = git_tree_read(&git, host->contents, &tree->source, &tree->origin, reterr);
        if (r < 0)
                return r;
        tree->path = strdup(tree->origin.path);
        return tree->path ? 0 : error_oom(reterr);
}

static int read_source(Host *host,
                const char *reference,
                bool use_distribution,
                ReferenceTree *tree,
                Error *reterr) {
        const Tree *active; /* its contents are known by then */
        int r = host_active_tree(host, &active, reterr);
        if (r < 0)
                return r;
        r = git_part(reference) ? read_git(host, reference, tree, reterr)
                                : read_directory(host, reference, tree, reterr);
        if (r < 0)
                return r;
        Distribution distribution = { 0 };
        bool has_distribution = host->elsewhere || (use_distribution && host->distribution);
        if (host->elsewhere)
                distribution = live_file_distribution(host->elsewhere);
        else if (has_distribution)
                distribution = distribution_of(host->distribution);
        return (host->is_of_containers ? render_inside : render)(tree->source, host->contents,
                        has_distribution ? &distribution : NULL, &tree->tree, reterr);
}

void reference_file_name(
                const ReferenceTree *tree, const char *place, char *ret_name, size_t name_bytes) {
        if (tree->source)
                source_file_name(tree->source, place, ret_name, name_bytes);
        else
                (void) snprintf(ret_name, name_bytes, "%s:%s", tree->name, place); /* or cut off */
}

void reference_warn(const ReferenceTree *tree, const char *message) {
        char text[2048];
        reference_file_name(tree, message, text, sizeof(text));
        output_warning(text);
}

int reference_read(Host *host,
                const char *reference,
                bool use_distribution,
                ReferenceTree *ret_tree,
                Error *reterr) {
        if (!*reference)
                return error_set(reterr, -EINVAL,
                                "An empty name is neither a directory nor a generation");
        cleanup(reference_tree_donep)
                        ReferenceTree tree = { .name = strdup(reference), .number = -1 };
        if (!tree.name)
                return error_oom(reterr);
        int r = reference_is_generation(reference)
                                ? read_generation(host, reference, &tree, reterr)
                                : read_source(host, reference, use_distribution, &tree, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < tree.tree->warnings.n_items; i++)
                output_warning(tree.tree->warnings.items[i]);
        *ret_tree = tree;
        tree = (ReferenceTree){ 0 };
        return 0;
}

void reference_tree_done(ReferenceTree *tree) {
        free(tree->name);
        free(tree->path);
        free(tree->profile);
        origin_done(&tree->origin);
        (void) tree_free(tree->tree);
        (void) source_free(tree->source);
        (void) stat_cache_free(tree->cache);
        *tree = (ReferenceTree){ 0 };
}
