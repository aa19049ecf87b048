/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/guest_fit.h"

#include "activate/bundle_read.h"
#include "activate/guest_state.h"
#include "activate/manifest.h"
#include "activate/scan.h"
#include "activate/sync.h"
#include "diff/bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define GUEST_FITTED "fitted"
#define BESIDE GUEST_FITTED ".new" /* what it will be, and then what it was until the commit */

enum { MAX_ATTEMPTS = 5 }; /* others may write to /etc meanwhile */

typedef struct Guest {
        const GuestFit *fit;
        GuestState state;
        Root etc;
        int bundle_fd;
        Contents *contents;
        Owners *owners;
        Arena arena;
        char *new_text;
        Tree *old, *new; /* as they were written; old: NULL where nothing was ever fitted */
} Guest;

static void tell(const Guest *guest, const char *format, ...) printf_like(2, 3);
static void tell(const Guest *guest, const char *format, ...) {
        char line[1600];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(line, sizeof(line), format, arguments); /* cut where it is too long */
        va_end(arguments);
        guest->fit->tell(line);
}

static int load(void *userdata, const Content *content, char **ret_data, Error *reterr) {
        const Guest *guest = userdata;
        return bundle_read_content(guest->bundle_fd, content, ret_data, reterr);
}

static int read_trees(Guest *guest, Error *reterr) {
        int r = bundle_read_text(guest->bundle_fd, guest->fit->tree, &guest->new_text, reterr);
        if (r >= 0)
                r = bundle_parse(guest->new_text, guest->contents, &guest->new, reterr);
        if (r < 0)
                return r;
        cleanup_free char *text = NULL;
        Error error;
        r = bundle_read_text(guest->state.fd, GUEST_FITTED, &text, &error);
        if (r >= 0)
                r = bundle_parse(text, guest->contents, &guest->old, &error);
        if (r < 0 && r != -ENOENT) /* then all is taken for the container's own, and put away */
                tell(guest, "%s", error.message);
        return r == -ENOMEM ? error_oom(reterr) : 0;
}

static bool is_at_or_below(const char *path, const char *above) {
        size_t length = strlen(above);
        return strncmp(path, above, length) == 0 && (!path[length] || path[length] == '/');
}

/* The entries of a tree but for those that cannot be fitted; who is not there yet is root. */
static int
copy_tree(Guest *guest, const Tree *tree, const Strv *left_out, Tree **ret_tree, Error *reterr) {
        cleanup(tree_freep) Tree *copy = tree_new();
        if (!copy)
                return error_oom(reterr);
        for (size_t i = 0; tree && i < tree->n_entries; i++) {
                Entry entry = tree->entries[i];
                bool is_out = entry.root != ROOT_ETC;
                for (size_t j = 0; !is_out && j < left_out->n_items; j++)
                        is_out = is_at_or_below(entry.path, left_out->items[j]);
                uint32_t uid, gid;
                if (!is_out && owners_resolve(guest->owners, entry.owner, entry.group, &uid, &gid) <
                                                0) {
                        if (tree == guest->new)
                                tell(guest, "/etc/%s: there is no %s:%s yet, root has it",
                                                entry.path, entry.owner, entry.group);
                        entry.owner = entry.group = "root";
                }
                if (!is_out && tree_add(copy, &entry) < 0)
                        return error_oom(reterr);
        }
        int r = tree_seal(copy, reterr);
        if (r >= 0)
                *ret_tree = TAKE(copy);
        return r;
}

/* One look at what is there, and the plan that follows from it. */
typedef struct Look {
        Tree *old, *new;
        Scan *scan;
        FitInput input;
        FitPlan *plan;
} Look;

static void look_donep(Look *look) {
        (void) fit_plan_free(look->plan);
        (void) scan_free(look->scan);
        (void) tree_free(look->old);
        (void) tree_free(look->new);
}

static int look_at(Guest *guest, const Strv *left_out, Look *look, Error *reterr) {
        look_donep(look);
        *look = (Look){ 0 };
        int r = copy_tree(guest, guest->new, left_out, &look->new, reterr);
        if (r >= 0)
                r = copy_tree(guest, guest->old, left_out, &look->old, reterr);
        if (r < 0)
                return r;
        FitInput *input = &look->input;
        *input = (FitInput){ .root = ROOT_ETC,
                .old = look->old,
                .new = look->new,
                .save_edited = true,
                .force = guest->fit->force,
                .check_owners = true,
                .resolve = owners_resolve,
                .userdata = guest->owners };
        Found *displaced = NULL;
        r = guest_state_displaced(&guest->state, input, guest->contents, &guest->arena, &displaced,
                        &input->n_displaced, reterr);
        if (r < 0)
                return r;
        input->displaced = displaced;
        cleanup_free Sought *sought = NULL;
        size_t n_sought = 0;
        if (fit_plan_seek(input, guest->fit->force, &sought, &n_sought) < 0)
                return error_oom(reterr);
        r = scan_new(&guest->etc, sought, n_sought, guest->contents, &look->scan, reterr);
        if (r < 0)
                return r;
        input->found = look->scan->found;
        input->n_found = look->scan->n_found;
        return fit_plan_new(input, &look->plan, reterr);
}

/* What is in the way stays there. Each round leaves out more, so this ends. */
static int look(Guest *guest, Look *look, Error *reterr) {
        cleanup_strv Strv left_out = { 0 };
        for (;;) {
                int r = look_at(guest, &left_out, look, reterr);
                if (r < 0 || look->plan->n_conflicts == 0)
                        return r;
                for (size_t i = 0; i < look->plan->n_conflicts; i++) {
                        const FitConflict *conflict = &look->plan->conflicts[i];
                        tell(guest, "/etc/%s %s: left as it is", conflict->path, conflict->what);
                        if (strv_add(&left_out, conflict->path) < 0)
                                return error_oom(reterr);
                }
        }
}

/* Trees are named by their digests. */
static bool is_fitted(const Guest *guest, const char *tree) {
        cleanup_free char *text = NULL;
        Digest digest;
        char name[DIGEST_HEX_SIZE + 5] = "tree-";
        Error ignored; /* what cannot be read is none */
        if (bundle_read_text(guest->state.fd, GUEST_FITTED, &text, &ignored) < 0 ||
                        digest_of(text, strlen(text), &digest) < 0)
                return false;
        (void) digest_to_hex(&digest, name + strlen(name));
        return strcmp(name, tree) == 0;
}

static int note_fitted(const Guest *guest, Error *reterr) {
        int fd = guest->state.fd;
        unsigned flags = faccessat(fd, GUEST_FITTED, F_OK, 0) == 0 ? RENAME_EXCHANGE
                                                                   : RENAME_NOREPLACE;
        if (renameat2(fd, BESIDE, fd, GUEST_FITTED, flags) < 0)
                return error_set_errno(reterr, -errno, "Cannot note what is fitted");
        return sync_elsewhere(guest->fit->state, guest->etc.fd, reterr);
}

/* With the files, and before them: the manifest tells whether it is to go back. */
static int take_back(const Guest *guest, Error *reterr) {
        cleanup(manifest_freep) Manifest *manifest = NULL;
        int fd = guest->state.fd, r = manifest_read(&guest->etc, &manifest, reterr);
        if (r > 0 && is_fitted(guest, manifest->to)) {
                if (renameat2(fd, BESIDE, fd, GUEST_FITTED, RENAME_EXCHANGE) < 0 &&
                                (errno != ENOENT || unlinkat(fd, GUEST_FITTED, 0) < 0))
                        return error_set_errno(reterr, -errno, "Cannot note what is fitted");
                r = sync_elsewhere(guest->fit->state, guest->etc.fd, reterr);
        }
        return r < 0 ? r : fit_undo(&guest->etc, NULL, reterr);
}

static int carry_out(Guest *guest, const FitPlan *plan, Error *reterr) {
        const FitOptions options = { .contents = guest->contents,
                .owners = guest->owners,
                .switch_id = "0",
                .from = "0",
                .to = guest->fit->tree };
        int r = guest_state_keep(&guest->state, plan, &options, reterr);
        if (r >= 0)
                r = guest_write_text(guest->state.fd, BESIDE, guest->new_text, reterr);
        if (r >= 0) /* else it is synced with what is staged */
                r = sync_elsewhere(guest->fit->state, guest->etc.fd, reterr);
        if (r >= 0)
                r = fit_stage(&guest->etc, plan, &options, reterr);
        if (r >= 0)
                r = guest_state_save(&guest->state, plan, reterr);
        if (r < 0)
                return r;
        r = note_fitted(guest, reterr);
        if (r >= 0)
                r = fit_flip(&guest->etc, plan, reterr);
        if (r >= 0) {
                r = fit_commit(&guest->etc, reterr);
                if (r >= 0)
                        guest_state_drop(&guest->state, plan);
                if (r >= 0)
                        (void) unlinkat(guest->state.fd, BESIDE, 0); /* it may be there */
                return r < 0 ? r : 0;
        }
        Error error;
        if (take_back(guest, &error) < 0)
                tell(guest, "%s", error.message);
        return r;
}

static int run_program(const char *program, const char *option, const Strv *files) {
        const char **arguments = calloc(files->n_items + 3, sizeof(char *));
        pid_t pid;
        int status = 0, n = 0;
        if (!arguments)
                return -ENOMEM;
        arguments[n++] = program;
        if (option)
                arguments[n++] = option;
        for (size_t i = 0; i < files->n_items; i++)
                arguments[n++] = files->items[i];
        int r = -posix_spawn(
                        &pid, program, NULL, NULL, (char *const *) (uintptr_t) arguments, environ);
        free(arguments);
        if (r == 0 && waitpid(pid, &status, 0) < 0)
                r = -errno;
        return r < 0 ? r : status == 0 ? 0 : -ECHILD;
}

/* The files of a directory below /etc that the new tree has, and the old one not, or otherwise. */
static int find_changed(const Guest *guest, const char *directory, bool by_digest, Strv *files) {
        for (size_t i = tree_lower_bound(guest->new, ROOT_ETC, directory);
                        i < guest->new->n_entries; i++) {
                const Entry *entry = &guest->new->entries[i];
                if (entry->root != ROOT_ETC || strncmp(entry->path, directory, strlen(directory)))
                        break;
                const Entry *old = guest->old ? tree_find(guest->old, ROOT_ETC, entry->path) : NULL;
                char path[4096], hex[DIGEST_HEX_SIZE];
                if (entry->kind != ENTRY_FILE || entry_same_bytes(old, entry))
                        continue;
                if (by_digest)
                        (void) snprintf(path, sizeof(path), "%s/files/%s", guest->fit->bundle,
                                        digest_to_hex(&entry->content->digest, hex));
                else
                        (void) snprintf(path, sizeof(path), "%s/%s", guest->fit->etc, entry->path);
                if (strv_add(files, path) < 0)
                        return -ENOMEM;
        }
        return 0;
}

/* What fails here is told, and no reason to go on without the files. */
static void run_programs(const Guest *guest, bool before) {
        const char *program = before ? "/usr/bin/systemd-sysusers" : "/usr/bin/systemd-tmpfiles";
        cleanup_strv Strv files = { 0 };
        if (!guest->fit->run_programs || (!before && guest->fit->is_starting))
                return;
        int r = find_changed(guest, before ? "sysusers.d/" : "tmpfiles.d/", before, &files);
        if (r >= 0 && files.n_items > 0)
                r = run_program(program, before ? NULL : "--create", &files);
        if (r < 0)
                tell(guest, "%s failed: %s", program, strerror(-r));
}

static int run(Guest *guest, Error *reterr) {
        int r = take_back(guest, reterr);
        if (r >= 0)
                r = read_trees(guest, reterr);
        if (r < 0)
                return r;
        run_programs(guest, true);
        for (int i = 0; i < MAX_ATTEMPTS; i++) {
                cleanup(look_donep) Look found = { 0 };
                guest_state_forget(&guest->state);
                r = look(guest, &found, reterr);
                if (r >= 0 && found.plan->n_operations == 0 && is_fitted(guest, guest->fit->tree))
                        break; /* as at most starts */
                if (r >= 0)
                        r = carry_out(guest, found.plan, reterr);
                if (r != -ESTALE)
                        break;
        }
        if (r >= 0)
                run_programs(guest, false);
        else
                guest_state_forget(&guest->state);
        return r;
}

static int open_all(Guest *guest, int *ret_root_fd, Error *reterr) {
        const GuestFit *fit = guest->fit;
        const struct {
                const char *path;
                int *fd;
        } directories[] = { { fit->root, ret_root_fd }, { fit->etc, &guest->etc.fd },
                { fit->bundle, &guest->bundle_fd } };
        for (size_t i = 0; i < N_ELEMENTS(directories); i++) {
                *directories[i].fd = open(directories[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                if (*directories[i].fd < 0)
                        return error_set_errno(reterr, -errno, "%s", directories[i].path);
        }
        return guest_state_open(&guest->state, fit->state, reterr);
}

int guest_fit(const GuestFit *fit, Error *reterr) {
        Guest guest = { .fit = fit,
                .state = { .fd = -1, .displaced_fd = -1, .saved_fd = -1 },
                .etc = { .fd = -1, .path = fit->etc },
                .bundle_fd = -1,
                .contents = contents_new() };
        cleanup_fd int root_fd = -1;
        int r = guest.contents ? open_all(&guest, &root_fd, reterr) : error_oom(reterr);
        guest.state.tell = fit->tell;
        if (r >= 0 && owners_new(root_fd, &guest.owners) < 0)
                r = error_oom(reterr);
        if (r >= 0) {
                contents_set_loader(guest.contents, load, &guest);
                r = run(&guest, reterr);
        }
        (void) tree_free(guest.old);
        (void) tree_free(guest.new);
        free(guest.new_text);
        (void) owners_free(guest.owners);
        (void) contents_free(guest.contents);
        arena_done(&guest.arena);
        guest_state_done(&guest.state);
        cleanup_fd int etc_fd = guest.etc.fd, bundle_fd = guest.bundle_fd;
        (void) etc_fd, (void) bundle_fd; /* closed here */
        return r;
}
