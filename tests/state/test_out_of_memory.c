/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every allocation of the room, SQLite's too, fails once: each time the whole says so, leaks
 * nothing (the sanitizers tell), and the next try succeeds. */
#include "state/directory.h"
#include "state/displaced.h"
#include "state/generation.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

static long countdown = -1; /* below 0: nothing fails */

static bool fails(void) {
        if (countdown < 0)
                return false;
        return countdown-- == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__real_reallocarray(void *pointer, size_t n, size_t size);
char *__real_strdup(const char *text);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_reallocarray(void *pointer, size_t n, size_t size);
char *__wrap_strdup(const char *text);

void *__wrap_malloc(size_t size) {
        return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *pointer, size_t size) {
        return fails() ? NULL : __real_realloc(pointer, size);
}

void *__wrap_reallocarray(void *pointer, size_t n, size_t size) {
        return fails() ? NULL : __real_reallocarray(pointer, n, size);
}

char *__wrap_strdup(const char *text) {
        return fails() ? NULL : __real_strdup(text);
}

static sqlite3_mem_methods sqlite_memory;

static void *sqlite_malloc(int size) {
        return fails() ? NULL : sqlite_memory.xMalloc(size);
}

static void *sqlite_realloc(void *pointer, int size) {
        return fails() ? NULL : sqlite_memory.xRealloc(pointer, size);
}

static int fail_sqlite_too(void **state) {
        (void) state;
        assert_int_equal(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &sqlite_memory), SQLITE_OK);
        sqlite3_mem_methods methods = sqlite_memory;
        methods.xMalloc = sqlite_malloc;
        methods.xRealloc = sqlite_realloc;
        return sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK ? 0 : -1;
}

/* What a switch and the next one have of this room. */
typedef struct Run {
        Contents *contents;
        Database *database;
        StatCache *cache;
        Source *source;
        Tree *tree, *before, *after;
        TreeChange *changes;
        Arena arena;
} Run;

static void run_done(Run *run) {
        free(run->changes);
        tree_free(run->tree);
        tree_free(run->before);
        tree_free(run->after);
        source_free(run->source);
        stat_cache_free(run->cache);
        database_close(run->database);
        contents_free(run->contents);
        arena_done(&run->arena);
}

static int make_tree(Run *run, Error *error) {
        run->tree = tree_new();
        if (!run->tree)
                return error_oom(error);
        for (size_t i = 0; i < run->source->n_entries; i++) {
                const SourceEntry *from = &run->source->entries[i];
                const Entry entry = {
                        .root = ROOT_ETC,
                        .kind = from->content  ? ENTRY_FILE
                                : from->target ? ENTRY_LINK
                                               : ENTRY_DIRECTORY,
                        .path = from->path,
                        .owner = "root",
                        .group = "adm",
                        .content = from->content,
                        .target = from->target,
                };
                if (tree_add(run->tree, &entry) < 0)
                        return error_oom(error);
        }
        return tree_seal(run->tree, error);
}

static int store(Run *run, Error *error) {
        size_t n_changes = 0;
        int64_t number = 0;
        if (tree_compare(NULL, run->tree, &run->changes, &n_changes) < 0)
                return error_oom(error);
        char origin[] = "/srv/a", user[] = "root";
        const Generation generation = { .origin.path = origin, .user = user };
        int r = database_begin(run->database, error);
        if (r >= 0)
                r = generation_store(run->database, "system", &generation, run->changes, n_changes,
                                &number, error);
        if (r >= 0)
                r = directory_remember(run->database, run->cache, error);
        if (r >= 0)
                r = database_commit(run->database, error);
        return r;
}

static int read_back(Run *run, Error *error) {
        cleanup(profile_donep) Profile profile = { 0 };
        cleanup(generations_donep) Generations generations = { 0 };
        Found *found = NULL;
        size_t n_found = 0;
        cleanup(tree_freep) Tree *tree = NULL;
        int r = profile_load(run->database, "system", &profile, error);
        if (r >= 0)
                r = generation_load(run->database, "system", 1, run->contents, &tree, error);
        if (r >= 0)
                r = generation_compare(run->database, "system", 0, 1, run->contents, &run->before,
                                &run->after, error);
        if (r >= 0)
                r = generation_list(run->database, "system", &generations, error);
        if (r >= 0)
                r = displaced_load(run->database, "system", ROOT_ETC, run->contents, &run->arena,
                                &found, &n_found, error);
        contents_set_loader(run->contents, database_content_loader, run->database);
        for (size_t i = 0; r >= 0 && i < tree->n_entries; i++)
                if (tree->entries[i].content)
                        r = content_load(run->contents, tree->entries[i].content, error);
        return r;
}

static int try_once(void **state, Error *error) {
        const char *path = scratch_path(state, "src");
        cleanup(run_done) Run run = { .contents = contents_new() };
        if (!run.contents)
                return error_oom(error);
        int r = database_open(scratch_path(state, "d"), DATABASE_WRITE, &run.database, error);
        if (r >= 0)
                r = directory_read(path, run.database, run.contents, NULL, &run.cache, &run.source,
                                error);
        if (r >= 0)
                r = make_tree(&run, error);
        if (r >= 0)
                r = store(&run, error);
        run.database = database_close(run.database);
        run.contents = contents_free(run.contents);
        if (r < 0)
                return r;
        run.contents = contents_new();
        if (!run.contents)
                return error_oom(error);
        r = database_open(scratch_path(state, "d"), DATABASE_READ, &run.database, error);
        return r < 0 ? r : read_back(&run, error);
}

static void empty(void **state) {
        static const char *const files[] = { "d/state.db", "d/state.db-wal", "d/state.db-shm" };
        for (size_t i = 0; i < N_ELEMENTS(files); i++)
                if (scratch_exists(state, files[i]))
                        scratch_remove(state, files[i]);
}

static void test_out_of_memory__is_told_at_every_allocation(void **state) {
        scratch_write(state, "src/units/a.service", "[Service]\n");
        scratch_write(state, "src/etc/motd", "text\n");
        scratch_link(state, "src/etc/link", "motd");
        Error error;
        long n_failures = 0;
        for (long nth = 0;; nth += 1 + nth / 50) {
                empty(state);
                error = (Error){ 0 };
                countdown = nth;
                int r = try_once(state, &error);
                bool was_reached = countdown < 0;
                countdown = -1;
                if (!was_reached) {
                        assert_ok(r);
                        break;
                }
                /* SQLite does without some of what it asks for */
                if (r < 0) {
                        assert_int_equal(r, -ENOMEM);
                        assert_string_equal(error.message, "Out of memory");
                        n_failures++;
                }
        }
        print_message("%ld allocations failed\n", n_failures);
        assert_true(n_failures > 100);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_out_of_memory__is_told_at_every_allocation),
        };
        return cmocka_run_group_tests(tests, fail_sqlite_too, NULL);
}
