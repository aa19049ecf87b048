/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/nspawn_mounts.h"

#include "tests/support/cmocka.h"

#include <string.h>

static void test_nspawn_mounts__are_taken_apart(void **state) {
        (void) state;
        static const struct {
                const char *line, *place, *source;
                bool is_root_source;
        } rows[] = {
                { "Bind=/srv/data", "/srv/data", "/srv/data", false },
                { "BindReadOnly=/srv:/mnt/./of-host/", "/mnt/of-host", "/srv", false },
                { "Bind=/srv:/mnt:idmap,norbind", "/mnt", "/srv", false },
                { "Bind=/srv/a\\:b:/mnt/c\\:d", "/mnt/c:d", "/srv/a:b", false },
                { "Bind=+/srv:/mnt", "/mnt", "/srv", true },
                { "Bind=+/srv", "/srv", "/srv", true },
                { "Bind=:/mnt", "/mnt", NULL, false },
                { "TemporaryFileSystem=/mnt:mode=0700", "/mnt", NULL, false },
                { "Overlay=/a:/b", "/b", NULL, false },
                { "OverlayReadOnly=+/a:/b:/c:/d", "/d", NULL, false },
                /* nspawn passes over these */
                { "Bind=", NULL, NULL, false },
                { "Bind=srv", NULL, NULL, false },
                { "Inaccessible=/srv", NULL, NULL, false },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                cleanup(arena_donep) Arena arena = { 0 };
                cleanup_free char *text = NULL;
                const UnitFile *file;
                NspawnMount mount;
                size_t position = 0;
                /* in another section it is no setting of files */
                assert_true(asprintf(&text, "[Exec]\nBind=/x\n[Files]\n%s\n", rows[i].line) > 0);
                assert_int_equal(unit_file_parse(&arena, "x", text, strlen(text), &file, NULL), 0);
                int r = nspawn_mount_next(&arena, file, &position, &mount);
                if (r != (rows[i].place != NULL))
                        fail_msg("%s: %d", rows[i].line, r);
                if (!rows[i].place)
                        continue;
                assert_string_equal(mount.place, rows[i].place);
                assert_int_equal(mount.is_root_source, rows[i].is_root_source);
                assert_int_equal(mount.source != NULL, rows[i].source != NULL);
                if (rows[i].source)
                        assert_string_equal(mount.source, rows[i].source);
                assert_int_equal(nspawn_mount_next(&arena, file, &position, &mount), 0);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nspawn_mounts__are_taken_apart),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
