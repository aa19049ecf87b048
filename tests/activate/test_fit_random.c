/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Random hosts, random profiles, one after another. What a fit shall come to is said here anew,
 * from the host and the profile alone: each path that the profile has is as it says, each other one
 * as it was on the host. */

#include "activate/manifest.h"
#include "tests/activate/fit_world.h"
#include "tests/support/tree_words.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH = 3, N_NAMES = 3, N_ROUNDS = 150, N_ROUNDS_LONG = 10000, N_PROFILES = 6 };

static const char *const names[N_NAMES] = { "a", "a-b", "c" };
static unsigned seed;

static unsigned chance(unsigned n) { /* xorshift: 0 to n - 1 */
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        return seed % n;
}

static const char *pick(const char *const *choices, size_t n) {
        return choices[chance((unsigned) n)];
}
#define PICK(...)                                                                                  \
        pick((const char *const[]){ __VA_ARGS__ },                                                 \
                        N_ELEMENTS(((const char *const[]){ __VA_ARGS__ })))

static void add_file(Text *words, const char *path) {
        text_addf(words, "f %s %s %s; ", path, PICK("one", "two", "three"),
                        PICK("0644", "0644", "0600", "04711"));
}

/* What is below prefix, as words. A profile also has absent paths, and directories without a mode
 * of their own. */
static void add_random(Text *words, const char *prefix, unsigned depth, bool is_profile) {
        for (size_t i = 0; i < N_NAMES; i++) {
                char path[64];
                (void) snprintf(path, sizeof(path), "%s%s", prefix, names[i]);
                unsigned kind = chance(10);
                if (kind < 4) {
                        if (is_profile && chance(4) == 0)
                                text_addf(words, "- %s; ", path);
                } else if (kind < 6)
                        add_file(words, path);
                else if (kind < 7)
                        text_addf(words, "l %s %s; ", path, PICK("t", "u"));
                else if (depth + 1 < DEPTH) {
                        Text below = { 0 };
                        char inside[64];
                        (void) snprintf(inside, sizeof(inside), "%.60s/", path);
                        add_random(&below, inside, depth + 1, is_profile);
                        bool has_mode = !is_profile || !below.data || chance(3) == 0;
                        text_addf(words, has_mode ? "D %s %s; " : "d %s; ", path,
                                        PICK("0755", "0700", "01777"));
                        if (below.data)
                                text_add(words, below.data);
                        text_done(&below);
                }
        }
}

static char *random_words(bool is_profile) {
        Text words = { 0 };
        char *text = NULL;
        add_random(&words, "", 0, is_profile);
        while (words.length > 0 && (words.data[words.length - 1] == ' ' ||
                                                   words.data[words.length - 1] == ';'))
                words.data[--words.length] = 0;
        assert_int_equal(text_take(&words, &text), 0);
        return text;
}

static const Entry *entry_at(const Tree *tree, const char *path) {
        return tree_find(tree, ROOT_ETC, path);
}

static bool has_bytes(World *world, const char *path, const char *text, size_t size_bytes) {
        char got[64];
        int fd = openat(world->root.fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        assert_true(fd >= 0);
        ssize_t n = read(fd, got, sizeof(got));
        (void) close(fd); /* nothing was written */
        return (size_t) n == size_bytes && memcmp(got, text, size_bytes) == 0;
}

static bool has_target(World *world, const char *path, const char *target) {
        char got[64] = { 0 };
        return readlinkat(world->root.fd, path, got, sizeof(got) - 1) > 0 &&
               strcmp(got, target) == 0;
}

/* Is the path as new says or, where that says nothing, as it was on the host? */
static bool is_right(World *world, const Tree *host, const Tree *new, const char *path) {
        const Entry *was = entry_at(host, path), *wanted = entry_at(new, path);
        const Entry *entry = wanted ? wanted : was;
        Found found = { 0 };
        if (scan_look(world->root.fd, path, &found) < 0)
                return errno == ENOENT || errno == ENOTDIR ? !entry || entry->kind == ENTRY_ABSENT
                                                           : false;
        if (!entry)
                return false;
        switch (entry->kind) {
        case ENTRY_FILE:
                return found.kind == FOUND_FILE && found.mode == entry->mode &&
                       has_bytes(world, path, entry->content->data, entry->content->size_bytes);
        case ENTRY_LINK:
                return found.kind == FOUND_LINK && has_target(world, path, entry->target);
        case ENTRY_DIRECTORY:
                if (entry->implied && was && was->kind == ENTRY_DIRECTORY)
                        entry = was;
                return found.kind == FOUND_DIRECTORY && found.mode == entry->mode;
        default:
                return false;
        }
}

static void
verify_below(World *world, const Tree *host, const Tree *new, const char *prefix, unsigned depth) {
        for (size_t i = 0; i < N_NAMES; i++) {
                char path[64];
                (void) snprintf(path, sizeof(path), "%s%s", prefix, names[i]);
                if (!is_right(world, host, new, path)) {
                        cleanup_free char *shown = world_show(world);
                        fail_msg("%s is not right in\n%s", path, shown);
                }
                char below[64];
                (void) snprintf(below, sizeof(below), "%.60s/", path);
                if (depth + 1 < DEPTH)
                        verify_below(world, host, new, below, depth + 1);
        }
}

typedef struct Count {
        size_t carried_out, refused, operations[FIT_RECORD + 1], given_back;
} Count;

static void count_plan(const FitPlan *plan, Count *count) {
        count->carried_out++;
        for (size_t i = 0; i < plan->n_operations; i++) {
                count->operations[plan->operations[i].verb]++;
                count->given_back += plan->operations[i].give_back != NULL;
        }
}

static void undo_leaves_no_trace(World *world, const Attempt *attempt) {
        Error error = { 0 };
        cleanup_free char *before = world_show(world);
        if (attempt_stage(world, attempt, &error) < 0 ||
                        fit_flip(&world->root, attempt->plan, &error) < 0)
                fail_msg("%s", error.message);
        cleanup_strv Strv kept = { 0 };
        assert_int_equal(fit_undo(&world->root, &kept, &error), 1);
        assert_int_equal(kept.n_items, 0);
        expect_shown(world, before);
}

/* From old to new, unless something is in the way. Returns whether it came there. */
static bool move_on(
                World *world, const Tree *host, const Tree *old, const Tree *new, Count *count) {
        cleanup(attempt_donep) Attempt probe, attempt, again;
        again = (Attempt){ 0 };
        attempt_init(world, old, new, 0, &probe);
        bool is_refused = probe.plan->n_conflicts > 0;
        if (!is_refused)
                undo_leaves_no_trace(world, &probe);
        attempt_init(world, old, new, 0, &attempt); /* what was renamed has another change time */
        if (is_refused) {
                for (size_t i = 0; i < attempt.plan->n_conflicts; i++)
                        assert_int_equal(attempt.plan->conflicts[i].kind, CONFLICT_IN_THE_WAY);
                count->refused++;
                return false;
        }
        count_plan(attempt.plan, count);
        attempt_carry_out(world, &attempt);
        verify_below(world, host, new, "", 0);
        attempt_init(world, new, new, ATTEMPT_FORCE, &again);
        assert_int_equal(again.plan->n_operations, 0);
        assert_int_equal(again.plan->n_conflicts, 0);
        return true;
}

static void there_and_back(Count *count) {
        cleanup(world_donep) World world;
        world_init(&world, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
        cleanup_free char *host_words = random_words(false);
        world_make(&world, host_words);
        if (getenv("VERBOSE"))
                print_message("host: %s\n", host_words);
        cleanup_free char *start = world_show(&world);
        cleanup(tree_freep) Tree *host = tree_from_words(world.contents, host_words);
        cleanup(tree_freep) Tree *none = tree_from_words(world.contents, NULL);
        cleanup(tree_freep) Tree *old = tree_from_words(world.contents, NULL);
        for (unsigned i = 0; i < N_PROFILES; i++) {
                cleanup_free char *words = random_words(true);
                if (getenv("VERBOSE"))
                        print_message("  profile: %s\n", words);
                Tree *new = tree_from_words(world.contents, words);
                if (move_on(&world, host, old, new, count)) {
                        tree_free(old);
                        old = new;
                } else
                        tree_free(new);
        }
        if (!move_on(&world, host, old, none, count))
                fail_msg("the way back is never refused");
        assert_int_equal(world.n_displaced, 0);
        expect_shown(&world, start);
}

/* Somebody edits a random path: writes a text of its own, removes, links, makes a directory, or
 * changes a mode. */
static void edit(World *world, unsigned *n_texts) {
        static const char *const paths[] = { "a", "a-b", "c", "a/a", "a/c", "c/a-b", "c/c", "a/a/a",
                "a/a/c", "c/a-b/c" };
        const char *path = pick(paths, N_ELEMENTS(paths));
        int fd = world->root.fd;
        char text[16];
        Found found = { 0 };
        if (scan_look(fd, path, &found) >= 0 && found.kind == FOUND_LINK)
                (void) unlinkat(fd, path, 0); /* each may fail: then nothing was edited */
        switch (chance(6)) {
        case 0:
                (void) unlinkat(fd, path,
                                found.kind == FOUND_DIRECTORY ? AT_REMOVEDIR : 0); /* as above */
                break;
        case 1:
                (void) symlinkat("mine", fd, path); /* as above */
                break;
        case 2:
                (void) mkdirat(fd, path, 0750); /* as above */
                break;
        case 3:
                if (found.kind == FOUND_FILE || found.kind == FOUND_DIRECTORY)
                        (void) fchmodat(fd, path, 0711, 0); /* as above */
                break;
        default: {
                (void) snprintf(text, sizeof(text), "<%u>", ++*n_texts); /* fits */
                int file = openat(fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC,
                                0640);
                if (file < 0)
                        break;
                assert_int_equal(write(file, text, strlen(text)), strlen(text));
                assert_int_equal(close(file), 0);
        }
        }
}

static bool is_kept(const World *world, const FitPlan *plan, const char *text) {
        for (size_t i = 0; i < world->n_displaced; i++)
                if (world->displaced[i].content &&
                                strcmp(world->displaced[i].content->data, text) == 0)
                        return true;
        for (size_t i = 0; i < plan->n_operations; i++) {
                const FitOperation *operation = &plan->operations[i];
                if (operation->keep_saved && operation->found->content &&
                                strcmp(operation->found->content->data, text) == 0)
                        return true;
        }
        return false;
}

/* Every text of somebody's own that was there is there still, or was kept. */
static void nothing_is_lost(World *world, const char *before, const Attempt *attempt) {
        cleanup_free char *after = world_show(world);
        for (const char *mark = before; (mark = strchr(mark, '<')); mark++) {
                cleanup_free char *text = strndup(mark, strcspn(mark, ">") + 1);
                assert_non_null(text);
                if (!strstr(after, text) && !is_kept(world, attempt->plan, text))
                        fail_msg("%s is lost; before:\n%s\nafter:\n%s", text, before, after);
        }
}

/* From old to new over edits, unless something is in the way. Returns whether it came there. */
static bool move_over_edits(World *world, const Tree *old, const Tree *new, Count *count) {
        unsigned flags = chance(2) ? ATTEMPT_FORCE : ATTEMPT_SAVE_EDITED;
        cleanup_free char *before = world_show(world);
        cleanup(attempt_donep) Attempt probe = { 0 }, attempt = { 0 }, again = { 0 };
        attempt_init(world, old, new, flags, &probe);
        if (probe.plan->n_conflicts > 0) {
                count->refused++;
                return false;
        }
        undo_leaves_no_trace(world, &probe);
        attempt_init(world, old, new, flags, &attempt);
        count_plan(attempt.plan, count);
        attempt_carry_out(world, &attempt);
        nothing_is_lost(world, before, &attempt);
        attempt_init(world, new, new, flags, &again);
        assert_int_equal(again.plan->n_operations, 0);
        assert_int_equal(again.plan->n_conflicts, 0);
        return true;
}

static void with_edits(Count *count) {
        cleanup(world_donep) World world;
        world_init(&world, access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL);
        cleanup(tree_freep) Tree *old = tree_from_words(world.contents, NULL);
        unsigned n_texts = 0;
        for (unsigned i = 0; i < N_PROFILES; i++) {
                for (unsigned j = 0; j < 4; j++)
                        edit(&world, &n_texts);
                cleanup_free char *words = random_words(true);
                Tree *new = tree_from_words(world.contents, words);
                Tree *done = move_over_edits(&world, old, new, count) ? old : new;
                old = done == old ? new : old;
                tree_free(done);
        }
}

static unsigned n_rounds(void) {
        const char *is_long = getenv("LONG");
        return is_long && *is_long ? N_ROUNDS_LONG : N_ROUNDS;
}

static unsigned first_seed(void) {
        const char *given = getenv("SEED");
        return given ? (unsigned) strtoul(given, NULL, 0) : 20260701;
}

static void run_rounds(void (*round)(Count *count), Count *count) {
        print_message("SEED=%u\n", first_seed());
        for (unsigned i = 0; i < n_rounds(); i++) {
                seed = first_seed() + i * 2654435761U;
                seed += seed == 0; /* where it would stay */
                if (getenv("VERBOSE"))
                        print_message("SEED=%u\n", seed);
                round(count);
        }
        print_message("%zu switches, %zu refused; place %zu, exchange %zu, remove %zu, attributes "
                      "%zu, record %zu, "
                      "given back %zu\n",
                        count->carried_out, count->refused, count->operations[FIT_PLACE],
                        count->operations[FIT_EXCHANGE], count->operations[FIT_REMOVE],
                        count->operations[FIT_ATTRIBUTES], count->operations[FIT_RECORD],
                        count->given_back);
        for (size_t i = 0; i < N_ELEMENTS(count->operations); i++)
                assert_true(count->operations[i] > 20);
        assert_true(count->given_back > 20 && count->refused > 20 &&
                        count->carried_out > count->refused);
}

static void test_fit_random__there_and_back(void **state) {
        (void) state;
        Count count = { 0 };
        run_rounds(there_and_back, &count);
}

static void test_fit_random__no_edit_is_lost(void **state) {
        (void) state;
        Count count = { 0 };
        run_rounds(with_edits, &count);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_fit_random__there_and_back),
                cmocka_unit_test(test_fit_random__no_edit_is_lost),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
