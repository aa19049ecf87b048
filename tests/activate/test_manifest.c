/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The manifest as text: what is written is read, whatever the paths; and what is not whole is told.
 */

#include "activate/manifest.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static ManifestOperation operations[] = {
        { .verb = FIT_REMOVE, .slot = 3, .path = "plain/path.conf" },
        { .verb = FIT_PLACE,
                        .slot = 0,
                        .path = "with space, per%cent, new\nline, tab\t, \x7f and \x01",
                        .staged = { .kind = FOUND_FILE,
                                        .mode = 04755,
                                        .uid = 4294967294,
                                        .gid = 7,
                                        .size_bytes = UINT64_MAX,
                                        .mtime_nsec = -1500000001,
                                        .digest = { { 0, 1, 254, 255 } } } },
        { .verb = FIT_EXCHANGE,
                        .slot = 12,
                        .path = "umläut/\xff\xfe",
                        .staged = { .kind = FOUND_LINK,
                                        .mode = 0777,
                                        .has_twin = true,
                                        .xattrs = { { 7, 0, 255 } } } },
        { .verb = FIT_PLACE, .slot = 13, .path = "%41", .staged = { .kind = FOUND_DIRECTORY } },
        { .verb = FIT_REMOVE, .root = ROOT_LIB, .slot = 3, .path = "modules/1/updates/a.ko" },
        { .verb = FIT_ATTRIBUTES,
                        .slot = 14,
                        .path = "d",
                        .staged = { .mode = 02750, .uid = 1, .gid = 2 },
                        .old_mode = 01777,
                        .old_uid = 3,
                        .old_gid = 4 },
};

static UnitBefore units[] = {
        { .unit = "web.service",
                        .uid = UINT32_MAX,
                        .was_on = true,
                        .invocation_id = "0123456789abcdef0123456789abcdef",
                        .phases = PHASE_BIT(PHASE_STOP) | PHASE_BIT(PHASE_START) },
        { .unit = "dev-disk-by\\x2duuid.swap", .uid = 0, .invocation_id = "" },
        { .unit = "gen@a b.service",
                        .uid = 1000,
                        .invocation_id = "",
                        .phases = PHASE_BIT(PHASE_START),
                        .runs_again = true },
};

static char *format(size_t n_operations) {
        const Manifest manifest = { .switch_id = "17",
                .from = "",
                .to = "containers/web two",
                .units = units,
                .n_units = n_operations % (N_ELEMENTS(units) + 1),
                .operations = operations,
                .n_operations = n_operations };
        char *text = NULL;
        assert_int_equal(manifest_format(&manifest, &text), 0);
        return text;
}

static void test_manifest__is_read_as_written(void **state) {
        (void) state;
        for (size_t n = 0; n <= N_ELEMENTS(operations); n++) {
                cleanup_free char *text = format(n);
                cleanup(manifest_freep) Manifest *manifest = NULL;
                assert_int_equal(manifest_parse(text, strlen(text), &manifest), 1);
                assert_string_equal(manifest->switch_id, "17");
                assert_string_equal(manifest->from, "");
                assert_string_equal(manifest->to, "containers/web two");
                assert_int_equal(manifest->n_units, n % (N_ELEMENTS(units) + 1));
                for (size_t i = 0; i < manifest->n_units; i++) {
                        assert_string_equal(manifest->units[i].unit, units[i].unit);
                        assert_string_equal(
                                        manifest->units[i].invocation_id, units[i].invocation_id);
                        assert_int_equal(manifest->units[i].uid, units[i].uid);
                        assert_int_equal(manifest->units[i].was_on, units[i].was_on);
                        assert_int_equal(manifest->units[i].phases, units[i].phases);
                        assert_int_equal(manifest->units[i].runs_again, units[i].runs_again);
                }
                assert_int_equal(manifest->n_operations, n);
                for (size_t i = 0; i < n; i++) {
                        ManifestOperation *got = &manifest->operations[i];
                        assert_string_equal(got->path, operations[i].path);
                        got->path = operations[i].path;
                        assert_memory_equal(got, &operations[i], sizeof(ManifestOperation));
                }
        }
}

static void test_manifest__torn_is_told_at_every_byte(void **state) {
        (void) state;
        cleanup_free char *text = format(N_ELEMENTS(operations));
        for (size_t length = 0; length < strlen(text); length++) {
                cleanup(manifest_freep) Manifest *manifest = NULL;
                assert_int_equal(manifest_parse(text, length, &manifest), 0);
                assert_null(manifest);
        }
}

static void test_manifest__damage_is_told_at_every_byte(void **state) {
        (void) state;
        cleanup_free char *text = format(N_ELEMENTS(operations));
        size_t length = strlen(text);
        for (size_t i = 0; i < length; i++) {
                static const char wrong[] = { 0, ' ', '\n', '0', 'x' };
                for (size_t j = 0; j < N_ELEMENTS(wrong); j++) {
                        char right = text[i];
                        if (wrong[j] == right)
                                continue;
                        text[i] = wrong[j];
                        cleanup(manifest_freep) Manifest *manifest = NULL;
                        assert_int_equal(manifest_parse(text, length, &manifest), 0);
                        text[i] = right;
                }
        }
}

/* A text with a right end line. */
static int parse_body(const char *body, size_t n_operations) {
        Digest digest;
        char hex[DIGEST_HEX_SIZE];
        cleanup_free char *before = NULL, *text = NULL;
        int length = asprintf(&before, "%send %zu ", body, n_operations);
        assert_true(length > 0);
        assert_int_equal(digest_of(before, (size_t) length, &digest), 0);
        length = asprintf(&text, "%s%s\n", before, digest_to_hex(&digest, hex));
        assert_true(length > 0);
        cleanup(manifest_freep) Manifest *manifest = NULL;
        return manifest_parse(text, (size_t) length, &manifest);
}

static void test_manifest__another_version_is_no_torn_one(void **state) {
        (void) state;
#define START "sysswitch manifest 1\nswitch 1\nfrom 2\nto 3\n"
#define HEAD START "units 0\n"
#define UNIT START "units 1\n"
        assert_int_equal(parse_body(HEAD, 0), 1);
        assert_int_equal(parse_body(HEAD "remove 0 a\n", 1), 1);
        assert_int_equal(parse_body(UNIT "unit 0 on - 1 once a.service\nremove 0 a\n", 1), 1);
        static const char *const unknown[] = {
                "sysswitch manifest 2\nswitch 1\nfrom 2\nto 3\nunits 0\n",
                START "remove 0 a\n",
                START "units 99999\nremove 0 a\n",
                UNIT "remove 0 a\n",
                UNIT "unit 0 up - 1 once a.service\nremove 0 a\n",
                UNIT "unit 0 on - 64 once a.service\nremove 0 a\n",
                UNIT "unit 0 on - 1 twice a.service\nremove 0 a\n",
                UNIT "unit 0 on - 1 once a.service b\nremove 0 a\n",
                HEAD "remove 0 a\nremove 0 a\n",
                HEAD "remove 0 a b\n",
                HEAD "remove 0 a%\n",
                HEAD "remove 0 a%4\n",
                HEAD "remove 0 a%00\n",
                HEAD "remove 0 \n",
                HEAD "remove 0\n",
                HEAD "remove -1 a\n",
                HEAD "remove 99999999999999999999 a\n",
                HEAD "shred 0 a\n",
                HEAD "\n",
                HEAD "attributes 0 0755 0 0 10000 0 0 a\n",
                HEAD "place 0 socket 0644 0 0 0 0 00 a\n",
                HEAD "place 0 file 0644 0 0 0 0 00 a\n",
                "sysswitch manifest 1\nswitch 1\nto 3\nremove 0 a\n",
                "",
        };
        for (size_t i = 0; i < N_ELEMENTS(unknown); i++)
                assert_int_equal(parse_body(unknown[i], *unknown[i] ? 1 : 0),
                                *unknown[i] ? -EPROTONOSUPPORT : 0);
        assert_int_equal(parse_body(HEAD, SIZE_MAX), -EPROTONOSUPPORT);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_manifest__is_read_as_written),
                cmocka_unit_test(test_manifest__torn_is_told_at_every_byte),
                cmocka_unit_test(test_manifest__damage_is_told_at_every_byte),
                cmocka_unit_test(test_manifest__another_version_is_no_torn_one),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
