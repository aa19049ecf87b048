/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/saved_plan.h"

#include "activate/bytes.h"
#include "base/path.h"
#include "diff/plan_json.h"
#include "diff/quote.h"
#include "switch/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

struct SavedPlan {
        char *path;
        json_t *root;
};

enum { FORMAT_VERSION = 1 };

/* What the plan depends on, as JSON: made now, and compared with what was made then. */

static int add_entry(Text *text, const Entry *entry) {
        char hex[DIGEST_HEX_SIZE] = "";
        if (entry->content && !entry->secret)
                (void) digest_to_hex(&entry->content->digest, hex);
        text_addf(text, "%d %d %o %d %d %s %s ", entry->root, entry->kind, entry->mode,
                        entry->implied, entry->secret, entry->owner, entry->group);
        /* with their ends: a path may hold anything but NUL */
        text_add_n(text, entry->path, strlen(entry->path) + 1);
        text_add(text, entry->target ? entry->target : hex);
        text_add_n(text, "", 1);
        return text->error;
}

static json_t *tree_digest(const Tree *tree) {
        cleanup(text_donep) Text text = { 0 };
        char hex[DIGEST_HEX_SIZE];
        Digest digest;
        for (size_t i = 0; i < tree->n_entries; i++)
                if (add_entry(&text, &tree->entries[i]) < 0)
                        return NULL;
        if (digest_of(text.data ? text.data : "", text.length, &digest) < 0)
                return NULL;
        return json_text(digest_to_hex(&digest, hex));
}

/* By what it is known that a secret is the same; nothing of what it holds. */
static json_t *secret_stamp(const ReferenceTree *target, const Entry *entry) {
        if (!target->path)
                return json_integer(target->number);
        if (target->origin.commit)
                return json_text(target->origin.commit);
        cleanup_free char *path = NULL;
        struct stat st;
        char text[80] = "none";
        if (asprintf(&path, "%s/%s", target->path, entry->origin ? entry->origin : "") < 0)
                return NULL;
        if (lstat(path, &st) == 0)
                (void) snprintf(text, sizeof(text), "%lld.%09ld %lld.%09ld %llu",
                                (long long) st.st_mtim.tv_sec, st.st_mtim.tv_nsec,
                                (long long) st.st_ctim.tv_sec, st.st_ctim.tv_nsec,
                                (unsigned long long) st.st_ino); /* fits */
        return json_text(text);
}

static json_t *secrets_of(const ReferenceTree *target) {
        json_t *object = json_object();
        int failed = 0;
        for (size_t i = 0; i < target->tree->n_entries; i++) {
                const Entry *entry = &target->tree->entries[i];
                if (entry->secret)
                        failed |= json_object_set_new(
                                        object, entry->path, secret_stamp(target, entry));
        }
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

/* A directory's times change with whatever is put in it. */
static json_t *found_stamp(const Found *found) {
        char text[128];
        bool has_times = found->kind == FOUND_FILE || found->kind == FOUND_LINK;
        (void) snprintf(text, sizeof(text), "%d %o %u:%u %lld %lld %llu", found->kind, found->mode,
                        found->uid, found->gid, has_times ? (long long) found->mtime_nsec : 0,
                        has_times ? (long long) found->ctime_nsec : 0,
                        has_times ? (unsigned long long) found->inode : 0); /* fits */
        return json_text(text);
}

static int add_found(json_t *object, const Scan *scan, EntryRoot root) {
        int failed = 0;
        for (size_t i = 0; scan && i < scan->n_found; i++) {
                const Found *found = &scan->found[i];
                cleanup_free char *path = NULL;
                if (found->kind == FOUND_NOTHING)
                        continue;
                if (asprintf(&path, "%s%s", entry_root_prefix(root), found->path) < 0)
                        return -ENOMEM;
                failed |= json_object_set_new(object, path, found_stamp(found));
        }
        return failed;
}

static json_t *found_of(const Prepared *prepared) {
        json_t *object = json_object();
        int failed = add_found(object, prepared->scan, ROOT_ETC);
        failed |= add_found(object, prepared->lib.scan, ROOT_LIB);
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

static int add_state(
                json_t *object, const UnitStates *states, const char *prefix, const char *unit) {
        const UnitState *state = states ? unit_states_find(states, unit) : NULL;
        char name[512];
        (void) snprintf(name, sizeof(name), "%s%s", prefix, unit); /* fits */
        return json_object_set_new(
                        object, name, json_text(state ? state->active_state : "inactive"));
}

static int
add_states(json_t *object, const UnitPlan *plan, const UnitStates *states, const char *prefix) {
        int failed = 0;
        for (size_t i = 0; i < plan->n_actions; i++)
                failed |= add_state(object, states, prefix, plan->actions[i].unit);
        for (size_t i = 0; i < plan->n_dragged; i++)
                failed |= add_state(object, states, prefix, plan->dragged[i].unit);
        for (size_t i = 0; i < plan->n_triggered; i++)
                failed |= add_state(object, states, prefix, plan->triggered[i].unit);
        return failed;
}

static json_t *states_of(const Prepared *prepared) {
        const Plan *plan = prepared->plan;
        json_t *object = json_object();
        int failed = add_states(object, &plan->units, prepared->states, "");
        for (size_t i = 0; i < plan->n_users; i++)
                for (size_t j = 0; j < prepared->users.n_items; j++) {
                        char prefix[16];
                        if (prepared->users.items[j].uid != plan->users[i].uid)
                                continue;
                        (void) snprintf(prefix, sizeof(prefix), "%u:", plan->users[i].uid);
                        failed |= add_states(object, &plan->users[i].units,
                                        prepared->users.items[j].states, prefix);
                }
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

static json_t *plan_of(const Prepared *prepared, Error *reterr) {
        static const PlanSide nobody = { .generation = -1, .source = "" };
        const PlanJsonInput input = {
                .plan = prepared->plan, .from = nobody, .to = nobody, .fit = prepared->fit
        };
        cleanup_free char *json = NULL;
        if (plan_to_json(&input, &json, reterr) < 0)
                return NULL;
        json_t *plan = json_loads(json, 0, NULL);
        (void) json_object_del(plan, "from"); /* NULL and missing ones are left alone */
        (void) json_object_del(plan, "to");
        return plan;
}

static json_t *reference_of(const ReferenceTree *target) {
        if (target->path)
                return json_text(target->path);
        char text[300];
        (void) snprintf(text, sizeof(text), "%s@%lld", target->profile,
                        (long long) target->number); /* cut: then it names nothing */
        return json_text(text);
}

static int describe(const Host *host, const Prepared *prepared, json_t **ret_root, Error *reterr) {
        json_t *root = json_object();
        const ReferenceTree *target = &prepared->target;
        json_t *plan = plan_of(prepared, reterr);
        int failed = json_object_set_new(root, "saved_plan", json_integer(FORMAT_VERSION));
        failed |= json_object_set_new(root, "sysswitch", json_text(SYSSWITCH_VERSION));
        failed |= json_object_set_new(root, "profile", json_text(host->profile_name));
        failed |= json_object_set_new(root, "reference", reference_of(target));
        failed |= json_object_set_new(root, "force", json_boolean(prepared->fit_input.force));
        failed |= json_object_set_new(root, "commit", json_text_or_null(target->origin.commit));
        failed |= json_object_set_new(root, "from", json_integer(prepared->from_number));
        failed |= json_object_set_new(root, "from_tree", tree_digest(prepared->old));
        failed |= json_object_set_new(root, "to_tree", tree_digest(prepared->new));
        failed |= json_object_set_new(root, "secrets", secrets_of(target));
        failed |= json_object_set_new(root, "found", found_of(prepared));
        failed |= json_object_set_new(root, "states", states_of(prepared));
        failed |= json_object_set_new(root, "debt", json_debts(prepared->debts, prepared->n_debts));
        failed |= json_object_set_new(root, "plan", plan);
        if (failed) {
                json_decref(root);
                return error_oom(reterr);
        }
        *ret_root = root;
        return 0;
}

static int write_synced(int fd, const char *text) {
        int r = write_bytes(fd, text, strlen(text));
        return r >= 0 && fsync(fd) < 0 ? -errno : r;
}

/* Beside it first, under a name that nobody else has: what is at FILE is a whole plan at any time.
 * For its owner alone, as is all that it was made from. */
static int write_beside(const char *path, const char *text, Error *reterr) {
        cleanup_free char *part = NULL;
        struct stat st;
        if (asprintf(&part, "%s.XXXXXX", path) < 0)
                return error_oom(reterr);
        if (lstat(path, &st) == 0 && !S_ISREG(st.st_mode))
                return error_set(reterr, -EEXIST, "%s: is there, and no file: name another", path);
        cleanup_fd int fd = mkostemp(part, O_CLOEXEC);
        if (fd < 0)
                return error_set_errno(reterr, -errno, "%s", path);
        int r = write_synced(fd, text);
        if (r >= 0 && rename(part, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(part); /* it is r that is told */
        else
                r = path_sync_parent(path);
        return r < 0 ? error_set_errno(reterr, r, "%s", path) : 0;
}

int saved_plan_write(const char *path, const Host *host, const Prepared *prepared, Error *reterr) {
        json_t *root = NULL;
        int r = describe(host, prepared, &root, reterr);
        if (r < 0)
                return r;
        cleanup_free char *json = json_dumps(root, JSON_INDENT(1)), *text = NULL;
        json_decref(root);
        if (!json || asprintf(&text, "%s\n", json) < 0)
                return error_oom(reterr);
        return write_beside(path, text, reterr);
}

int saved_plan_read(const char *path, SavedPlan **ret_saved, Error *reterr) {
        json_error_t error;
        cleanup(saved_plan_freep) SavedPlan *saved = calloc(1, sizeof(SavedPlan));
        cleanup_file FILE *file = fopen(path, "re");
        if (!file)
                return error_set_errno(reterr, -errno, "%s", path);
        if (!saved || !(saved->path = strdup(path)))
                return error_oom(reterr);
        saved->root = json_loadf(file, JSON_REJECT_DUPLICATES, &error);
        if (!saved->root)
                return error_set(reterr, -EBADMSG, "%s:%d: No saved plan: %s", path, error.line,
                                error.text);
        if (json_integer_value(json_object_get(saved->root, "saved_plan")) != FORMAT_VERSION ||
                        !json_string_value(json_object_get(saved->root, "reference")))
                return error_set(reterr, -EBADMSG,
                                "%s: No saved plan of this version: make one by switch --dry-run "
                                "--plan=FILE",
                                path);
        *ret_saved = TAKE(saved);
        return 0;
}

SavedPlan *saved_plan_free(SavedPlan *saved) {
        if (saved) {
                json_decref(saved->root);
                free(saved->path);
                free(saved);
        }
        return NULL;
}

const char *saved_plan_reference(const SavedPlan *saved) {
        return json_string_value(json_object_get(saved->root, "reference"));
}

bool saved_plan_forces(const SavedPlan *saved) {
        return json_is_true(json_object_get(saved->root, "force"));
}

/* Comparing */

static const char *text_of(const json_t *object, const char *key) {
        const char *text = json_string_value(json_object_get(object, key));
        return text ? text : "none";
}

static void add_moved(Text *text, const char *format, ...) printf_like(2, 3);
static void add_moved(Text *text, const char *format, ...) {
        char part[512];
        va_list arguments;
        va_start(arguments, format);
        (void) vsnprintf(part, sizeof(part), format, arguments); /* cut: it is for people */
        va_end(arguments);
        text_add(text, text->length > 0 ? "; " : "");
        text_add_line(text, part);
}

/* The first key of either that is not the same in both; NULL: none. */
static const char *first_difference(json_t *then, json_t *now) {
        const char *key;
        json_t *value;
        json_object_foreach(then, key, value) {
                if (!json_equal(value, json_object_get(now, key)))
                        return key;
        }
        json_object_foreach(now, key, value) {
                if (!json_object_get(then, key))
                        return key;
        }
        return NULL;
}

static void compare_sources(json_t *then, json_t *now, Text *moved) {
        bool same_tree = json_equal(
                        json_object_get(then, "to_tree"), json_object_get(now, "to_tree"));
        const char *secret = first_difference(
                        json_object_get(then, "secrets"), json_object_get(now, "secrets"));
        const char *old = text_of(then, "commit"), *new = text_of(now, "commit");
        if (!same_tree && strcmp(old, new) != 0)
                add_moved(moved, "%s is commit %.12s now, and was %.12s",
                                text_of(then, "reference"), new, old);
        else if (!same_tree)
                add_moved(moved, "%s is not what it was", text_of(then, "reference"));
        else if (secret)
                add_moved(moved, "the secret %s may be another one", secret);
}

/* Of units that it names and a new plan might not; one that was not asked for has not moved as far
 * as is known. */
static void compare_states(json_t *then, json_t *now, const Prepared *prepared, Text *moved) {
        const char *unit;
        json_t *value;
        json_object_foreach(then, unit, value) {
                const UnitState *state = prepared->states && !strchr(unit, ':')
                                                         ? unit_states_find(prepared->states, unit)
                                                         : NULL;
                const char *was = json_string_value(value) ? json_string_value(value) : "";
                const char *is = state ? state->active_state : NULL;
                if (json_object_get(now, unit))
                        is = text_of(now, unit);
                if (is && strcmp(was, is) != 0)
                        add_moved(moved, "%s is %s now, and was %s", unit, is, was);
        }
}

static void compare_hosts(json_t *then, json_t *now, const Prepared *prepared, Text *moved) {
        const json_t *from = json_object_get(then, "from"), *active = json_object_get(now, "from");
        if (!json_equal(from, active))
                add_moved(moved, "generation %lld is active now, and %lld was",
                                (long long) json_integer_value(active),
                                (long long) json_integer_value(from));
        else if (!json_equal(json_object_get(then, "from_tree"), json_object_get(now, "from_tree")))
                add_moved(moved, "the active generation is not what it was");
        const char *path = first_difference(
                        json_object_get(then, "found"), json_object_get(now, "found"));
        if (path)
                add_moved(moved, "%s was changed", path);
        compare_states(json_object_get(then, "states"), json_object_get(now, "states"), prepared,
                        moved);
        if (!json_equal(json_object_get(then, "debt"), json_object_get(now, "debt")))
                add_moved(moved, "what is owed is not the same");
        if (!json_equal(json_object_get(json_object_get(then, "plan"), "initrds"),
                            json_object_get(json_object_get(now, "plan"), "initrds")))
                add_moved(moved, "which initrds are made, and why, is not the same");
}

int saved_plan_check(
                const SavedPlan *saved, const Host *host, const Prepared *prepared, Error *reterr) {
        json_t *now = NULL, *then = saved->root;
        int r = describe(host, prepared, &now, reterr);
        if (r < 0)
                return r;
        cleanup(text_donep) Text moved = { 0 };
        if (strcmp(text_of(then, "sysswitch"), SYSSWITCH_VERSION) != 0)
                add_moved(&moved, "sysswitch %s made it, and this is " SYSSWITCH_VERSION,
                                text_of(then, "sysswitch"));
        if (strcmp(text_of(then, "profile"), host->profile_name) != 0)
                add_moved(&moved, "it is of profile %s", text_of(then, "profile"));
        compare_sources(then, now, &moved);
        compare_hosts(then, now, prepared, &moved);
        const char *part = first_difference(
                        json_object_get(then, "plan"), json_object_get(now, "plan"));
        if (part && moved.length == 0)
                add_moved(&moved, "its %s are not the same", part);
        json_decref(now);
        if (moved.error < 0)
                return error_oom(reterr);
        if (moved.length == 0)
                return 0;
        return error_set(reterr, -ESTALE, "%s: It is not the plan any more: %s; review it anew",
                        saved->path, moved.data);
}
