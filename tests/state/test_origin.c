/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "state/origin.h"
#include "tests/state/scratch.h"

#include <errno.h>
#include <git2.h>
#include <string.h>

/* Repositories are made by libgit2 as well: the tests need no git program, and no configuration of
 * the user's. */

static void assert_git(int r) {
        if (r < 0)
                fail_msg("libgit2: %s", git_error_last() ? git_error_last()->message : "?");
}

static int setup(void **state) {
        assert_true(git_libgit2_init() > 0);
        return scratch_setup(state);
}

static int teardown(void **state) {
        (void) git_libgit2_shutdown(); /* counts down what setup counted up */
        return scratch_teardown(state);
}

static void init(void **state, const char *path, bool bare) {
        git_repository *repository = NULL;
        assert_git(git_repository_init(&repository, scratch_path(state, path), bare));
        git_repository_free(repository);
}

/* Commits all that is there; the commit's name goes to hex. */
static void commit_all(
                void **state, const char *path, const char *message, char hex[GIT_OID_HEXSZ + 1]) {
        git_repository *repository = NULL;
        git_index *index = NULL;
        git_oid tree_id, commit_id;
        git_tree *tree = NULL;
        git_signature *author = NULL;
        git_object *parent = NULL;
        assert_git(git_repository_open(&repository, scratch_path(state, path)));
        assert_git(git_repository_index(&index, repository));
        assert_git(git_index_add_all(index, NULL, 0, NULL, NULL));
        assert_git(git_index_write(index));
        assert_git(git_index_write_tree(&tree_id, index));
        assert_git(git_tree_lookup(&tree, repository, &tree_id));
        assert_git(git_signature_new(&author, "A U Thor", "a@example.org", 1700000000, 60));
        bool has_parent = git_revparse_single(&parent, repository, "HEAD^{commit}") >= 0;
        const git_commit *parents[] = { (git_commit *) parent };
        assert_git(git_commit_create(&commit_id, repository, "HEAD", author, author, NULL, message,
                        tree, has_parent ? 1 : 0, parents));
        (void) git_oid_tostr(hex, GIT_OID_HEXSZ + 1, &commit_id); /* fits */
        git_object_free(parent);
        git_signature_free(author);
        git_tree_free(tree);
        git_index_free(index);
        git_repository_free(repository);
}

static void read_origin(void **state, const char *path, Origin *ret_origin) {
        Error error;
        origin_done(ret_origin);
        assert_ok(origin_of_directory(scratch_path(state, path), NULL, 0, ret_origin, &error));
}

static void assert_dirty(void **state, const char *path, bool is_dirty) {
        cleanup(origin_donep) Origin origin = { 0 };
        read_origin(state, path, &origin);
        assert_non_null(origin.commit);
        assert_int_equal(origin.is_dirty, is_dirty);
}

static void assert_path_only(void **state, const char *path) {
        cleanup(origin_donep) Origin origin = { 0 };
        read_origin(state, path, &origin);
        assert_non_null(origin.path);
        assert_int_equal(*origin.path, '/');
        assert_null(origin.commit);
        assert_null(origin.subject);
        assert_false(origin.is_dirty);
}

/* Two hosts in one repository. */
static void make_repository(void **state, char hex[GIT_OID_HEXSZ + 1]) {
        init(state, "r", false);
        scratch_write(state, "r/.gitignore", "*.swp\n/hosts/a/ignored/\n");
        scratch_write(state, "r/hosts/a/etc/motd", "a\n");
        scratch_write(state, "r/hosts/b/etc/motd", "b\n");
        commit_all(state, "r", "Two hosts\n\nand a long story.\n", hex);
}

static void test_origin__of_a_commit(void **state) {
        char hex[GIT_OID_HEXSZ + 1];
        make_repository(state, hex);
        cleanup(origin_donep) Origin origin = { 0 };
        static const char *const paths[] = { "r", "r/hosts/a", "r/hosts/a/etc",
                "r/hosts/../hosts/b/" };
        for (size_t i = 0; i < N_ELEMENTS(paths); i++) {
                read_origin(state, paths[i], &origin);
                assert_string_equal(origin.commit, hex);
                assert_string_equal(origin.subject, "Two hosts");
                assert_string_equal(origin.author, "A U Thor <a@example.org>");
                assert_int_equal(origin.commit_time, 1700000000);
                assert_false(origin.is_dirty);
        }
        cleanup_free char *resolved = realpath(scratch_path(state, "r/hosts/b"), NULL);
        assert_string_equal(origin.path, resolved);
}

static void test_origin__dirty_is_this_directory_only(void **state) {
        char hex[GIT_OID_HEXSZ + 1];
        make_repository(state, hex);
        scratch_write(state, "r/hosts/b/etc/motd", "b, edited\n");
        assert_dirty(state, "r/hosts/a", false);
        assert_dirty(state, "r/hosts/b", true);
        assert_dirty(state, "r", true);
}

static void test_origin__untracked_counts_and_ignored_does_not(void **state) {
        char hex[GIT_OID_HEXSZ + 1];
        make_repository(state, hex);
        scratch_write(state, "r/hosts/a/etc/.motd.swp", "x");
        scratch_write(state, "r/hosts/a/ignored/file", "x");
        assert_dirty(state, "r/hosts/a", false);
        scratch_write(state, "r/hosts/a/etc/new", "x");
        assert_dirty(state, "r/hosts/a", true);
        scratch_remove(state, "r/hosts/a/etc/new");
        assert_dirty(state, "r/hosts/a", false);
        scratch_remove(state, "r/hosts/a/etc/motd");
        assert_dirty(state, "r/hosts/a", true);
}

static void test_origin__a_name_is_no_pattern(void **state) {
        char hex[GIT_OID_HEXSZ + 1];
        init(state, "r", false);
        scratch_write(state, "r/hosts/*/etc/motd", "star\n");
        scratch_write(state, "r/hosts/a/etc/motd", "a\n");
        commit_all(state, "r", "Odd names", hex);
        scratch_write(state, "r/hosts/a/etc/motd", "edited\n");
        assert_dirty(state, "r/hosts/*", false);
        assert_dirty(state, "r/hosts/a", true);
}

static void test_origin__in_a_linked_work_tree(void **state) {
        char hex[GIT_OID_HEXSZ + 1];
        make_repository(state, hex);
        git_repository *repository = NULL;
        git_worktree *tree = NULL;
        assert_git(git_repository_open(&repository, scratch_path(state, "r")));
        assert_git(git_worktree_add(
                        &tree, repository, "other", scratch_path(state, "other"), NULL));
        git_worktree_free(tree);
        git_repository_free(repository);
        cleanup(origin_donep) Origin origin = { 0 };
        read_origin(state, "other/hosts/a", &origin);
        assert_string_equal(origin.commit, hex);
        assert_false(origin.is_dirty);
        scratch_write(state, "other/hosts/a/etc/motd", "edited\n");
        assert_dirty(state, "other/hosts/a", true);
        assert_dirty(state, "r/hosts/a", false);
}

static void test_origin__without_git(void **state) {
        scratch_make_directory(state, "plain/a");
        assert_path_only(state, "plain/a");
        init(state, "unborn", false);
        scratch_write(state, "unborn/etc/motd", "x");
        assert_path_only(state, "unborn");
        init(state, "bare", true);
        assert_path_only(state, "bare");
        Error error;
        Origin none = { 0 };
        assert_error(origin_of_directory(scratch_path(state, "missing"), NULL, 0, &none, &error),
                        -ENOENT);
}

static void test_origin__a_damaged_repository_is_none(void **state) {
        static const char *const files[] = { "r/.git/HEAD", "r/.git/config", "r/.git/index",
                "r/.git/refs/heads/master" };
        for (size_t i = 0; i < N_ELEMENTS(files); i++) {
                char hex[GIT_OID_HEXSZ + 1];
                make_repository(state, hex);
                assert_true(scratch_exists(state, files[i]));
                scratch_write(state, files[i], "[garbage\xff\n\n=");
                cleanup(origin_donep) Origin origin = { 0 };
                read_origin(state, "r/hosts/a", &origin); /* whatever it tells: it is no failure */
                assert_true(!origin.commit || strcmp(origin.commit, hex) == 0);
                assert_true(!origin.commit || origin.is_dirty || i == 1);
                assert_int_equal(scratch_teardown(state), 0);
                assert_int_equal(scratch_setup(state), 0);
        }
}

static void set_work_tree(void **state, const char *path) {
        git_repository *repository = NULL;
        git_config *config = NULL;
        assert_git(git_repository_open(&repository, scratch_path(state, "r")));
        assert_git(git_repository_config(&config, repository));
        assert_git(git_config_set_string(config, "core.worktree", scratch_path(state, path)));
        git_config_free(config);
        git_repository_free(repository);
}

static void test_origin__a_work_tree_elsewhere_does_not_count(void **state) {
        char hex[GIT_OID_HEXSZ + 1];
        make_repository(state, hex);
        scratch_make_directory(state, "elsewhere");
        scratch_make_directory(state, "r/hosts/abc");
        set_work_tree(state, "elsewhere");
        assert_path_only(state, "r/hosts/a");
        set_work_tree(state, "r/hosts/a");
        assert_path_only(state, "r/hosts/abc");
        cleanup(origin_donep) Origin origin = { 0 };
        read_origin(state, "r/hosts/a", &origin);
        assert_string_equal(origin.commit, hex);
}

static void test_origin__of_another_owner(void **state) {
        if (geteuid() != 0)
                skip();
        char hex[GIT_OID_HEXSZ + 1];
        make_repository(state, hex);
        assert_int_equal(chown(scratch_path(state, "r"), 65534, 65534), 0);
        assert_int_equal(chown(scratch_path(state, "r/.git"), 65534, 65534), 0);
        cleanup(origin_donep) Origin origin = { 0 };
        read_origin(state, "r/hosts/a", &origin);
        assert_string_equal(origin.commit, hex);
}

#define GIT_TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                GIT_TEST(test_origin__of_a_commit),
                GIT_TEST(test_origin__dirty_is_this_directory_only),
                GIT_TEST(test_origin__untracked_counts_and_ignored_does_not),
                GIT_TEST(test_origin__a_name_is_no_pattern),
                GIT_TEST(test_origin__in_a_linked_work_tree),
                GIT_TEST(test_origin__without_git),
                GIT_TEST(test_origin__a_damaged_repository_is_none),
                GIT_TEST(test_origin__a_work_tree_elsewhere_does_not_count),
                GIT_TEST(test_origin__of_another_owner),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
