/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is left after pruning is what was stored, and nothing else is left; it costs what is
 * deleted. */
#include "state/displaced.h"
#include "state/entry_layer.h"
#include "state/generation.h"
#include "state/pin.h"
#include "state/prune.h"
#include "state/record.h"
#include "state/statement.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

enum { N_PATHS = 12, N_TEXTS = 5, MAX_GENERATIONS = 64 };

/* A profile beside its model: what every generation's tree is. */
typedef struct World {
        Database *database;
        Contents *contents;
        int64_t newest;
        Tree *trees[MAX_GENERATIONS]; /* by number; NULL: pruned */
        unsigned seed;
        bool has_layers;
} World;

static unsigned below(World *world, unsigned n) {
        return (unsigned) rand_r(&world->seed) % n;
}

static void world_begin(void **state, World *world, unsigned seed) {
        Error error;
        *world = (World){ .contents = contents_new(), .seed = seed };
        char name[32];
        (void) snprintf(name, sizeof(name), "d%u", seed); /* fits */
        assert_ok(database_open(
                        scratch_path(state, name), DATABASE_WRITE, &world->database, &error));
        contents_set_loader(world->contents, database_content_loader, world->database);
        /* nobody cuts the power here */
        assert_int_equal(sqlite3_exec(world->database->handle, "PRAGMA synchronous = OFF", NULL,
                                         NULL, NULL),
                        SQLITE_OK);
}

static void world_end(World *world) {
        for (size_t i = 0; i < MAX_GENERATIONS; i++)
                tree_free(world->trees[i]);
        world->database = database_close(world->database);
        contents_free(world->contents);
}

static int64_t number_of(World *world, const char *sql) {
        sqlite3_stmt *statement = NULL;
        assert_int_equal(sqlite3_prepare_v2(world->database->handle, sql, -1, &statement, NULL),
                        SQLITE_OK);
        assert_int_equal(sqlite3_step(statement), SQLITE_ROW);
        int64_t number = sqlite3_column_int64(statement, 0);
        assert_int_equal(sqlite3_finalize(statement), SQLITE_OK);
        return number;
}

static const char *text_of(unsigned i) {
        static const char *const texts[N_TEXTS] = { "one\n", "two\n", "three\n", "four\n", "" };
        return texts[i];
}

/* Apart from the tree's own dice. */
static void spread_over_layers(World *world, Tree *tree) {
        static const char *const layers[] = { NULL, NULL, "../role", "../common" };
        for (size_t i = 0; i < tree->n_entries; i++)
                if (below(world, 3) == 0 || !tree->entries[i].layer)
                        tree->entries[i].layer = layers[below(world, 4)];
}

static Tree *random_tree(World *world, const Tree *before) {
        Tree *tree = tree_new();
        for (unsigned i = 0; i < N_PATHS; i++) {
                char path[32];
                (void) snprintf(path, sizeof(path), "path-%02u", i); /* fits */
                const Entry *there = before ? tree_find(before, ROOT_ETC, path) : NULL;
                if (below(world, 4) > 0) {
                        if (there)
                                assert_int_equal(tree_add(tree, there), 0);
                } else if (below(world, 3) == 0)
                        scratch_add_link(tree, path, text_of(below(world, 4)));
                else if (below(world, 4) > 0)
                        scratch_add_file(tree, world->contents, path,
                                        text_of(below(world, N_TEXTS)));
        }
        return scratch_seal(tree);
}

static const Tree *newest_stored(const World *world) {
        for (int64_t number = world->newest; number > 0; number--)
                if (world->trees[number])
                        return world->trees[number];
        return NULL;
}

/* As switch/store.c does it: the changes are against the newest tree that is stored. */
static void store(World *world, Tree *tree) {
        Error error;
        cleanup_free TreeChange *changes = NULL;
        cleanup(profile_donep) Profile profile = { 0 };
        cleanup(tree_freep) Tree *before = NULL;
        size_t n_changes = 0;
        int64_t number = 0;
        assert_ok(profile_load(world->database, "system", &profile, &error));
        assert_int_equal(profile.newest, world->newest);
        assert_ok(generation_load(world->database, "system", profile.newest_stored, world->contents,
                        &before, &error));
        assert_int_equal(tree_compare(before, tree, &changes, &n_changes), 0);
        assert_ok(generation_store(world->database, "system", &(Generation){ 0 }, changes,
                        n_changes, &number, &error));
        assert_int_equal(number, world->newest + 1);
        if (world->has_layers)
                spread_over_layers(world, tree);
        assert_ok(entry_layers_store(world->database, "system", number, tree, &error));
        world->newest = number;
        world->trees[number] = tree;
}

static int64_t begin_switch(World *world) {
        Error error;
        SwitchRecord record = { .profile = "system", .verb = "switch", .exit_status = -1 };
        assert_ok(record_begin(world->database, &record, NULL, 0, &error));
        return record.id;
}

static void displace(World *world, const char *path, const char *text, int64_t switch_id) {
        Error error;
        const Found found = {
                .kind = FOUND_FILE, .path = path, .content = scratch_content(world->contents, text)
        };
        assert_ok(displaced_put(world->database, "system", ROOT_ETC, &found, world->contents,
                        switch_id, &error));
}

static void prune(World *world, const int64_t *numbers, size_t n_numbers) {
        Error error;
        PruneResult result;
        assert_ok(database_begin(world->database, &error));
        assert_ok(generations_prune(
                        world->database, "system", numbers, n_numbers, &result, &error));
        assert_ok(database_commit(world->database, &error));
        for (size_t i = 0; i < n_numbers; i++)
                world->trees[numbers[i]] = tree_free(world->trees[numbers[i]]);
}

static void prune_some(World *world) {
        int64_t numbers[MAX_GENERATIONS];
        size_t n_numbers = 0;
        unsigned odds = 2 + below(world, 4);
        for (int64_t number = 1; number <= world->newest; number++)
                if (world->trees[number] && below(world, odds) > 0)
                        numbers[n_numbers++] = number;
        prune(world, numbers, n_numbers);
}

static void assert_same(const Tree *have, const Tree *want) {
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        assert_int_equal(tree_compare(have, want, &changes, &n_changes), 0);
        assert_int_equal(n_changes, 0);
}

static size_t n_differences(const Tree *before, const Tree *after) {
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        assert_int_equal(tree_compare(before, after, &changes, &n_changes), 0);
        return n_changes;
}

static void check_generation(World *world, int64_t number) {
        Error error;
        cleanup(tree_freep) Tree *tree = NULL, *before = NULL, *after = NULL;
        int r = generation_load(world->database, "system", number, world->contents, &tree, &error);
        if (!world->trees[number]) {
                assert_error(r, -ENOENT);
                assert_contains(error.message, "was pruned");
                return;
        }
        assert_ok(r);
        assert_same(tree, world->trees[number]);
        assert_ok(entry_layers_load(world->database, "system", number, tree, &error));
        for (size_t i = 0; i < tree->n_entries; i++) {
                const char *have = tree->entries[i].layer,
                           *want = world->trees[number]->entries[i].layer;
                assert_string_equal(have ? have : "", want ? want : "");
        }
        int64_t other = 1 + below(world, (unsigned) world->newest);
        if (!world->trees[other])
                return;
        assert_ok(generation_compare(world->database, "system", number, other, world->contents,
                        &before, &after, &error));
        assert_int_equal(n_differences(before, after),
                        n_differences(world->trees[number], world->trees[other]));
}

static void check_world(World *world) {
        static const char sql_rows[] = "SELECT count(*) FROM entries AS e WHERE NOT EXISTS (SELECT "
                                       "1 FROM generations AS g WHERE g.profile = e.profile AND "
                                       "g.number BETWEEN e.first AND e.last)";
        static const char sql_contents[] = "SELECT count(*) FROM contents WHERE id NOT IN (SELECT "
                                           "content FROM entries WHERE content IS NOT NULL UNION "
                                           "SELECT content FROM displaced WHERE content IS NOT "
                                           "NULL)";
        static const char sql_layers[] =
                        "SELECT count(*) FROM entry_layers AS l WHERE NOT EXISTS (SELECT 1 FROM "
                        "generations AS g WHERE g.number >= l.first AND NOT EXISTS (SELECT 1 FROM "
                        "entry_layers AS n WHERE n.path = l.path AND n.first > l.first AND "
                        "n.first <= g.number)) OR path NOT IN (SELECT path FROM entries)";
        for (int64_t number = 1; number <= world->newest; number++)
                check_generation(world, number);
        assert_int_equal(number_of(world, sql_layers), 0);
        assert_int_equal(number_of(world, sql_rows), 0);
        assert_int_equal(number_of(world, sql_contents), 0);
        assert_int_equal(number_of(world, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
}

static void check_displaced(World *world, const char *path, const char *text) {
        Error error;
        cleanup(arena_donep) Arena arena = { 0 };
        cleanup(contents_freep) Contents *contents = contents_new();
        Found *found = NULL;
        size_t n_found = 0;
        contents_set_loader(contents, database_content_loader, world->database);
        assert_ok(displaced_load(world->database, "system", ROOT_ETC, contents, &arena, &found,
                        &n_found, &error));
        for (size_t i = 0; i < n_found; i++)
                if (strcmp(found[i].path, path) == 0) {
                        assert_ok(content_load(contents, found[i].content, &error));
                        assert_string_equal(found[i].content->data, text);
                        return;
                }
        fail_msg("%s is not displaced any more", path);
}

static void test_prune__leaves_the_others_and_nothing_else(void **state) {
        for (unsigned seed = 1; seed <= 40; seed++) {
                World world;
                world_begin(state, &world, seed);
                world.has_layers = seed % 2;
                displace(&world, "path-00", text_of(0), begin_switch(&world));
                displace(&world, "path-01", "only displaced\n", 1);
                for (unsigned i = 0; i < 40; i++) {
                        store(&world, random_tree(&world, newest_stored(&world)));
                        if (below(&world, 8) == 0) {
                                prune_some(&world);
                                check_world(&world);
                        }
                }
                prune_some(&world);
                check_world(&world);
                check_displaced(&world, "path-00", text_of(0));
                check_displaced(&world, "path-01", "only displaced\n");
                world_end(&world);
        }
}

static void test_prune__numbers_are_never_given_again(void **state) {
        World world;
        world_begin(state, &world, 1);
        for (unsigned i = 0; i < 3; i++)
                store(&world, random_tree(&world, newest_stored(&world)));
        prune(&world, (int64_t[]){ 1, 2, 3 }, 3);
        assert_int_equal(number_of(&world, "SELECT count(*) FROM entries"), 0);
        store(&world, random_tree(&world, NULL)); /* asserts that it is number 4 */
        check_world(&world);
        world_end(&world);
}

static void test_prune__refuses_what_is_in_use(void **state) {
        World world;
        Error error;
        PruneResult result;
        world_begin(state, &world, 1);
        for (unsigned i = 0; i < 4; i++)
                store(&world, random_tree(&world, newest_stored(&world)));
        assert_ok(profile_set_active(world.database, "system", 3, 2, &error));
        assert_int_equal(pin_set(world.database, "system", 1, true, &error), 1);
        static const char *const words[] = { "is pinned", "is the default", "is active" };
        for (int64_t number = 1; number <= 3; number++) {
                assert_error(generations_prune(
                                             world.database, "system", &number, 1, &result, &error),
                                -EINVAL);
                assert_contains(error.message, words[number - 1]);
        }
        int64_t none = 9;
        assert_error(generations_prune(world.database, "system", &none, 1, &result, &error),
                        -ENOENT);
        check_world(&world);
        world_end(&world);
}

static void test_prune__empties_the_stat_cache(void **state) {
        World world;
        world_begin(state, &world, 1);
        store(&world, random_tree(&world, NULL));
        assert_int_equal(sqlite3_exec(world.database->handle,
                                         "INSERT INTO stat_cache (source, stored_usec, data) "
                                         "VALUES ('/srv', 1, x'00')",
                                         NULL, NULL, NULL),
                        SQLITE_OK);
        prune(&world, (int64_t[]){ 1 }, 1);
        assert_int_equal(number_of(&world, "SELECT count(*) FROM stat_cache"), 0);
        world_end(&world);
}

static void test_pin__is_told_and_taken_back(void **state) {
        World world;
        Error error;
        world_begin(state, &world, 1);
        store(&world, random_tree(&world, NULL));
        assert_error(pin_set(world.database, "system", 2, true, &error), -ENOENT);
        assert_int_equal(pin_set(world.database, "system", 1, true, &error), 1);
        assert_int_equal(pin_set(world.database, "system", 1, true, &error), 0);
        for (int want = 1; want >= 0; want--) {
                cleanup(generations_donep) Generations list = { 0 };
                cleanup(generation_donep) Generation one = { 0 };
                assert_ok(generation_list(world.database, "system", &list, &error));
                assert_ok(generation_get(world.database, "system", 1, &one, &error));
                assert_int_equal(list.items[0].is_pinned, want);
                assert_int_equal(one.is_pinned, want);
                assert_int_equal(pin_set(world.database, "system", 1, false, &error), want);
        }
        world_end(&world);
}

/* Whatever the program does, the database itself keeps what is pinned. */
static void test_pin__is_enforced_by_the_database(void **state) {
        World world;
        Error error;
        world_begin(state, &world, 1);
        store(&world, random_tree(&world, NULL));
        assert_int_equal(pin_set(world.database, "system", 1, true, &error), 1);
        assert_int_equal(sqlite3_exec(world.database->handle, "DELETE FROM generations", NULL, NULL,
                                         NULL) &
                                         0xff,
                        SQLITE_CONSTRAINT);
        world_end(&world);
}

static void test_displaced__a_content_goes_with_the_last_that_has_it(void **state) {
        World world;
        Error error;
        world_begin(state, &world, 1);
        int64_t id = begin_switch(&world);
        displace(&world, "a", "shared\n", id);
        displace(&world, "b", "shared\n", id);
        displace(&world, "a", "not taken: what was there first comes back\n", id);
        assert_int_equal(number_of(&world, "SELECT count(*) FROM contents"), 1);
        assert_ok(displaced_drop(world.database, "system", ROOT_ETC, "a", &error));
        check_displaced(&world, "b", "shared\n");
        assert_ok(displaced_drop(world.database, "system", ROOT_ETC, "b", &error));
        assert_int_equal(number_of(&world, "SELECT count(*) FROM contents"), 0);
        displace(&world, "a", "shared\n", id);
        assert_ok(displaced_undo(world.database, id, &error));
        assert_int_equal(number_of(&world, "SELECT count(*) FROM contents"), 0);
        world_end(&world);
}

static void test_compact__gives_back_what_is_worth_it(void **state) {
        enum { N_BYTES = 1 << 20 };
        World world;
        Error error;
        struct stat after;
        world_begin(state, &world, 1);
        cleanup_free char *bytes = calloc(1, N_BYTES + 1);
        memset(bytes, 'x', N_BYTES);
        store(&world, random_tree(&world, NULL));
        Tree *large = tree_new();
        scratch_add_file(large, world.contents, "large", bytes);
        store(&world, scratch_seal(large));
        store(&world, random_tree(&world, world.trees[1]));
        assert_int_equal(database_compact(world.database, &error), 0);
        prune(&world, (int64_t[]){ 2 }, 1);
        assert_int_equal(database_compact(world.database, &error), 1);
        check_world(&world);
        assert_int_equal(sqlite3_exec(world.database->handle, "PRAGMA wal_checkpoint(TRUNCATE)",
                                         NULL, NULL, NULL),
                        SQLITE_OK);
        assert_int_equal(stat(scratch_path(state, "d1/state.db"), &after), 0);
        assert_true(after.st_size < N_BYTES / 2);
        store(&world, random_tree(&world, world.trees[3]));
        assert_int_equal(number_of(&world, "SELECT page_size FROM pragma_page_size"), 16384);
        world_end(&world);
}

/* The cost of deleting ten of few and ten of many generations, in steps of SQLite's machine. */
enum { N_WIDE = 400, N_CHANGES = 3, N_PRUNED = 10, FEW = 20, MANY = 2000, TOLERANCE_PERCENT = 10 };

static void wide_entry(World *world, unsigned path, unsigned version, char *name, Entry *entry) {
        char text[64];
        (void) sprintf(name, "opt/path-%04u", path);                          /* fits */
        (void) snprintf(text, sizeof(text), "%u, version %u", path, version); /* fits */
        *entry = (Entry){ .kind = ENTRY_FILE,
                .path = name,
                .mode = 0644,
                .owner = "root",
                .group = "root",
                .content = scratch_content(world->contents, text) };
}

static void store_wide(World *world, unsigned *versions, size_t n_changes) {
        static Entry before[N_WIDE], after[N_WIDE];
        static char names[N_WIDE][64];
        static TreeChange changes[N_WIDE];
        Error error;
        bool is_first = world->newest == 0;
        for (unsigned i = 0; i < n_changes; i++) {
                wide_entry(world, i, versions[i], names[i], &before[i]);
                wide_entry(world, i, ++versions[i], names[i], &after[i]);
                changes[i] = (TreeChange){ .before = is_first ? NULL : &before[i],
                        .after = &after[i] };
        }
        assert_ok(generation_store(world->database, "system", &(Generation){ 0 }, changes,
                        n_changes, &world->newest, &error));
}

static uint64_t prune_cost(void **state, unsigned n_generations, int64_t first, unsigned name) {
        World world;
        Error error;
        PruneResult result;
        unsigned versions[N_WIDE] = { 0 };
        int64_t numbers[N_PRUNED];
        world_begin(state, &world, name);
        assert_ok(database_begin(world.database, &error));
        for (unsigned i = 0; i < n_generations; i++)
                store_wide(&world, versions, i == 0 ? N_WIDE : N_CHANGES);
        for (unsigned i = 0; i < N_PRUNED; i++)
                numbers[i] = first + i;
        assert_ok(database_commit(world.database, &error));
        uint64_t steps = database_steps(world.database);
        assert_ok(database_begin(world.database, &error));
        assert_ok(generations_prune(world.database, "system", numbers, N_PRUNED, &result, &error));
        assert_ok(database_commit(world.database, &error));
        steps = database_steps(world.database) - steps;
        assert_int_equal(result.n_entries, N_PRUNED * N_CHANGES);
        assert_int_equal(result.n_contents, N_PRUNED * N_CHANGES);
        world_end(&world);
        return steps;
}

static void test_prune__costs_what_is_deleted(void **state) {
        uint64_t few = prune_cost(state, FEW, 1, 1), many = prune_cost(state, MANY, 1, 2);
        uint64_t middle = prune_cost(state, MANY, MANY / 2, 3);
        print_message("of %d: %" PRIu64 " steps; of %d: %" PRIu64 ", in the middle %" PRIu64 "\n",
                        FEW, few, MANY, many, middle);
        assert_true(few > 0);
        assert_true(many * 100 <= few * (100 + TOLERANCE_PERCENT));
        assert_true(middle * 100 <= few * (100 + TOLERANCE_PERCENT));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_prune__leaves_the_others_and_nothing_else),
                TEST(test_prune__numbers_are_never_given_again),
                TEST(test_prune__refuses_what_is_in_use),
                TEST(test_prune__empties_the_stat_cache),
                TEST(test_pin__is_told_and_taken_back),
                TEST(test_pin__is_enforced_by_the_database),
                TEST(test_displaced__a_content_goes_with_the_last_that_has_it),
                TEST(test_compact__gives_back_what_is_worth_it),
                TEST(test_prune__costs_what_is_deleted),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
