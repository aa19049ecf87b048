/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/text.h"
#include "diff/layer.h"
#include "diff/profile_conf.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

enum { MAX_LAYERS = 4 };

typedef struct World {
        Sample samples[MAX_LAYERS];
        Layer layers[MAX_LAYERS];
        size_t n_layers;
        Contents *contents;
        Source *merged;
        Error error;
} World;

typedef struct SampleLayer {
        const char *path, *prefix;
        const SampleFile *files;
} SampleLayer;

/* The source at the top is the last one. */
static void merge(World *world, const SampleLayer *layers, size_t n_layers) {
        *world = (World){ .n_layers = n_layers };
        for (size_t i = 0; i < n_layers; i++) {
                sample_prepare(&world->samples[i], layers[i].files, NULL);
                world->layers[i] = (Layer){ .source = world->samples[i].source,
                        .path = layers[i].path,
                        .prefix = layers[i].prefix };
        }
        world->contents = world->samples[n_layers - 1].contents;
        assert_int_equal(layers_merge(world->layers, n_layers, world->contents, &world->merged,
                                         &world->error),
                        0);
}

static void done(World *world) {
        (void) source_free(world->merged);
        for (size_t i = 0; i < world->n_layers; i++)
                sample_done(&world->samples[i]);
}

static void assert_merged(const World *world, const char *wanted) {
        cleanup(text_donep) Text text = { 0 };
        for (size_t i = 0; i < world->merged->n_entries; i++) {
                const SourceEntry *entry = &world->merged->entries[i];
                text_addf(&text, "%s%s%s%s%s\n", entry->path, entry->written ? " < " : "",
                                entry->written ? entry->written : "", entry->target ? " -> " : "",
                                entry->target ? entry->target : "");
        }
        assert_string_equal(text.data, wanted);
}

static void test_layers__the_nearer_and_the_later_path_counts(void **state) {
        (void) state;
        const SampleFile common[] = { { "etc/", NULL }, { "etc/a", "common" },
                { "etc/b", "common" }, { "etc/c", "common" }, { NULL, NULL } };
        const SampleFile web[] = { { "etc/", NULL }, { "etc/b", "web" }, { "etc/c", "web" },
                { "etc/d", "web" }, { NULL, NULL } };
        const SampleFile host[] = { { "etc/", NULL }, { "etc/c", "-> b" }, { NULL, NULL } };
        const SampleLayer layers[] = { { "../../roles/common", "", common },
                { "../../roles/web", "", web }, { "", "", host } };
        World world;
        merge(&world, layers, N_ELEMENTS(layers));
        assert_merged(&world, "etc\n"
                              "etc/a < ../../roles/common/etc/a\n"
                              "etc/b < ../../roles/web/etc/b\n"
                              "etc/c -> b\n"
                              "etc/d < ../../roles/web/etc/d\n");
        assert_int_equal(world.merged->n_layers, 2);
        assert_string_equal(world.merged->layers[1], "../../roles/web");
        done(&world);
}

static void test_layers__a_file_hides_what_lies_below_it_further_away(void **state) {
        (void) state;
        const SampleFile far[] = { { "etc/", NULL }, { "etc/dir/", NULL }, { "etc/dir/sub/", NULL },
                { "etc/dir/sub/x", "" }, { "etc/file", "" }, { NULL, NULL } };
        const SampleFile near[] = { { "etc/", NULL }, { "etc/dir", "-> elsewhere" },
                { "etc/file/", NULL }, { "etc/file/x", "" }, { NULL, NULL } };
        const SampleLayer layers[] = { { "../far", "", far }, { "", "", near } };
        World world;
        merge(&world, layers, N_ELEMENTS(layers));
        assert_merged(&world, "etc\netc/dir -> elsewhere\netc/file\netc/file/x\n");
        done(&world);
}

static void test_layers__both_places_of_units_are_one(void **state) {
        (void) state;
        const SampleFile far[] = { { "units/", NULL }, { "units/a.service", "far" },
                { "units/b.service", "far" }, { NULL, NULL } };
        const SampleFile near[] = { { "etc/", NULL }, { "etc/systemd/", NULL },
                { "etc/systemd/system/", NULL }, { "etc/systemd/system/a.service", "near" },
                { NULL, NULL } };
        const SampleLayer layers[] = { { "../far", "", far }, { "", "", near } };
        World world;
        merge(&world, layers, N_ELEMENTS(layers));
        assert_merged(&world, "etc\netc/systemd\netc/systemd/system\netc/systemd/system/a.service\n"
                              "units < ../far/units\n"
                              "units/b.service < ../far/units/b.service\n");
        done(&world);
}

static void assert_conf(const World *world, const char *path, const char *wanted) {
        const SourceEntry *entry = source_find(world->merged, path);
        assert_non_null(entry);
        assert_null(entry->written);
        assert_string_equal(entry->content->data, wanted);
}

static void test_layers__profile_conf_is_put_together(void **state) {
        (void) state;
        const SampleFile far[] = { { "profile.conf", "\xef\xbb\xbf[Profile]\nDescription=far \\" },
                { NULL, NULL } };
        const SampleFile near[] = { { "profile.conf", "[Profile]\nBase=../far\n" },
                { NULL, NULL } };
        const SampleLayer layers[] = { { "../far", "", far }, { "", "", near } };
        World world;
        merge(&world, layers, N_ELEMENTS(layers));
        assert_conf(&world, "profile.conf",
                        "[Layer]\nName=../far\n[Profile]\nDescription=far \\\n\n"
                        "[Layer]\nName=.\n[Profile]\nBase=../far\n\n\n");
        Arena arena = { 0 };
        const ProfileConf *conf = NULL;
        assert_int_equal(profile_conf_parse(&arena, "x", world.contents,
                                         source_find(world.merged, "profile.conf")->content, &conf,
                                         &world.error),
                        0);
        assert_string_equal(conf->description, "far");
        assert_int_equal(conf->n_bases, 0);
        static const struct {
                unsigned line;
                const char *place;
        } lines[] = { { 3, "../far/profile.conf:1" }, { 4, "../far/profile.conf:2" },
                { 8, "profile.conf:1" }, { 9, "profile.conf:2" } };
        for (size_t i = 0; i < N_ELEMENTS(lines); i++)
                assert_string_equal(
                                profile_conf_place(&arena, conf, lines[i].line), lines[i].place);
        arena_done(&arena);
        done(&world);
}

/* One that is alone stays what it is, to the byte: so no layers change nothing. */
static void test_layers__of_a_container_lie_in_its_directory(void **state) {
        (void) state;
        const SampleFile role[] = { { "etc/", NULL }, { "etc/x", "role" },
                { "profile.conf", "[Profile]\nDescription=role\n" }, { NULL, NULL } };
        const SampleFile host[] = { { "containers/", NULL }, { "containers/web/", NULL },
                { "containers/db/", NULL }, { "containers/db/profile.conf", "[Profile]\n" },
                { "containers/web/profile.conf", "[Profile]\nBase=../../../roles/web\n" },
                { "profile.conf", "[Profile]\n" }, { NULL, NULL } };
        const SampleLayer layers[] = { { "../roles/web", "containers/web/", role },
                { "", "", host } };
        World world;
        merge(&world, layers, N_ELEMENTS(layers));
        assert_merged(&world,
                        "containers\ncontainers/db\ncontainers/db/profile.conf\ncontainers/web\n"
                        "containers/web/etc < ../roles/web/etc\n"
                        "containers/web/etc/x < ../roles/web/etc/x\n"
                        "containers/web/profile.conf\nprofile.conf\n");
        assert_conf(&world, "profile.conf", "[Profile]\n");
        assert_conf(&world, "containers/db/profile.conf", "[Profile]\n");
        assert_conf(&world, "containers/web/profile.conf",
                        "[Layer]\nName=../../../roles/web\n[Profile]\nDescription=role\n\n\n"
                        "[Layer]\nName=.\n[Profile]\nBase=../../../roles/web\n\n\n");
        done(&world);
}

/* What one wrote, and what comes of it: errors name the file that is to be mended. */
static void test_layers__are_named_in_what_is_said_of_them(void **state) {
        (void) state;
        const SampleFile far[] = { { "etc/", NULL }, { "etc/systemd/", NULL }, { "units/", NULL },
                { "units/a.service", "\n\nnonsense\n" }, { NULL, NULL } };
        const SampleFile near[] = { { NULL, NULL } };
        const SampleLayer layers[] = { { "../far", "", far }, { "", "", near } };
        World world;
        merge(&world, layers, N_ELEMENTS(layers));
        Tree *tree = NULL;
        assert_int_equal(render(world.merged, world.contents, NULL, &tree, &world.error), -EBADMSG);
        assert_string_equal(world.error.message,
                        "far/units/a.service:3: Neither a section, an assignment nor a comment; "
                        "write Key=value, or '#' before it");
        done(&world);
}

static void test_layers__what_a_later_one_says_of_a_unit_counts(void **state) {
        (void) state;
        static const char text[] = "[Layer]\nName=../far\n[Units]\nEnable=a.service b.service\n"
                                   "Disable=c.service\nMask=d.service\n"
                                   "[Container]\nName=db\nRoot=/srv/db\nOnChange=reboot\n"
                                   "[Layer]\nName=.\n[Units]\nDisable=a.service\n"
                                   "Enable=c.service d.service b.service\n"
                                   "[Container]\nName=db\nOnChange=none\n";
        cleanup(contents_freep) Contents *contents = contents_new();
        Content *content = NULL;
        Arena arena = { 0 };
        Error error = { 0 };
        const ProfileConf *conf = NULL;
        assert_int_equal(contents_add(contents, text, strlen(text), &content, &error), 0);
        assert_int_equal(profile_conf_parse(&arena, "x", contents, content, &conf, &error), 0);
        assert_int_equal(conf->n_enable, 3);
        assert_string_equal(conf->enable[0].unit, "b.service");
        assert_string_equal(conf->enable[1].unit, "c.service");
        assert_string_equal(conf->enable[2].unit, "d.service");
        assert_int_equal(conf->n_disable, 1);
        assert_string_equal(conf->disable[0].unit, "a.service");
        assert_int_equal(conf->n_mask, 0);
        assert_int_equal(conf->n_containers, 1);
        assert_string_equal(conf->containers[0].root, "/srv/db");
        assert_int_equal(conf->containers[0].on_change, ON_CHANGE_NONE);
        assert_string_equal(
                        profile_conf_place(&arena, conf, conf->enable[0].line), "profile.conf:3");
        arena_done(&arena);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_layers__the_nearer_and_the_later_path_counts),
                cmocka_unit_test(test_layers__a_file_hides_what_lies_below_it_further_away),
                cmocka_unit_test(test_layers__both_places_of_units_are_one),
                cmocka_unit_test(test_layers__profile_conf_is_put_together),
                cmocka_unit_test(test_layers__of_a_container_lie_in_its_directory),
                cmocka_unit_test(test_layers__are_named_in_what_is_said_of_them),
                cmocka_unit_test(test_layers__what_a_later_one_says_of_a_unit_counts),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
