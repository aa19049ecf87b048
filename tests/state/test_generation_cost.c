/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Storing a generation costs what changed, comparing neighbours what changed between them: SQLite's
 * virtual machine steps and pages, from opening the database on as a run of the program does, are
 * the same at 10 and at 10 000 generations. */
#include "state/generation.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum {
        N_PATHS = 500,
        N_CHANGES = 3,
        FEW = 10,
        MANY = 10000,
        TOLERANCE_PERCENT = 10,
};

typedef struct Host {
        void *directory;
        Database *database;
        Contents *contents;
        unsigned versions[N_PATHS];
        int64_t number;
} Host;

typedef struct Cost {
        uint64_t steps, pages;
} Cost;

typedef struct Costs {
        Cost store, compare_end, compare_middle, load_newest;
} Costs;

/* A path as it is now; text is where its name goes. */
static void make_entry(Host *host, unsigned path, char (*text)[64], Entry *ret_entry) {
        char unit[128];
        (void) snprintf(*text, sizeof(*text), "opt/service-%04u.conf", path); /* fits */
        (void) snprintf(unit, sizeof(unit), "# The configuration of service %u\nversion = %u\n",
                        path, host->versions[path]); /* fits */
        *ret_entry = (Entry){ .root = ROOT_ETC,
                .kind = ENTRY_FILE,
                .path = *text,
                .mode = 0644,
                .owner = "root",
                .group = "root",
                .content = scratch_content(host->contents, unit) };
}

static void store(Host *host, const TreeChange *changes, size_t n_changes) {
        char path[] = "/srv/configuration/hosts/edge1",
             commit[] = "0123456789abcdef0123456789abcdef01234567",
             subject[] = "Let the edge router have another address",
             author[] = "A U Thor <author@example.org>", user[] = "root";
        const Generation generation = {
                .created_usec = 1700000000000000 + (uint64_t) host->number,
                .origin = { .path = path,
                                .commit = commit,
                                .subject = subject,
                                .author = author,
                                .commit_time = 1700000000 },
                .user = user,
        };
        Error error;
        assert_ok(generation_store(host->database, "system", &generation, changes, n_changes,
                        &host->number, &error));
}

static void store_first(Host *host) {
        static Entry entries[N_PATHS];
        static char texts[N_PATHS][64];
        static TreeChange changes[N_PATHS];
        for (unsigned i = 0; i < N_PATHS; i++) {
                make_entry(host, i, &texts[i], &entries[i]);
                changes[i] = (TreeChange){ .after = &entries[i] };
        }
        store(host, changes, N_PATHS);
}

static void store_next(Host *host) {
        Entry before[N_CHANGES], after[N_CHANGES];
        char texts[N_CHANGES][64];
        TreeChange changes[N_CHANGES];
        for (unsigned i = 0; i < N_CHANGES; i++) {
                unsigned path = ((unsigned) host->number * 7 + i * 61) % N_PATHS;
                make_entry(host, path, &texts[i], &before[i]);
                host->versions[path]++;
                make_entry(host, path, &texts[i], &after[i]);
                changes[i] = (TreeChange){ .before = &before[i], .after = &after[i] };
        }
        store(host, changes, N_CHANGES);
}

static void open_database(Host *host, DatabaseMode mode) {
        Error error;
        assert_ok(database_open(
                        scratch_path(&host->directory, "d"), mode, &host->database, &error));
}

static Cost close_database(Host *host) {
        const Cost cost = { .steps = database_steps(host->database),
                .pages = database_pages(host->database) };
        host->database = database_close(host->database);
        return cost;
}

/* All in one transaction: it is only the way to where it is measured. */
static void grow_to(Host *host, int64_t n_generations) {
        Error error;
        open_database(host, DATABASE_WRITE);
        assert_ok(database_begin(host->database, &error));
        if (host->number == 0)
                store_first(host);
        while (host->number < n_generations)
                store_next(host);
        assert_ok(database_commit(host->database, &error));
        (void) close_database(host); /* what this costs is not asked */
}

static Cost measure_store(Host *host) {
        Error error;
        open_database(host, DATABASE_WRITE);
        assert_ok(database_begin(host->database, &error));
        store_next(host);
        assert_ok(database_commit(host->database, &error));
        return close_database(host);
}

static void load_contents(Host *host, Contents *contents, const Tree *tree) {
        Error error;
        contents_set_loader(contents, database_content_loader, host->database);
        for (size_t i = 0; i < tree->n_entries; i++)
                assert_ok(content_load(contents, tree->entries[i].content, &error));
}

/* With the contents that differ, as who shows the difference reads them. */
static Cost measure_compare(Host *host, int64_t number) {
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *before = NULL, *after = NULL;
        open_database(host, DATABASE_READ);
        assert_ok(generation_compare(host->database, "system", number, number + 1, contents,
                        &before, &after, &error));
        assert_int_equal(before->n_entries, N_CHANGES);
        assert_int_equal(after->n_entries, N_CHANGES);
        load_contents(host, contents, before);
        load_contents(host, contents, after);
        return close_database(host);
}

static Cost measure_load(Host *host) {
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *tree = NULL;
        open_database(host, DATABASE_READ);
        assert_ok(generation_load(host->database, "system", host->number, contents, &tree, &error));
        assert_int_equal(tree->n_entries, N_PATHS);
        return close_database(host);
}

static Costs measure(Host *host, int64_t n_generations) {
        grow_to(host, n_generations - 1);
        Costs costs = { .store = measure_store(host) };
        assert_int_equal(host->number, n_generations);
        costs.compare_end = measure_compare(host, n_generations - 1);
        costs.compare_middle = measure_compare(host, n_generations / 2);
        costs.load_newest = measure_load(host);
        return costs;
}

static bool is_near(uint64_t few, uint64_t many) {
        uint64_t difference = few > many ? few - many : many - few;
        return difference * 100 <= few * TOLERANCE_PERCENT;
}

static void assert_near(const char *what, const Cost *few, const Cost *many) {
        print_message("%-15s %6" PRIu64 " -> %6" PRIu64 " steps, %4" PRIu64 " -> %4" PRIu64
                      " pages\n",
                        what, few->steps, many->steps, few->pages, many->pages);
        assert_true(few->steps > 0 && few->pages > 0);
        assert_true(is_near(few->steps, many->steps));
        assert_true(is_near(few->pages, many->pages));
}

static void test_generations__cost_what_changes(void **state) {
        static Host host;
        (void) state;
        host = (Host){ .contents = contents_new() };
        assert_int_equal(scratch_setup(&host.directory), 0);
        const Costs few = measure(&host, FEW), many = measure(&host, MANY);
        assert_near("store", &few.store, &many.store);
        assert_near("compare, end", &few.compare_end, &many.compare_end);
        assert_near("compare, middle", &few.compare_middle, &many.compare_middle);
        /* its rows lie side by side, but their contents are where each was first stored: only the
         * steps stay equal */
        assert_int_equal(few.load_newest.steps, many.load_newest.steps);
        contents_free(host.contents);
        assert_int_equal(scratch_teardown(&host.directory), 0);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_generations__cost_what_changes),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
