/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A generation, written out and read in again, renders to the same tree: of random sources with
 * everything that a source can say. */
#include "diff/render.h"
#include "diff/unrender.h"
#include "state/directory.h"
#include "state/directory_write.h"
#include "state/generation.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum { N_ROUNDS = 120 };

/* The units of a distribution, whose texts may change between the two renderings. */
static const struct {
        const char *name, *path, *text, *text_later;
} distribution_units[] = {
        { "plain.service", "/usr/lib/systemd/system/plain.service",
                        "[Install]\nWantedBy=multi-user.target\n", "[Service]\n" },
        { "other.service", "/usr/lib/systemd/system/other.service",
                        "[Install]\nWantedBy=multi-user.target\nAlias=another.service\n"
                        "Also=its.socket\n",
                        "[Install]\nWantedBy=multi-user.target\n" },
        { "its.socket", "/usr/lib/systemd/system/its.socket",
                        "[Install]\nWantedBy=sockets.target\n", "" },
        { "many@.service", "/usr/lib/systemd/system/many@.service",
                        "[Install]\nDefaultInstance=one\nWantedBy=multi-user.target\n",
                        "[Install]\n" },
        { "kept.timer", "/usr/lib/systemd/system/kept.timer", "[Install]\nWantedBy=timers.target\n",
                        "[Install]\nWantedBy=timers.target\n" },
};

typedef struct Packages {
        Contents *contents;
        bool is_later;
} Packages;

static int read_unit(void *userdata,
                const char *unit,
                const char **ret_path,
                Content **ret_content,
                Error *reterr) {
        const Packages *packages = userdata;
        for (size_t i = 0; i < N_ELEMENTS(distribution_units); i++) {
                if (strcmp(distribution_units[i].name, unit) != 0)
                        continue;
                const char *text = packages->is_later ? distribution_units[i].text_later
                                                      : distribution_units[i].text;
                *ret_path = distribution_units[i].path;
                int r = contents_add(packages->contents, text, strlen(text), ret_content, reterr);
                return r < 0 ? r : DISTRIBUTION_UNIT;
        }
        return DISTRIBUTION_NO_UNIT;
}

typedef struct Random {
        void **state;
        unsigned seed;
        char conf[4096];
} Random;

static unsigned below(Random *random, unsigned n) {
        return (unsigned) rand_r(&random->seed) % n;
}

static bool one_in(Random *random, unsigned n) {
        return below(random, n) == 0;
}

static void write_file(Random *random, const char *path, const char *text) {
        scratch_write(random->state, path, text);
}

static void say(Random *random, const char *text) {
        size_t length = strlen(random->conf);
        int n = snprintf(random->conf + length, sizeof(random->conf) - length, "%s\n", text);
        assert_in_range(n, 1, sizeof(random->conf) - length - 1);
}

/* Something in the source, at odds of one in n. */
#define MAYBE(n, statement)                                                                        \
        do {                                                                                       \
                if (one_in(random, (n)))                                                           \
                        statement;                                                                 \
        } while (0)

static void make_files(Random *random) {
        void **state = random->state;
        MAYBE(2, write_file(random, "src/etc/motd", one_in(random, 2) ? "hello\n" : ""));
        MAYBE(2, write_file(random, "src/etc/app/a.conf", "a\n"));
        MAYBE(2, write_file(random, "src/etc/app/deep/b.conf", "b\n"));
        MAYBE(3, scratch_make_directory(state, "src/etc/app/empty"));
        MAYBE(3, scratch_make_directory(state, "src/etc/void"));
        MAYBE(3, scratch_link(state, "src/etc/app/link", "../motd"));
        MAYBE(3, scratch_link(state, "src/etc/localtime", "/usr/share/zoneinfo/UTC"));
        write_file(random, "src/etc/key", "a secret\n");
        write_file(random, "src/etc/run", "#!/bin/sh\n");
        assert_int_equal(chmod(scratch_path(state, "src/etc/run"), 0755), 0);
        if (one_in(random, 2)) {
                write_file(random, "src/hooks/10-first", "#!/bin/sh\n");
                assert_int_equal(chmod(scratch_path(state, "src/hooks/10-first"), 0755), 0);
        }
        MAYBE(2, write_file(random, "src/README.md", "Not of the configuration\n"));
}

static void make_units(Random *random) {
        void **state = random->state;
        write_file(random, "src/units/web.service",
                        one_in(random, 2) ? "[Install]\nWantedBy=multi-user.target\n"
                                            "Alias=www.service\nAlso=web.timer\n"
                                          : "[Service]\nExecStart=/bin/true\n");
        MAYBE(2, write_file(random, "src/units/web.timer", "[Install]\nWantedBy=timers.target\n"));
        MAYBE(2, write_file(random, "src/units/tty@.service",
                                 "[Install]\nDefaultInstance=1\nRequiredBy=getty.target\n"));
        MAYBE(2, write_file(random, "src/units/web.service.d/10.conf", "[Service]\nNice=1\n"));
        MAYBE(3, write_file(random, "src/units/plain.service.d/install.conf",
                                 "[Install]\nWantedBy=rescue.target\n"));
        MAYBE(3, write_file(random, "src/units/off.service", ""));
        MAYBE(3, scratch_link(state, "src/units/gone.service", "/dev/null"));
        MAYBE(3, scratch_link(state, "src/units/alias.service", "web.service"));
        MAYBE(3, scratch_link(state, "src/units/linked.service", "/opt/linked.service"));
        MAYBE(3, scratch_link(state, "src/units/multi-user.target.wants/plain.service",
                                 "/usr/lib/systemd/system/plain.service"));
        MAYBE(3, scratch_link(state, "src/units/rescue.target.wants/web.service",
                                 "../web.service"));
        MAYBE(3, scratch_make_directory(state, "src/units/web.service.wants"));
        MAYBE(3, scratch_link(state, "src/etc/systemd/system/outside.service",
                                 "../../app/outside.service"));
        MAYBE(3, write_file(random, "src/etc/systemd/user/mine.service",
                                 "[Install]\nWantedBy=default.target\n"));
}

static void make_conf(Random *random) {
        MAYBE(2, say(random, "[Profile]\nDescription=Random"));
        say(random, "[Units]");
        MAYBE(2, say(random, "Enable=plain.service other.service"));
        MAYBE(2, say(random, "Enable=many@.service many@two.service"));
        MAYBE(3, say(random, "Enable=alias.service"));
        MAYBE(2, say(random, "Disable=kept.timer"));
        MAYBE(3, say(random, "Disable=web.timer"));
        MAYBE(2, say(random, "Mask=debug.service"));
        say(random, "[File]\nPath=key\nSecret=yes");
        MAYBE(2, say(random, "Mode=0640\nOwner=daemon:adm"));
        MAYBE(2, say(random, "[File]\nPath=app/**\nMode=0600\nOwner=:12"));
        MAYBE(2, say(random, "[File]\nPath=run\nMode=0700\nSecret=yes"));
        MAYBE(3, say(random, "[File]\nPath=app\nMode=0750"));
        MAYBE(2, say(random, "[Trigger]\nUnit=web.service\nFiles=/etc/app/**\nAction=reload"));
        write_file(random, "src/profile.conf", random->conf);
}

/* Renders a directory. -EBADMSG: what was put together by chance does not go together. */
static int read_and_render(void **state,
                const char *path,
                Contents *contents,
                const Distribution *distribution,
                Tree **ret_tree) {
        Error error;
        cleanup(stat_cache_freep) StatCache *cache = NULL;
        cleanup(source_freep) Source *source = NULL;
        assert_ok(directory_read(
                        scratch_path(state, path), NULL, contents, NULL, &cache, &source, &error));
        int r = render(source, contents, distribution, ret_tree, &error);
        if (r != -EBADMSG)
                assert_ok(r);
        return r;
}

static void store(Database *database, const Tree *tree) {
        Error error;
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        int64_t number = 0;
        assert_int_equal(tree_compare(NULL, tree, &changes, &n_changes), 0);
        assert_ok(generation_store(database, "system", &(Generation){ 0 }, changes, n_changes,
                        &number, &error));
        assert_int_equal(number, 1);
}

static void assert_same(const Tree *have, const Tree *want, unsigned round) {
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        assert_int_equal(tree_compare(want, have, &changes, &n_changes), 0);
        for (size_t i = 0; i < n_changes; i++)
                print_error("round %u: %s %s\n", round,
                                changes[i].before && changes[i].after ? "differs"
                                : changes[i].after                    ? "came"
                                                                      : "is gone",
                                (changes[i].before ? changes[i].before : changes[i].after)->path);
        assert_int_equal(n_changes, 0);
}

static void assert_mode(void **state, const char *path, mode_t mode) {
        struct stat status;
        assert_int_equal(stat(scratch_path(state, path), &status), 0);
        assert_int_equal(status.st_mode & 07777, mode);
}

/* Stores, loads into another pool of contents, writes out, reads in. is_later: the packages were
 * changed meanwhile. */
static void round_trip(void **state, const Tree *tree, bool is_later, unsigned round) {
        Error error;
        cleanup(database_closep) Database *database = NULL;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *loaded = NULL, *again = NULL;
        cleanup(unrendered_donep) Unrendered unrendered = { 0 };
        Packages packages = { .contents = contents, .is_later = is_later };
        const Distribution distribution = { .read_unit = read_unit, .userdata = &packages };
        assert_ok(database_open(scratch_path(state, "d"), DATABASE_WRITE, &database, &error));
        store(database, tree);
        contents_set_loader(contents, database_content_loader, database);
        assert_ok(generation_load(database, "system", 1, contents, &loaded, &error));
        assert_ok(unrender(loaded, "out", contents, &distribution, &unrendered, &error));
        assert_non_null(unrendered.rendered);
        assert_int_equal(unrendered.n_changes, 0);
        assert_ok(directory_write(scratch_path(state, "out"), &unrendered, contents, &error));
        assert_int_equal(read_and_render(state, "out", contents, &distribution, &again), 0);
        assert_same(again, loaded, round);
        assert_mode(state, "out/etc/key", 0600);
        assert_mode(state, "out", 0755);
        assert_false(scratch_exists(state, "out.tmp"));
}

/* Returns whether it was a source at all. */
static bool try_round(unsigned round) {
        void *directory = NULL, **state = &directory;
        assert_int_equal(scratch_setup(state), 0);
        Random random = { .state = state, .seed = round };
        make_files(&random);
        make_units(&random);
        make_conf(&random);
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *tree = NULL;
        Packages packages = { .contents = contents };
        const Distribution distribution = { .read_unit = read_unit, .userdata = &packages };
        bool renders = read_and_render(state, "src", contents, &distribution, &tree) == 0;
        if (renders)
                round_trip(state, tree, false, round);
        assert_int_equal(scratch_teardown(state), 0);
        return renders;
}

static void test_export__comes_back_as_it_was(void **state) {
        (void) state;
        unsigned n_tried = 0;
        for (unsigned round = 1; round <= N_ROUNDS; round++)
                n_tried += try_round(round);
        print_message("%u of %u random sources\n", n_tried, N_ROUNDS);
        assert_true(n_tried > N_ROUNDS / 4);
}

/* Enable= of a unit that says less by now: the links that are missing are written out. */
static void test_export__does_not_need_the_packages_of_then(void **state) {
        scratch_write(state, "src/etc/key", "a secret\n");
        scratch_write(state, "src/profile.conf",
                        "[Units]\nEnable=plain.service other.service many@one.service\n"
                        "[File]\nPath=key\nSecret=yes\n");
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(tree_freep) Tree *tree = NULL;
        Packages packages = { .contents = contents };
        const Distribution distribution = { .read_unit = read_unit, .userdata = &packages };
        assert_int_equal(read_and_render(state, "src", contents, &distribution, &tree), 0);
        round_trip(state, tree, true, 0);
        char target[64] = "";
        const char *link = scratch_path(state, "out/units/multi-user.target.wants/plain.service");
        assert_true(readlink(link, target, sizeof(target) - 1) > 0);
        assert_string_equal(target, "/usr/lib/systemd/system/plain.service");
}

static void test_write__refuses_what_is_there(void **state) {
        Error error;
        cleanup(contents_freep) Contents *contents = contents_new();
        cleanup(unrendered_donep) Unrendered unrendered = { .source = source_new("out") };
        scratch_write(state, "file", "x");
        scratch_write(state, "full/x", "x");
        scratch_make_directory(state, "left.tmp");
        scratch_make_directory(state, "empty");
        static const char *const names[] = { "file", "full", "left" };
        for (size_t i = 0; i < N_ELEMENTS(names); i++) {
                assert_error(directory_write(scratch_path(state, names[i]), &unrendered, contents,
                                             &error),
                                -EEXIST);
                assert_contains(error.message, names[i]);
        }
        assert_true(scratch_exists(state, "full/x"));
        assert_true(scratch_exists(state, "left.tmp"));
        assert_false(scratch_exists(state, "full.tmp"));
        assert_ok(directory_write(scratch_path(state, "empty//"), &unrendered, contents, &error));
        assert_error(directory_write(scratch_path(state, "none/there"), &unrendered, contents,
                                     &error),
                        -ENOENT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                TEST(test_export__comes_back_as_it_was),
                TEST(test_export__does_not_need_the_packages_of_then),
                TEST(test_write__refuses_what_is_there),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
