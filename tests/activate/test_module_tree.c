/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/module_tree.h"
#include "base/nearest.h"
#include "base/text.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char modules[] = "disk needs=bus pre=sum post=late alias=fs-disk\n"
                              "bus needs=core_bus\n"
                              "core_bus\n"
                              "sum alias=crc-any\n"
                              "sum_fast alias=crc-any\n"
                              "late needs=later\n"
                              "later\n"
                              "dash-ed needs=sum\n"
                              "odd pre=crc-any\n"
                              "over pre=base_in\n"
                              "builtin base-in\n";

/* A root with the modules of one kernel, as depmod leaves them. */
typedef struct Files {
        char path[64];
        int fd;
        Arena arena;
        ModuleTree *tree;
        ModuleClosure closure;
} Files;

static int set_up(void **state) {
        Files *files = calloc(1, sizeof(Files));
        char command[256];
        assert_non_null(files);
        strcpy(files->path, "/tmp/test-module-tree-XXXXXX");
        assert_non_null(mkdtemp(files->path));
        (void) snprintf(command, sizeof(command),
                        SOURCE_DIR "/tests/support/make_modules %s 6.1.9 2> /dev/null",
                        files->path);
        FILE *maker = popen(command, "w");
        assert_non_null(maker);
        assert_int_equal(fwrite(modules, 1, strlen(modules), maker), strlen(modules));
        assert_int_equal(pclose(maker), 0);
        files->fd = open(files->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        assert_true(files->fd >= 0);
        assert_int_equal(module_tree_open(files->fd, "6.1.9", &files->tree, NULL), 0);
        *state = files;
        return 0;
}

static int tear_down(void **state) {
        Files *files = *state;
        char command[128];
        (void) snprintf(command, sizeof(command), "rm -rf %s", files->path);
        assert_int_equal(system(command), 0);
        (void) module_tree_free(files->tree);
        (void) close(files->fd);
        arena_done(&files->arena);
        free(files);
        return 0;
}

static int compare(const void *left, const void *right) {
        const Module *const *a = left, *const *b = right;
        return strcmp((*a)->name, (*b)->name);
}

/* names: with spaces between; expected: of each module "NAME=need", sorted. */
static void expect(Files *files, const char *names, const char *expected) {
        static const char *const needs[] = { [MODULE_NAMED] = "named",
                [MODULE_HARD] = "hard",
                [MODULE_SOFT_BEFORE] = "before",
                [MODULE_SOFT_AFTER] = "after" };
        cleanup(module_closure_donep)
                        ModuleClosure closure = { .tree = files->tree, .arena = &files->arena };
        cleanup(text_donep) Text text = { 0 };
        char copy[128], *rest = copy;
        (void) snprintf(copy, sizeof(copy), "%s", names);
        for (char *name; (name = strsep(&rest, " "));)
                assert_int_equal(module_closure_add(&closure, name), 1);
        qsort(closure.modules, closure.n_modules, sizeof(*closure.modules), compare);
        for (size_t i = 0; i < closure.n_modules; i++) {
                const Module *module = closure.modules[i];
                text_addf(&text, "%s%s=%s%s", i > 0 ? " " : "", module->name, needs[module->need],
                                module->is_builtin ? "(builtin)" : "");
                if (module->by)
                        text_addf(&text, "<%s", module->by);
        }
        assert_string_equal(text.data, expected);
}

static void test_closure__hard_and_soft_ones_to_the_end(void **state) {
        expect(*state, "disk",
                        "bus=hard<disk core_bus=hard<disk disk=named late=after<disk "
                        "later=hard<late sum=before<disk");
        expect(*state, "later", "later=named");
        expect(*state, "odd", "odd=named sum=before<odd sum_fast=before<odd");
}

static void test_closure__the_strongest_need_counts(void **state) {
        expect(*state, "disk sum",
                        "bus=hard<disk core_bus=hard<disk disk=named late=after<disk "
                        "later=hard<late sum=named");
        expect(*state, "disk dash-ed",
                        "bus=hard<disk core_bus=hard<disk dash_ed=named disk=named "
                        "late=after<disk later=hard<late sum=hard<dash_ed");
}

static void test_closure__built_in_ones(void **state) {
        expect(*state, "base-in", "base_in=named(builtin)");
        expect(*state, "base_in", "base_in=named(builtin)");
        expect(*state, "over", "base_in=before(builtin)<over over=named");
}

static void test_closure__an_alias_is_all_that_it_stands_for(void **state) {
        expect(*state, "crc-any", "sum=named<crc-any sum_fast=named<crc-any");
        expect(*state, "dash_ed", "dash_ed=named sum=hard<dash_ed");
}

static void test_closure__what_modprobe_d_adds(void **state) {
        Files *files = *state;
        char command[256];
        (void) snprintf(command, sizeof(command),
                        "mkdir -p %s/etc/modprobe.d && "
                        "echo 'softdep later pre: odd' > %s/etc/modprobe.d/later.conf",
                        files->path, files->path);
        assert_int_equal(system(command), 0);
        files->tree = module_tree_free(files->tree);
        assert_int_equal(module_tree_open(files->fd, "6.1.9", &files->tree, NULL), 0);
        expect(files, "later", "later=named odd=before<later sum=before<odd sum_fast=before<odd");
}

static void test_tree__unknown_names(void **state) {
        Files *files = *state;
        cleanup_strv Strv names = { 0 }, nearest = { 0 };
        cleanup(module_closure_donep)
                        ModuleClosure closure = { .tree = files->tree, .arena = &files->arena };
        assert_int_equal(module_closure_add(&closure, "disc"), 0);
        assert_int_equal(closure.n_modules, 0);
        assert_int_equal(module_tree_names(files->tree, &names, NULL), 0);
        assert_true(strv_has(&names, "dash_ed"));
        assert_true(strv_has(&names, "base_in"));
        assert_int_equal(nearest_names("disc", &names, 3, &nearest), 0);
        assert_true(nearest.n_items > 0);
        assert_string_equal(nearest.items[0], "disk");
}

static void test_tree__no_such_kernel(void **state) {
        Files *files = *state;
        ModuleTree *tree = NULL;
        Error error;
        assert_int_equal(module_tree_open(files->fd, "6.1.8", &tree, &error), -ENOENT);
        assert_non_null(strstr(error.message, "/lib/modules/6.1.8"));
}

/* Also when depmod prefers another one; not what the kernel came without, or has in itself. */
static void test_tree__hidden_modules(void **state) {
        Files *files = *state;
        cleanup(map_donep) Map names = { 0 };
        cleanup_strv Strv hidden = { 0 };
        char command[512];
        (void) snprintf(command, sizeof(command),
                        "cd %s/lib/modules/6.1.9 && mkdir -p updates/sysswitch && "
                        "cp kernel/bus.ko kernel/late.ko updates/sysswitch/ && "
                        "mv kernel/bus.ko kernel/bus.ko.xz && rm kernel/late.ko && "
                        "/sbin/depmod -b %s 6.1.9 2> /dev/null",
                        files->path, files->path);
        assert_int_equal(system(command), 0);
        static const char *const keys[] = { "bus", "late", "dash_ed", "base_in", "none" };
        for (size_t i = 0; i < N_ELEMENTS(keys); i++)
                assert_int_equal(map_put(&names, keys[i], files), 0);
        assert_int_equal(module_tree_hidden(files->fd, "6.1.9", &names, &hidden, NULL), 0);
        strv_sort(&hidden);
        assert_int_equal(hidden.n_items, 2);
        assert_string_equal(hidden.items[0], "bus");
        assert_string_equal(hidden.items[1], "dash_ed");
        assert_int_equal(module_tree_hidden(files->fd, "6.2", &names, &hidden, NULL), 0);
        assert_int_equal(hidden.n_items, 2);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_closure__hard_and_soft_ones_to_the_end),
                cmocka_unit_test(test_closure__the_strongest_need_counts),
                cmocka_unit_test(test_closure__built_in_ones),
                cmocka_unit_test(test_closure__an_alias_is_all_that_it_stands_for),
                cmocka_unit_test(test_tree__unknown_names),
                cmocka_unit_test(test_tree__no_such_kernel),
                cmocka_unit_test(test_closure__what_modprobe_d_adds),
                cmocka_unit_test(test_tree__hidden_modules), /* changes the tree */
        };
        return cmocka_run_group_tests(tests, set_up, tear_down);
}
