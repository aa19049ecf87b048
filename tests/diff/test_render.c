/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/render.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

#define SERVICE "[Service]\nExecStart=/bin/true\n"

static void test_render__places_files(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "etc/", NULL },
                { "etc/motd", "hello\n" },
                { "etc/cron.daily/job", "#!/bin/sh\n" },
                { "etc/localtime", "-> ../usr/share/zoneinfo/UTC" },
                { "etc/empty/", NULL },
                { "hooks/10-reload", "#!/bin/sh\n" },
                { "profile.conf", "[Profile]\nDescription=x\n" },
                { "units/web.service", SERVICE },
                { "units/web.service.d/10.conf", SERVICE },
                { "README.md", "read me\n" },
                { "LICENSE", "mine\n" },
                { ".gitignore", "*~\n" },
                { ".git/config", "[core]\n" },
                { NULL, NULL },
        };
        Sample sample;
        assert_int_equal(sample_render(&sample, files, NULL), 0);
        cleanup_free char *lines = sample_describe(sample.tree);
        assert_string_equal(lines,
                        "/etc/cron.daily directory 0755 root:root implied\n"
                        "/etc/cron.daily/job file 0755 root:root\n"
                        "/etc/empty directory 0755 root:root implied\n"
                        "/etc/localtime link ../usr/share/zoneinfo/UTC\n"
                        "/etc/motd file 0644 root:root\n"
                        "/etc/systemd directory 0755 root:root implied\n"
                        "/etc/systemd/system directory 0755 root:root implied\n"
                        "/etc/systemd/system/web.service file 0644 root:root\n"
                        "/etc/systemd/system/web.service.d directory 0755 root:root implied\n"
                        "/etc/systemd/system/web.service.d/10.conf file 0644 root:root\n"
                        "hooks/10-reload file 0755 root:root\n"
                        "profile.conf file 0644 root:root\n");
        const Entry *motd = tree_find(sample.tree, ROOT_ETC, "motd");
        assert_string_equal(motd->content->data, "hello\n");
        assert_string_equal(motd->origin, "etc/motd");
        assert_string_equal(tree_find(sample.tree, ROOT_ETC, "systemd/system/web.service")->origin,
                        "units/web.service");
        sample_done(&sample);
}

static void test_render__empty_source_is_an_empty_tree(void **state) {
        (void) state;
        const SampleFile files[] = { { NULL, NULL } };
        sample_check("empty", files, NULL, "");
}

static void test_render__both_places_of_units_meet(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "etc/systemd/system/web.service.d/10.conf", SERVICE },
                { "etc/systemd/system/web.service.d/", NULL },
                { "units/web.service.d/", NULL },
                { "units/web.service.d/20.conf", SERVICE },
                { NULL, NULL },
        };
        sample_check("drop-ins", files, NULL,
                        "/etc/systemd/system/web.service.d/10.conf file 0644 root:root\n"
                        "/etc/systemd/system/web.service.d/20.conf file 0644 root:root\n");
}

/* Attributes: the last rule that says something about an attribute wins. */
static void test_render__attributes(void **state) {
        (void) state;
        static const struct {
                const char *name, *conf, *want;
        } rows[] = {
                { "plain path",
                                "[File]\nPath=ssl/"
                                "a.key\nMode=0640\nOwner=web:ssl-cert\nSecret=yes\n",
                                "/etc/ssl/a.key file 0640 web:ssl-cert secret\n"
                                "/etc/ssl/b.key file 0755 root:root\n" },
                { "glob", "[File]\nPath=ssl/*.key\nMode=0600\n",
                                "/etc/ssl/a.key file 0600 root:root\n"
                                "/etc/ssl/b.key file 0600 root:root\n" },
                { "later wins by attribute",
                                "[File]\nPath=ssl/*.key\nMode=0600\nSecret=yes\nOwner=web\n"
                                "[File]\nPath=ssl/b.*\nMode=0440\nSecret=no\n",
                                "/etc/ssl/a.key file 0600 web:root secret\n"
                                "/etc/ssl/b.key file 0440 web:root\n" },
                { "group alone", "[File]\nPath=ssl/a.key\nOwner=:42\n",
                                "/etc/ssl/a.key file 0644 root:42\n"
                                "/etc/ssl/b.key file 0755 root:root\n" },
                { "directory", "[File]\nPath=ssl\nMode=0750\n",
                                "/etc/ssl directory 0750 root:root\n"
                                "/etc/ssl/a.key file 0644 root:root\n"
                                "/etc/ssl/b.key file 0755 root:root\n" },
                { "a glob is for files", "[File]\nPath=**\nMode=0600\n",
                                "/etc/ssl/a.key file 0600 root:root\n"
                                "/etc/ssl/b.key file 0600 root:root\n" },
                { "a glob may match nothing", "[File]\nPath=nowhere/*\nMode=0600\n",
                                "/etc/ssl/a.key file 0644 root:root\n"
                                "/etc/ssl/b.key file 0755 root:root\n" },
                { "no such file", "[File]\nPath=ssl/c.key\nMode=0600\n",
                                "!host/profile.conf:2: Path=ssl/c.key: There is no such file in "
                                "etc/; add it, or correct the "
                                "path" },
                { "secret directory", "[Profile]\n[File]\nPath=ssl\nSecret=yes\n",
                                "!host/profile.conf:3: Path=ssl is a directory, and Secret= is for "
                                "files; write ssl/**" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                const SampleFile files[] = {
                        { "profile.conf", rows[i].conf },
                        { "etc/ssl/a.key", "a" },
                        { "etc/ssl/b.key", "#!b" },
                        { NULL, NULL },
                };
                cleanup_free char *want = NULL;
                assert_true(asprintf(&want, "%s%s", rows[i].want,
                                            *rows[i].want == '!' ? ""
                                                                 : "profile.conf file 0644 "
                                                                   "root:root\n") > 0);
                sample_check(rows[i].name, files, NULL, want);
        }
}

static void test_render__attributes_of_a_unit_and_a_link(void **state) {
        (void) state;
        const SampleFile unit[] = {
                { "profile.conf", "[File]\nPath=systemd/system/web.service\nMode=0600\n" },
                { "units/web.service", SERVICE },
                { NULL, NULL },
        };
        sample_check("unit", unit, NULL,
                        "/etc/systemd/system/web.service file 0600 root:root\n"
                        "profile.conf file 0644 root:root\n");
        const SampleFile link[] = {
                { "profile.conf", "[File]\nPath=localtime\nMode=0600\n" },
                { "etc/localtime", "-> ../x" },
                { NULL, NULL },
        };
        sample_check("link", link, NULL,
                        "!host/profile.conf:2: Path=localtime is a link, which has no mode and "
                        "owner of its own; name its "
                        "target");
}

typedef struct RefusedRow {
        SampleFile files[3];
        const char *want;
} RefusedRow;

static const RefusedRow refused_rows[] = {
        /* the top of the source */
        { { { "notes.txt", "x" } },
                        "host/notes.txt: A source holds profile.conf, etc/, units/, "
                        "containers/, hooks/ and what [Kernel] names; move or remove it (README*, "
                        "LICENSE* and .git* are passed over)" },
        { { { "etcetera/motd", "x" } }, "host/etcetera/motd: A source holds profile.conf, etc/, "
                                        "units/, containers/, hooks/ and what [Kernel] names; move "
                                        "or remove it (README*, "
                                        "LICENSE* and .git* are passed over)" },
        { { { "etc", "x" } }, "host/etc: Must be a directory; rename what is there" },
        { { { "units", "-> etc" } }, "host/units: Must be a directory; rename what is there" },
        { { { "profile.conf/", NULL } },
                        "host/profile.conf: Must be a file; replace what is there" },
        { { { "profile.conf", "-> ../other.conf" } },
                        "host/profile.conf: Must be a file; replace what is there" },
        { { { "containers/web/etc/motd", "x" } },
                        "host/containers/web/etc/motd: There is no containers/web.nspawn beside "
                        "it, which declares the container; add one, it may be empty" },
        /* names */
        { { { "etc/../motd", "x" } }, "host/etc/../motd: '.', '..' or nothing as a name in the "
                                      "path; write the path that is meant" },
        { { { "etc/a//b", "x" } }, "host/etc/a//b: '.', '..' or nothing as a name in the path; "
                                   "write the path that is meant" },
        { { { "etc/a\nb", "x" } }, "host/etc/a b: A control character in the name; rename it" },
        { { { "etc/.sysswitch/manifest", "x" } }, "host/etc/.sysswitch/manifest: /etc/.sysswitch "
                                                  "is where a switch is prepared; rename it" },
        /* hooks */
        { { { "hooks/10-x", "x" } }, "host/hooks/10-x: A hook that is not executable; chmod +x it, "
                                     "or move it out" },
        { { { "hooks/lib/x", "#!x" } }, "host/hooks/lib/x: hooks/ holds executable files and "
                                        "nothing else; move it out" },
        { { { "hooks/x", "-> y" } }, "host/hooks/x: hooks/ holds executable files and nothing "
                                     "else; move it out" },
        /* names of units */
        { { { "units/web server.service", SERVICE } },
                        "host/units/web server.service: No unit can have this name; rename it, or "
                        "move it out" },
        { { { "units/notes.txt", "x" } }, "host/units/notes.txt: No unit can have this name; "
                                          "rename it, or move it out" },
        { { { "etc/systemd/system/@.service", SERVICE } },
                        "host/etc/systemd/system/@.service: No unit can have this name; rename it, "
                        "or move it out" },
        { { { "etc/systemd/user/a b.service", SERVICE } },
                        "host/etc/systemd/user/a b.service: No unit can have this name; rename it, "
                        "or move it out" },
        { { { "units/web.service.d", SERVICE } },
                        "host/units/web.service.d: Must be a directory; put the files into it" },
        { { { "units/web.d/10.conf", SERVICE } },
                        "host/units/web.d/10.conf: web.d/ is no directory that systemd reads; "
                        "there are NAME.d/, NAME.wants/, "
                        "NAME.requires/ and NAME.upholds/ of a unit NAME" },
        { { { "units/web.service/", NULL } },
                        "host/units/web.service: web.service/ is no directory that systemd reads; "
                        "there are NAME.d/, "
                        "NAME.wants/, NAME.requires/ and NAME.upholds/ of a unit NAME" },
        { { { "units/service.wants/web.service", "-> ../web.service" } },
                        "host/units/service.wants/web.service: service.wants/ is no directory that "
                        "systemd reads; there are "
                        "NAME.d/, NAME.wants/, NAME.requires/ and NAME.upholds/ of a unit NAME" },
        { { { "units/a.target.wants/web.service", SERVICE } },
                        "host/units/a.target.wants/web.service: Must be a link to the unit; "
                        "systemd heeds nothing else here" },
        { { { "units/a.target.wants/README", "-> x" } },
                        "host/units/a.target.wants/README: No unit can have this name; rename it, "
                        "or move it out" },
        /* texts */
        { { { "units/web.service", "[Service]\n\ngarbage\n" } },
                        "host/units/web.service:3: Neither a section, an assignment nor a comment; "
                        "write Key=value, or '#' "
                        "before it" },
        { { { "units/web.service.d/10.conf", "A=b\n" } },
                        "host/units/web.service.d/10.conf:1: An assignment before any section; put "
                        "its [Section] above it" },
        { { { "etc/systemd/user/web.service", "[Unit\n" } },
                        "host/etc/systemd/user/web.service:1: No section header; write [Name] and "
                        "nothing else on the line" },
        { { { "profile.conf", "[Unitz]\n" } },
                        "host/profile.conf:1: Unknown section [Unitz]; there are [Profile], "
                        "[Units], [File], [Trigger], [Check], [Container] and [Kernel]" },
        /* links */
        { { { "units/app.service", "-> ../../../../outside/app.service" } },
                        "host/units/app.service: The link climbs out of units/ by '..'; write its "
                        "target as an absolute path" },
        { { { "units/app.service", "-> x/../../app.service" } },
                        "host/units/app.service: The link climbs out of units/ by '..'; write its "
                        "target as an absolute path" },
        { { { "units/a.target.wants/app.service", "-> ../../app.service" } },
                        "host/units/a.target.wants/app.service: The link climbs out of units/ by "
                        "'..'; write its target as an "
                        "absolute path" },
        { { { "etc/systemd/system/app.service", "-> ../../../lib/systemd/system/app.service" } },
                        "host/etc/systemd/system/app.service: The link climbs out of etc/ by '..'; "
                        "write its target as an "
                        "absolute path" },
        { { { "units/web.service.d/10.conf", "-> ../../10.conf" } },
                        "host/units/web.service.d/10.conf: The link climbs out of units/ by '..'; "
                        "write its target as an "
                        "absolute path" },
        { { { "etc/a", "-> " } }, "host/etc/a: A link to nothing, or to more than 4095 bytes; "
                                  "write its target" },
        /* a path given twice */
        { { { "etc/systemd/system/web.service", SERVICE }, { "units/web.service", SERVICE } },
                        "host/units/web.service: /etc/systemd/system/web.service is given by "
                        "etc/systemd/system/web.service as "
                        "well; take one of them out" },
        { { { "etc/systemd/system", "-> /srv/units" }, { "units/web.service", SERVICE } },
                        "host/units/web.service: Lies below etc/systemd/system, which is no "
                        "directory; take one of them out" },
        { { { "etc/systemd", "x" }, { "units/web.service", SERVICE } },
                        "host/units/web.service: Lies below etc/systemd, which is no directory; "
                        "take one of them out" },
};

static void test_render__refuses(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(refused_rows); i++) {
                cleanup_free char *want = NULL;
                assert_true(asprintf(&want, "!%s", refused_rows[i].want) > 0);
                sample_check(refused_rows[i].files[0].path, refused_rows[i].files, NULL, want);
        }
}

static void test_render__links_that_stay(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "units/app.service", "-> web.service" },
                { "units/web.service", SERVICE },
                { "units/a.target.wants/web.service", "-> ../web.service" },
                { "units/linked.service", "-> /opt/linked.service" },
                { "etc/systemd/system/near.service", "-> ../../app/near.service" },
                { "units/off.service", "-> /dev/null" },
                { "units/web.service.d/notes", "no unit text" },
                { "units/web.service.d/.hidden.conf", "no unit text" },
                { "units/web.service.d/more/x.conf", "no unit text" },
                { "units/service.d/10.conf", SERVICE },
                { "units/app-.service.d/10.conf", SERVICE },
                { "units/x@.service.d/10.conf", SERVICE },
                { NULL, NULL },
        };
        sample_check("links", files, NULL,
                        "/etc/systemd/system/a.target.wants/web.service link ../web.service\n"
                        "/etc/systemd/system/app-.service.d/10.conf file 0644 root:root\n"
                        "/etc/systemd/system/app.service link web.service\n"
                        "/etc/systemd/system/linked.service link /opt/linked.service\n"
                        "/etc/systemd/system/near.service link ../../app/near.service\n"
                        "/etc/systemd/system/off.service link /dev/null\n"
                        "/etc/systemd/system/service.d/10.conf file 0644 root:root\n"
                        "/etc/systemd/system/web.service file 0644 root:root\n"
                        "/etc/systemd/system/web.service.d/.hidden.conf file 0644 root:root\n"
                        "/etc/systemd/system/web.service.d/more/x.conf file 0644 root:root\n"
                        "/etc/systemd/system/web.service.d/notes file 0644 root:root\n"
                        "/etc/systemd/system/x@.service.d/10.conf file 0644 root:root\n");
}

static void test_render__limits(void **state) {
        (void) state;
        char path[SOURCE_MAX_PATH_BYTES + 2], want[SOURCE_MAX_PATH_BYTES + 200];
        memset(path, 'x', sizeof(path));
        memcpy(path, "etc/", 4);
        path[SOURCE_MAX_PATH_BYTES] = 0;
        const SampleFile files[] = { { path, "x" }, { NULL, NULL } };
        Sample sample;
        assert_int_equal(sample_render(&sample, files, NULL), 0);
        sample_done(&sample);
        path[SOURCE_MAX_PATH_BYTES] = 'x';
        path[SOURCE_MAX_PATH_BYTES + 1] = 0;
        assert_int_equal(sample_render(&sample, files, NULL), -EBADMSG);
        sample_done(&sample);

        memcpy(path, "etc", 4);
        for (size_t i = 0; i < SOURCE_MAX_DEPTH - 1; i++)
                (void) strcat(path, "/d");
        assert_int_equal(sample_render(&sample, files, NULL), 0);
        sample_done(&sample);
        (void) strcat(path, "/d");
        (void) snprintf(want, sizeof(want), "!host/%s: More than 64 directories deep; move it up",
                        path);
        sample_check("depth", files, NULL, want);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_render__places_files),
                cmocka_unit_test(test_render__empty_source_is_an_empty_tree),
                cmocka_unit_test(test_render__both_places_of_units_meet),
                cmocka_unit_test(test_render__attributes),
                cmocka_unit_test(test_render__attributes_of_a_unit_and_a_link),
                cmocka_unit_test(test_render__refuses),
                cmocka_unit_test(test_render__links_that_stay),
                cmocka_unit_test(test_render__limits),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
