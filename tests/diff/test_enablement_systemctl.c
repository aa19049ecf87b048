/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random units, enabled by rendering and by `systemctl --root=DIR enable`: the same links. */
#include "base/strv.h"
#include "base/text.h"
#include "diff/unit_name.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { N_SOURCES = 40, MAX_FILES = 16, EXIT_SKIP = 77 };

static unsigned random_state;

static unsigned random_below(unsigned n) {
        random_state = random_state * 1664525 + 1013904223;
        return (random_state >> 8) % n;
}

static const char *const unit_names[] = { "a.service", "b.service", "c.socket", "d@.service",
        "e@.service", "f.target" };

static void add_words(Text *text, const char *key, const char *const *words, unsigned n_words) {
        if (random_below(8) == 0)
                text_addf(text, "%s=\n", key);
        text_addf(text, "%s=", key);
        for (unsigned n = 1 + random_below(3); n > 0; n--)
                text_addf(text, "%s ", words[random_below(n_words)]);
        text_add(text, "\n");
}

static void add_install(Text *text, const char *unit, bool in_drop_in) {
        static const char *const wants[] = { "x.target", "y.target", "%p.target", "%N-more.target",
                "\"q.target\"" };
        static const char *const template_wants[] = { "x.target", "%i.target", "%p-%i.target",
                "z@.target" };
        static const char *const also[] = { "a.service", "b.service", "c.socket", "d@k.service",
                "absent.service" };
        bool is_template = unit_name_is_template(unit);
        text_add(text, "[Install]\n");
        if (random_below(3))
                add_words(text, "WantedBy", is_template ? template_wants : wants,
                                is_template ? 4 : 5);
        if (random_below(3) == 0)
                add_words(text, "RequiredBy", is_template ? template_wants : wants,
                                is_template ? 4 : 5);
        if (random_below(3) == 0)
                text_addf(text, "Alias=other-%s%s %s\n", in_drop_in ? "d-" : "", unit,
                                random_below(2) ? unit : "");
        if (random_below(4) == 0)
                add_words(text, "Also", also, N_ELEMENTS(also));
        if (is_template && random_below(2))
                text_add(text, "DefaultInstance=k\n");
}

typedef struct RandomSource {
        SampleFile files[MAX_FILES];
        size_t n_files;
        Strv paths, texts, enable;
} RandomSource;

static void add_file(RandomSource *source, const char *path, Text *text) {
        cleanup_free char *string = NULL;
        assert_int_equal(text_take(text, &string), 0);
        assert_int_equal(strv_add(&source->paths, path), 0);
        assert_int_equal(strv_add(&source->texts, string), 0);
        assert_true(source->n_files + 1 < MAX_FILES);
        source->files[source->n_files] = (SampleFile){
                .path = source->paths.items[source->n_files],
                .text = source->texts.items[source->n_files],
        };
        source->n_files++;
}

static void make_source(RandomSource *source) {
        Text conf = { 0 };
        text_add(&conf, "[Units]\n");
        for (size_t i = 0; i < N_ELEMENTS(unit_names); i++) {
                const char *unit = unit_names[i];
                char path[200];
                Text text = { 0 };
                text_add(&text, "[Unit]\nDescription=x\n");
                add_install(&text, unit, false);
                (void) snprintf(path, sizeof(path), "units/%s", unit);
                add_file(source, path, &text);
                if (random_below(3) == 0) {
                        add_install(&text, unit, true);
                        (void) snprintf(path, sizeof(path), "units/%s.d/%u.conf", unit,
                                        random_below(100));
                        add_file(source, path, &text);
                }
                assert_int_equal(strv_add(&source->enable, unit), 0);
        }
        if (random_below(2)) {
                text_add(&conf, "Enable=d@one.service e@two.service\n");
                assert_int_equal(strv_add(&source->enable, "d@one.service"), 0);
                assert_int_equal(strv_add(&source->enable, "e@two.service"), 0);
        }
        add_file(source, "profile.conf", &conf);
}

static void write_file(const char *root, const char *name, const char *text) {
        char path[PATH_MAX];
        (void) snprintf(path, sizeof(path), "%s/etc/systemd/system/%s", root, name);
        for (char *p = path + 1; *p; p++)
                if (*p == '/') {
                        *p = 0;
                        assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
                        *p = '/';
                }
        cleanup_file FILE *file = fopen(path, "we");
        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
}

static void enable(const char *root, const char *units) {
        cleanup_free char *command = NULL;
        assert_true(asprintf(&command, "systemctl --root=%s enable %s >%s/log 2>&1", root, units,
                                    root) > 0);
        assert_true(system(command) >= 0);
}

/* A template goes by itself: without an instance systemctl fails, and leaves what comes behind it.
 */
static void run_systemctl(const char *root, const RandomSource *source) {
        cleanup(text_donep) Text others = { 0 };
        for (size_t i = 0; i < source->enable.n_items; i++) {
                const char *unit = source->enable.items[i];
                if (unit_name_is_template(unit))
                        enable(root, unit);
                else
                        text_addf(&others, "%s ", unit);
        }
        assert_int_equal(others.error, 0);
        enable(root, others.data);
}

static Strv links; /* nftw() has no userdata */
static const char *links_root;

static int note_link(const char *path, const struct stat *status, int type, struct FTW *ftw) {
        (void) status, (void) ftw;
        if (type != FTW_SL)
                return 0;
        char target[PATH_MAX] = "", line[2 * PATH_MAX];
        assert_true(readlink(path, target, sizeof(target) - 1) > 0);
        (void) snprintf(line, sizeof(line), "%s link %s", path + strlen(links_root), target);
        return strv_add(&links, line);
}

static int remove_it(const char *path, const struct stat *status, int type, struct FTW *ftw) {
        (void) status, (void) type, (void) ftw;
        return remove(path);
}

static void check_source(unsigned seed) {
        random_state = seed;
        RandomSource source = { 0 };
        make_source(&source);
        char root[] = "/tmp/test-enablement-XXXXXX";
        assert_non_null(mkdtemp(root));
        for (size_t i = 0; i + 1 < source.n_files; i++)
                write_file(root, source.files[i].path + strlen("units/"), source.files[i].text);
        run_systemctl(root, &source);
        links_root = root;
        assert_int_equal(nftw(root, note_link, 16, FTW_PHYS), 0);
        strv_sort(&links);
        Text want = { 0 };
        for (size_t i = 0; i < links.n_items; i++)
                text_addf(&want, "%s\n", links.items[i]);
        cleanup_free char *lines = NULL, *name = NULL;
        assert_int_equal(text_take(&want, &lines), 0);
        assert_true(asprintf(&name, "seed %u", seed) > 0);
        sample_check_without_files(name, source.files, NULL, lines);
        assert_int_equal(nftw(root, remove_it, 16, FTW_PHYS | FTW_DEPTH), 0);
        strv_done(&links);
        strv_done(&source.paths);
        strv_done(&source.texts);
        strv_done(&source.enable);
}

static void test_enablement__is_that_of_systemctl(void **state) {
        (void) state;
        const char *is_long = getenv("LONG");
        unsigned n_sources = is_long && *is_long ? 10 * N_SOURCES : N_SOURCES;
        for (unsigned seed = 1; seed <= n_sources; seed++)
                check_source(seed);
}

int main(void) {
        if (system("systemctl --version >/dev/null 2>&1") != 0) {
                (void) puts("systemctl does not run here"); /* a skip is one without its reason, too
                                                             */
                return EXIT_SKIP;
        }
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_enablement__is_that_of_systemctl),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
