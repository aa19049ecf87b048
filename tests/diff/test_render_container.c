/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/container.h"
#include "diff/nspawn.h"
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

#include <string.h>

#define SITE                                                                                       \
        "[Service]\nExecStart=/bin/site\n"                                                         \
        "[Install]\nWantedBy=multi-user.target\n"

static void test_render_container__is_what_runs_it_and_what_runs_inside(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "containers/", NULL },
                { "containers/web.nspawn", "" },
                { "containers/web/", NULL },
                { "containers/web/etc/", NULL },
                { "containers/web/etc/motd", "web\n" },
                { "containers/web/etc/key", "k" },
                { "containers/web/units/site.service", SITE },
                { "containers/web/profile.conf", "[File]\nPath=key\nMode=0600\nOwner=site\n" },
                { "containers/web/README", "passed over" },
                { NULL, NULL },
        };
        sample_check("container", files, NULL,
                        "/etc/systemd/nspawn/web.nspawn file 0644 root:root\n"
                        "/etc/systemd/system/container-web.service file 0644 root:root\n"
                        "/etc/systemd/system/multi-user.target.wants/container-web.service link "
                        "/etc/systemd/system/container-web.service\n"
                        "containers/web.nspawn file 0644 root:root\n"
                        "containers/web/etc/key file 0600 site:root\n"
                        "containers/web/etc/motd file 0644 root:root\n"
                        "containers/web/etc/systemd/system/multi-user.target.wants/site.service "
                        "link /etc/systemd/system/site.service\n"
                        "containers/web/etc/systemd/system/site.service file 0644 root:root\n"
                        "containers/web/profile.conf file 0644 root:root\n");
}

static void test_render_container__inside_is_a_tree_of_its_own(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "containers/a.nspawn", "" },
                { "containers/a/etc/motd", "a\n" },
                { "containers/a/profile.conf", "[Profile]\nDescription=a\n" },
                { "containers/ab.nspawn", "" },
                { "containers/ab/etc/motd", "ab\n" },
                { NULL, NULL },
        };
        Sample sample;
        assert_int_equal(sample_render(&sample, files, NULL), 0);
        cleanup(tree_freep) Tree *inside = NULL;
        assert_int_equal(container_inside(sample.tree, "a", &inside, NULL), 0);
        cleanup_free char *lines = sample_describe(inside);
        assert_string_equal(lines, "/etc/motd file 0644 root:root\n"
                                   "profile.conf file 0644 root:root\n");
        assert_string_equal(tree_find(inside, ROOT_ETC, "motd")->content->data, "a\n");
        cleanup(tree_freep) Tree *placed = tree_new();
        cleanup(tree_freep) Tree *again = NULL;
        assert_int_equal(container_place(placed, "b", inside), 0);
        assert_int_equal(tree_seal(placed, NULL), 0);
        assert_int_equal(container_inside(placed, "b", &again, NULL), 0);
        cleanup_free char *same = sample_describe(again);
        assert_string_equal(same, lines);
        cleanup(arena_donep) Arena arena = { 0 };
        const char *name = NULL;
        assert_int_equal(
                        container_of_unit(&arena, NULL, sample.tree, "container-ab.service", &name),
                        1);
        assert_string_equal(name, "ab");
        assert_int_equal(container_of_unit(&arena, NULL, sample.tree, "container-b.service", &name),
                        0);
        assert_int_equal(container_of_unit(&arena, NULL, sample.tree, "containers.service", &name),
                        0);
        sample_done(&sample);
}

typedef struct SettingsRow {
        const char *written, *want;
} SettingsRow;

static void settings_hold(const SettingsRow *rows, size_t n_rows) {
        for (size_t i = 0; i < n_rows; i++) {
                const SampleFile files[] = {
                        { "containers/web.nspawn", rows[i].written },
                        { "containers/web/etc/resolv.conf", "x" },
                        { NULL, NULL },
                };
                Sample sample;
                assert_int_equal(sample_render(&sample, files, NULL), 0);
                const Entry *merged = tree_find(sample.tree, ROOT_ETC, "systemd/nspawn/web.nspawn");
                assert_string_equal(merged->content->data, rows[i].want);
                sample_done(&sample);
        }
}

static void test_render_container__settings_are_merged(void **state) {
        (void) state;
        static const SettingsRow rows[] = {
                { "", "[Exec]\nBoot=no\n"
                      "Parameters=/var/lib/sysswitch/bundle/sysswitch-guest init\n"
                      "NotifyReady=yes\nKillSignal=SIGRTMIN+3\nPrivateUsers=pick\n"
                      "LinkJournal=try-guest\n"
                      "\n[Files]\nPrivateUsersOwnership=auto\n"
                      "BindReadOnly=/usr:/usr:idmap,norbind\n"
                      "BindReadOnly=/var/lib/sysswitch/containers/web:"
                      "/var/lib/sysswitch/bundle:idmap,norbind\n" },
                { "# what is the user's stays\n[Exec]\nBoot=yes\nParameters=--log-level=debug\n"
                  "NotifyReady=no\nKillSignal=SIGTERM\nPrivateUsers=no\nLinkJournal=no\n"
                  "ResolvConf=copy-static\n"
                  "[Network]\nPrivate=yes\n"
                  "[Files]\nBind=/srv:/srv\nTemporaryFileSystem=/usr:ro\n[X-Mine]\nA=b\n",
                                "[Exec]\n"
                                "Parameters=/var/lib/sysswitch/bundle/sysswitch-guest init\n"
                                "Parameters=--log-level=debug\n"
                                "NotifyReady=no\nKillSignal=SIGTERM\nPrivateUsers=no\n"
                                "LinkJournal=no\nResolvConf=copy-static\n"
                                "\n[Network]\nPrivate=yes\n"
                                "\n[Files]\nBind=/srv:/srv\nTemporaryFileSystem=/usr:ro\n"
                                "\n[Exec]\nBoot=no\n"
                                "\n[Files]\n"
                                "BindReadOnly=/var/lib/sysswitch/containers/web:"
                                "/var/lib/sysswitch/bundle:norbind\n" },
                { "[Exec]\nParameters=a\nParameters=\nTimezone=copy\nTimezone=\n",
                                "[Exec]\n"
                                "Parameters=/var/lib/sysswitch/bundle/sysswitch-guest init\n"
                                "Parameters=a\nParameters=\nTimezone=copy\nTimezone=\n"
                                "Boot=no\nParameters=/var/lib/sysswitch/bundle/sysswitch-guest "
                                "init\n"
                                "NotifyReady=yes\nKillSignal=SIGRTMIN+3\nPrivateUsers=pick\n"
                                "LinkJournal=try-guest\n"
                                "\n[Files]\nPrivateUsersOwnership=auto\n"
                                "BindReadOnly=/usr:/usr:idmap,norbind\n"
                                "BindReadOnly=/var/lib/sysswitch/containers/web:"
                                "/var/lib/sysswitch/bundle:idmap,norbind\n" },
                /* the host's /usr in another place is none in its own */
                { "[Files]\nBindReadOnly=/usr:/mnt/of-host\nBind=/srv/\\:usr:/usr/local\n",
                                "[Files]\nBindReadOnly=/usr:/mnt/of-host\n"
                                "Bind=/srv/\\:usr:/usr/local\n"
                                "\n[Exec]\nBoot=no\n"
                                "Parameters=/var/lib/sysswitch/bundle/sysswitch-guest init\n"
                                "NotifyReady=yes\nKillSignal=SIGRTMIN+3\nPrivateUsers=pick\n"
                                "LinkJournal=try-guest\n"
                                "\n[Files]\nPrivateUsersOwnership=auto\n"
                                "BindReadOnly=/usr:/usr:idmap,norbind\n"
                                "BindReadOnly=/var/lib/sysswitch/containers/web:"
                                "/var/lib/sysswitch/bundle:idmap,norbind\n" },
        };
        settings_hold(rows, N_ELEMENTS(rows));
}

static void test_render_container__what_is_declared_is_not_written_at_its_start(void **state) {
        (void) state;
        static const struct {
                const char *first, *second, *options;
        } rows[] = {
                { "containers/web/etc/motd", "containers/web/etc/hosts", "" },
                { "containers/web/etc/localtime", "containers/web/etc/hosts", "--timezone=off" },
                { "containers/web/etc/localtime", "containers/web/etc/resolv.conf",
                                "--resolv-conf=off --timezone=off" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                const SampleFile files[] = {
                        { "containers/web.nspawn", "" },
                        { rows[i].first, "x" },
                        { rows[i].second, "x" },
                        { NULL, NULL },
                };
                Sample sample;
                cleanup(tree_freep) Tree *inside = NULL;
                cleanup(arena_donep) Arena arena = { 0 };
                assert_int_equal(sample_render(&sample, files, NULL), 0);
                assert_int_equal(container_inside(sample.tree, "web", &inside, NULL), 0);
                assert_string_equal(nspawn_options(&arena, inside), rows[i].options);
                sample_done(&sample);
        }
}

/* A user namespace in which nobody has another number: there is nothing to map, and root is told
 * of. */
static void test_render_container__users_of_the_same_numbers(void **state) {
        (void) state;
        static const struct {
                const char *written, *options, *warning;
        } rows[] = {
                { "pick", "idmap,norbind", NULL },
                { "65536:65536", "idmap,norbind", NULL },
                { "identity", "norbind", "PrivateUsers=identity: root inside has the number" },
                { "yes", "norbind", "PrivateUsers=yes: root inside has the number" },
                { "0:65536", "norbind", "PrivateUsers=0:65536: root inside has the number" },
                { "off", "norbind", "PrivateUsers=off: root inside is root of the host" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
                cleanup_free char *written = NULL;
                cleanup_free char *bind = NULL;
                assert_true(asprintf(&written, "[Exec]\nPrivateUsers=%s\n", rows[i].written) > 0);
                assert_true(asprintf(&bind, "\nBindReadOnly=/usr:/usr:%s\n", rows[i].options) > 0);
                const SampleFile files[] = { { "containers/web.nspawn", written }, { NULL, NULL } };
                Sample sample;
                assert_int_equal(sample_render(&sample, files, NULL), 0);
                const Entry *merged = tree_find(sample.tree, ROOT_ETC, "systemd/nspawn/web.nspawn");
                assert_non_null(strstr(merged->content->data, bind));
                assert_int_equal(sample.tree->warnings.n_items, rows[i].warning != NULL);
                if (rows[i].warning)
                        assert_non_null(strstr(sample.tree->warnings.items[0], rows[i].warning));
                sample_done(&sample);
        }
}

/* What systemd-nspawn cannot do together with a user namespace is rendered as what it can. */
static void test_render_container__roots_that_cannot_be_mapped(void **state) {
        (void) state;
        static const SettingsRow rows[] = {
                { "[Exec]\nPivotRoot=/sub:/old\n[Files]\nVolatile=state\n",
                                "[Exec]\nBoot=no\n"
                                "Parameters=/var/lib/sysswitch/bundle/sysswitch-guest init\n"
                                "NotifyReady=yes\nKillSignal=SIGRTMIN+3\nPrivateUsers=pick\n"
                                "LinkJournal=try-guest\n"
                                "\n[Files]\nPrivateUsersOwnership=auto\nReadOnly=yes\n"
                                "TemporaryFileSystem=/var:mode=0755\n"
                                "TemporaryFileSystem=/var/lib:mode=0755\n"
                                "TemporaryFileSystem=/var/lib/sysswitch:mode=0700\n"
                                "Bind=/var/lib/containers/web:/old:idmap,norbind\n"
                                "BindReadOnly=/usr:/usr:idmap,norbind\n"
                                "BindReadOnly=/var/lib/sysswitch/containers/web:"
                                "/var/lib/sysswitch/bundle:idmap,norbind\n" },
                { "[Files]\nVolatile=yes\nPrivateUsersOwnership=map\n",
                                "[Files]\nVolatile=yes\n"
                                "\n[Exec]\nBoot=no\n"
                                "Parameters=/var/lib/sysswitch/bundle/sysswitch-guest init\n"
                                "NotifyReady=yes\nKillSignal=SIGRTMIN+3\nPrivateUsers=pick\n"
                                "LinkJournal=try-guest\n"
                                "\n[Files]\nPrivateUsersOwnership=off\n"
                                "TemporaryFileSystem=/var:mode=0755\n"
                                "TemporaryFileSystem=/var/lib:mode=0755\n"
                                "TemporaryFileSystem=/var/lib/sysswitch:mode=0700\n"
                                "BindReadOnly=/usr:/usr:idmap,norbind\n"
                                "BindReadOnly=/var/lib/sysswitch/containers/web:"
                                "/var/lib/sysswitch/bundle:idmap,norbind\n" },
        };
        settings_hold(rows, N_ELEMENTS(rows));
}

static void test_render_container__unit_follows_its_section(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "containers/db.nspawn", "" },
                { "containers/sub.nspawn", "[Exec]\nPivotRoot=/a/b\n" },
                { "profile.conf", "[Container]\nName=db\nRoot=/srv/db\nOnChange=activate\n"
                                  "AutoStart=no\n" },
                { NULL, NULL },
        };
        Sample sample;
        assert_int_equal(sample_render(&sample, files, NULL), 0);
        const Entry *unit = tree_find(sample.tree, ROOT_ETC, "systemd/system/container-db.service");
        assert_non_null(strstr(unit->content->data, "X-RestartIfChanged=no\n"));
        assert_non_null(strstr(unit->content->data, "--directory=/srv/db $NSPAWN_OPTIONS\n"));
        assert_non_null(strstr(unit->content->data, "container prepare db /srv/db\n"));
        const Entry *sub = tree_find(sample.tree, ROOT_ETC, "systemd/system/container-sub.service");
        assert_non_null(strstr(sub->content->data, "prepare sub /var/lib/containers/sub /a/b\n"));
        assert_non_null(strstr(sub->content->data, "--directory=/var/lib/containers/sub/a/b $"));
        assert_non_null(strstr(unit->content->data, "\nStartLimitIntervalSec=0\n"));
        assert_null(strstr(unit->content->data, "[Install]"));
        assert_null(tree_find(sample.tree, ROOT_ETC,
                        "systemd/system/multi-user.target.wants/container-db.service"));
        sample_done(&sample);
}

static void test_render_container__some_settings_are_of_the_unit(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "containers/db.nspawn", "[Exec]\nOOMScoreAdjust=1\nLimitNICE=2\nLimitNICE=3\n"
                                          "LimitCPU=4\nPrivateUsers=no\n[Files]\nVolatile=yes\n" },
                { NULL, NULL },
        };
        Sample sample;
        assert_int_equal(sample_render(&sample, files, NULL), 0);
        const Entry *unit = tree_find(sample.tree, ROOT_ETC, "systemd/system/container-db.service");
        const Entry *settings = tree_find(sample.tree, ROOT_ETC, "systemd/nspawn/db.nspawn");
        assert_non_null(strstr(unit->content->data, "\nOOMScoreAdjust=1\nLimitNICE=3\n"));
        assert_null(strstr(unit->content->data, "LimitCPU"));
        assert_null(strstr(settings->content->data, "OOMScoreAdjust"));
        assert_non_null(strstr(settings->content->data, "LimitNICE=3\nLimitCPU=4\n"));
        sample_done(&sample);
}

static void test_render_container__warns_of_settings_that_are_none(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "containers/web.nspawn", "[Network]\nBrdge=br0\nPrivate=yes\n[Exec]\n"
                                           "Bind=/srv\nX-Mine=1\nSomethingElse=2\n[X-Other]\n"
                                           "Any=3\n[Files]\nBindUserShell=/bin/sh\n"
                                           "[Netwrk]\nPrivate=yes\n[Service]\n" },
                { NULL, NULL },
        };
        static const char *const want[] = {
                "host/containers/web.nspawn:12: [Netwrk] is no section of settings: systemd-nspawn "
                "passes over what is in it (did you mean [Network]?)",
                "host/containers/web.nspawn:14: [Service] is no section of settings: "
                "systemd-nspawn passes over what is in it",
                "host/containers/web.nspawn:2: Brdge= is no setting of [Network]: systemd-nspawn "
                "passes over it (did you mean Bridge=?)",
                "host/containers/web.nspawn:5: Bind= is a setting of [Files], and none of [Exec]: "
                "systemd-nspawn passes over it",
                "host/containers/web.nspawn:7: SomethingElse= is no setting of [Exec]: "
                "systemd-nspawn passes over it",
        };
        Sample sample;
        assert_int_equal(sample_render(&sample, files, NULL), 0);
        assert_int_equal(sample.tree->warnings.n_items, N_ELEMENTS(want));
        for (size_t i = 0; i < N_ELEMENTS(want); i++)
                assert_string_equal(sample.tree->warnings.items[i], want[i]);
        sample_done(&sample);
}

static void test_render_container__refuses(void **state) {
        (void) state;
        static const struct {
                SampleFile files[4];
                const char *want;
        } rows[] = {
                { { { "containers/web.conf", "" } },
                                "!host/containers/web.conf: containers/ holds NAME.nspawn files, "
                                "and for each a directory NAME; move it out" },
                { { { "containers/w_b.nspawn", "" } },
                                "!host/containers/w_b.nspawn: w_b is no machine's name; it has "
                                "letters, digits, '-' and '.' alone" },
                { { { "containers/web.nspawn", "" },
                                  { "containers/web/profile.conf", "\n[Kernel]\nModules=loop\n" } },
                                "!host/containers/web/profile.conf:2: [Kernel] in a container, "
                                "which runs on the host's; move it to the host's profile.conf" },
                { { { "containers/web.nspawn", "" }, { "containers/web/hooks/x", "#!x" } },
                                "!host/containers/web: hooks/ and containers/ in a container are "
                                "not supported by this version yet; take them out" },
                { { { "containers/web.nspawn", "" }, { "containers/web/other", "" } },
                                "!host/containers/web/other: A source holds profile.conf, etc/, "
                                "units/, containers/, hooks/ and what [Kernel] names; move or "
                                "remove it (README*, "
                                "LICENSE* and .git* are passed over)" },
                { { { "containers/web.nspawn", "[Exec]\nBoot=no\n" } },
                                "!host/containers/web.nspawn:2: Boot=no: a container boots "
                                "systemd; take it out" },
                { { { "containers/web.nspawn", "[Exec]\nUser=site\n" } },
                                "!host/containers/web.nspawn:2: User=site: systemd inside is "
                                "started as root; take it out" },
                { { { "containers/web.nspawn", "[Exec]\nPivotRoot=sub\n" } },
                                "!host/containers/web.nspawn:2: PivotRoot=sub: write /DIRECTORY, "
                                "or "
                                "/DIRECTORY:/OLD-ROOT, without '..' and quotes" },
                { { { "containers/web.nspawn", "[Exec]\nPivotRoot=/sub:/../old\n" } },
                                "!host/containers/web.nspawn:2: PivotRoot=/sub:/../old: write "
                                "/DIRECTORY, or /DIRECTORY:/OLD-ROOT, without '..' and quotes" },
                { { { "containers/web.nspawn", "[Exec]\nPivotRoot=/a:/b:/c\n" } },
                                "!host/containers/web.nspawn:2: PivotRoot=/a:/b:/c: it has more "
                                "than "
                                "two paths" },
                { { { "containers/web.nspawn", "" },
                                  { "units/container-web.service", "[Service]\n" } },
                                "!host/containers/web.nspawn: "
                                "/etc/systemd/system/container-web.service is given by "
                                "units/container-web.service as well; take one of them out" },
                { { { "profile.conf", "\n[Container]\nName=db\n" } },
                                "!host/profile.conf:2: [Container] Name=db, but there is no "
                                "containers/db.nspawn; add one, it may be empty" },
                { { { "containers/db.nspawn", "" }, { "containers/db/etc/motd", "" },
                                  { "profile.conf", "[Container]\nName=db\nProfile=containers/"
                                                    "db\n" } },
                                "!host/profile.conf:1: [Container] Name=db has Profile=, and there "
                                "is containers/db/ besides; take one of the two out" },
        };
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                sample_check(rows[i].want, rows[i].files, NULL, rows[i].want);
}

static void test_render_container__collects_all_faults(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "containers/web.nspawn", "[Exec]\nBoot=no\n" },
                { "containers/web/profile.conf", "[Kernel]\n" },
                { "containers/web/units/a.service", "[Service]\nno line\n" },
                { "profile.conf", "[Container]\nName=a\n[Container]\nName=b\n" },
                { NULL, NULL },
        };
        static const char *const want[] = {
                "host/containers/web.nspawn:2: ",
                "host/containers/web/profile.conf:1: [Kernel] ",
                "host/containers/web/units/a.service:2: ",
                "host/profile.conf:1: [Container] Name=a, ",
                "host/profile.conf:3: [Container] Name=b, ",
        };
        Sample sample;
        cleanup_strv Strv faults = { 0 };
        sample_prepare(&sample, files, NULL);
        sample.source->faults = &faults;
        assert_int_equal(sample_render_prepared(&sample), 0);
        assert_int_equal(faults.n_items, N_ELEMENTS(want));
        for (size_t i = 0; i < N_ELEMENTS(want); i++) {
                bool has = false;
                for (size_t k = 0; k < faults.n_items; k++)
                        has |= strncmp(faults.items[k], want[i], strlen(want[i])) == 0;
                if (!has)
                        fail_msg("nobody says '%s…'", want[i]);
        }
        sample_done(&sample);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_render_container__is_what_runs_it_and_what_runs_inside),
                cmocka_unit_test(test_render_container__inside_is_a_tree_of_its_own),
                cmocka_unit_test(test_render_container__settings_are_merged),
                cmocka_unit_test(
                                test_render_container__what_is_declared_is_not_written_at_its_start),
                cmocka_unit_test(test_render_container__users_of_the_same_numbers),
                cmocka_unit_test(test_render_container__roots_that_cannot_be_mapped),
                cmocka_unit_test(test_render_container__unit_follows_its_section),
                cmocka_unit_test(test_render_container__some_settings_are_of_the_unit),
                cmocka_unit_test(test_render_container__warns_of_settings_that_are_none),
                cmocka_unit_test(test_render_container__collects_all_faults),
                cmocka_unit_test(test_render_container__refuses),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
