/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/diff/sample_source.h"
#include "tests/support/cmocka.h"

/* What systemctl makes of the same units is in test_enablement_systemctl. */

#define SERVICE "[Service]\nExecStart=/bin/true\n"
#define WANTED SERVICE "[Install]\nWantedBy=multi-user.target\n"

static const SampleUnit distribution[] = {
        { "ssh.service", "/lib/systemd/system/ssh.service",
                        SERVICE "[Install]\nWantedBy=multi-user.target\nAlias=sshd.service\n" },
        { "cups.service", "/lib/systemd/system/cups.service",
                        SERVICE "[Install]\nAlso=cups.socket cups.path gone.service web.service\n"
                                "WantedBy=printer.target\n" },
        { "cups.socket", "/lib/systemd/system/cups.socket",
                        "[Install]\nWantedBy=sockets.target\nAlso=cups.service\n" },
        { "cups.path", "/lib/systemd/system/cups.path", "[Install]\nWantedBy=paths.target\n" },
        { "gdm.service", "/lib/systemd/system/gdm.service",
                        SERVICE "[Install]\nAlias=display-manager.service\n" },
        { "lightdm.service", "/lib/systemd/system/lightdm.service",
                        SERVICE "[Install]\nAlias=display-manager.service\n" },
        { "getty@.service", "/lib/systemd/system/getty@.service",
                        SERVICE "[Install]\nWantedBy=getty.target\nDefaultInstance=tty1\n" },
        { "pool@.service", "/lib/systemd/system/pool@.service",
                        SERVICE "[Install]\nWantedBy=pools-%p-%i.target\n" },
        { "static.service", "/lib/systemd/system/static.service", SERVICE },
        { "named.service", "/lib/systemd/system/bind.service", WANTED },
        { "bind.service", "/lib/systemd/system/bind.service", WANTED },
        { "old.service", NULL, NULL },
        { NULL, NULL, NULL },
};

typedef struct Row {
        const char *name;
        SampleFile files[6];
        const char *want; /* without the files themselves; "!": refused with */
} Row;

#define SYSTEM "/etc/systemd/system/"

static const Row rows[] = {
        { "WantedBy, RequiredBy, UpheldBy and Alias",
                        { { "units/web.service",
                                        SERVICE "[Install]\nWantedBy=a.target "
                                                "b.target\nRequiredBy=r.service\n"
                                                "UpheldBy=u.target\nAlias=www.service\n" } },
                        SYSTEM
                        "a.target.wants/web.service link /etc/systemd/system/web.service\n" SYSTEM
                        "b.target.wants/web.service link /etc/systemd/system/web.service\n" SYSTEM
                        "r.service.requires/web.service link "
                        "/etc/systemd/system/web.service\n" SYSTEM
                        "u.target.upholds/web.service link /etc/systemd/system/web.service\n" SYSTEM
                        "www.service link /etc/systemd/system/web.service\n" },
        { "units in etc/systemd/system are the same",
                        { { "etc/systemd/system/web.service", WANTED } },
                        SYSTEM "multi-user.target.wants/web.service link "
                               "/etc/systemd/system/web.service\n" },
        { "units of users",
                        { { "etc/systemd/user/web.service",
                                        SERVICE "[Install]\nWantedBy=default.target\n" } },
                        "/etc/systemd/user/default.target.wants/web.service link "
                        "/etc/systemd/user/web.service\n" },
        { "a template without an instance", { { "units/pool@.service", WANTED } }, "" },
        { "a template wanted by a template",
                        { { "units/pool@.service",
                                        SERVICE "[Install]\nWantedBy=pools@.target\n" } },
                        SYSTEM "pools@.target.wants/pool@.service link "
                               "/etc/systemd/system/pool@.service\n" },
        { "a template that says by specifiers what only an instance can say",
                        { { "units/pool@.service",
                                        SERVICE "[Install]\nWantedBy=%i.target\nAlias=%i\n" } },
                        "" },
        { "a template with its default instance",
                        { { "units/pool@.service",
                                        WANTED "Alias=p@.service\nDefaultInstance=main\n" } },
                        SYSTEM "multi-user.target.wants/pool@main.service link "
                               "/etc/systemd/system/pool@.service\n" SYSTEM
                               "p@.service link /etc/systemd/system/pool@.service\n" },
        { "instances in Enable=",
                        { { "units/pool@.service", SERVICE
                                          "[Install]\nWantedBy=%p-%i.target\nAlias=p@.service\n" },
                                        { "profile.conf", "[Units]\nEnable=pool@a.service "
                                                          "pool@b.service\n" } },
                        SYSTEM "p@.service link /etc/systemd/system/pool@.service\n" SYSTEM
                               "p@a.service link /etc/systemd/system/pool@.service\n" SYSTEM
                               "p@b.service link /etc/systemd/system/pool@.service\n" SYSTEM
                               "pool-a.target.wants/pool@a.service link "
                               "/etc/systemd/system/pool@.service\n" SYSTEM
                               "pool-b.target.wants/pool@b.service link "
                               "/etc/systemd/system/pool@.service\n" },
        { "a unit of the source in Enable= without [Install]",
                        { { "units/web.service", SERVICE },
                                        { "profile.conf", "[Units]\nEnable=web.service\n" } },
                        "" },
        { "[Install] of drop-ins, in the order of their names",
                        { { "units/web.service", WANTED },
                                        { "units/web.service.d/10-other.conf",
                                                        "[Install]\nWantedBy=other.target\n" },
                                        { "etc/systemd/system/web.service.d/05-none.conf",
                                                        "[Install]\nWantedBy=\n" },
                                        { "units/service.d/99.conf",
                                                        "[Install]\nWantedBy=never.target\n" } },
                        SYSTEM
                        "other.target.wants/web.service link /etc/systemd/system/web.service\n" },
        { "[Install] of a nearer drop-in replaces that of the template",
                        { { "units/p@.service", SERVICE },
                                        { "units/p@.service.d/10.conf",
                                                        "[Install]\nWantedBy=far.target\n" },
                                        { "units/p@a.service.d/10.conf",
                                                        "[Install]\nWantedBy=near.target\n" },
                                        { "profile.conf", "[Units]\nEnable=p@a.service "
                                                          "p@b.service\n" } },
                        SYSTEM
                        "far.target.wants/p@b.service link /etc/systemd/system/p@.service\n" SYSTEM
                        "near.target.wants/p@a.service link /etc/systemd/system/p@.service\n" },
        { "a drop-in with [Install] enables a unit of the distribution",
                        { { "units/static.service.d/10.conf", "[Install]\nWantedBy=a.target\n" } },
                        SYSTEM
                        "a.target.wants/static.service link /lib/systemd/system/static.service\n" },
        { "a drop-in for a unit that is not installed",
                        { { "units/absent.service.d/10.conf", "[Install]\nWantedBy=a.target\n" } },
                        "" },
        { "a link that the user made stays",
                        { { "units/web.service", WANTED "Alias=www.service\n" },
                                        { "units/multi-user.target.wants/web.service",
                                                        "-> ../web.service" },
                                        { "units/www.service", "-> web.service" } },
                        SYSTEM "multi-user.target.wants/web.service link ../web.service\n" SYSTEM
                               "www.service link web.service\n" },
        { "a unit in Disable= has no links",
                        { { "units/web.service", WANTED "Alias=www.service\n" },
                                        { "profile.conf", "[Units]\nDisable=web.service\n" } },
                        SYSTEM "multi-user.target.wants/web.service absent\n" SYSTEM
                               "www.service absent\n" },
        { "the default instance in Disable=",
                        { { "units/pool@.service",
                                          WANTED "Alias=p@.service\nDefaultInstance=main\n" },
                                        { "profile.conf",
                                                        "[Units]\nDisable=pool@main.service\n" } },
                        SYSTEM "multi-user.target.wants/pool@main.service absent\n" SYSTEM
                               "p@.service link /etc/systemd/system/pool@.service\n" SYSTEM
                               "p@main.service absent\n" },
        { "the old way to ask for a dependency",
                        { { "units/web.service",
                                        SERVICE "[Install]\nAlias=a.target.wants/web.service\n" } },
                        SYSTEM
                        "a.target.wants/web.service link /etc/systemd/system/web.service\n" },
        { "an alias that is its own name",
                        { { "units/web.service", SERVICE "[Install]\nAlias=web.service\n" } }, "" },
        /* units of the distribution */
        { "Enable= of a unit of the distribution",
                        { { "profile.conf", "[Units]\nEnable=ssh.service\n" } },
                        SYSTEM "multi-user.target.wants/ssh.service link "
                               "/lib/systemd/system/ssh.service\n" SYSTEM
                               "sshd.service link /lib/systemd/system/ssh.service\n" },
        { "Enable= of a static unit", { { "profile.conf", "[Units]\nEnable=static.service\n" } },
                        "" },
        { "Enable= of an alias", { { "profile.conf", "[Units]\nEnable=named.service\n" } },
                        SYSTEM "multi-user.target.wants/bind.service link "
                               "/lib/systemd/system/bind.service\n" },
        { "Enable= of an alias of the source",
                        { { "units/x.service", "-> ssh.service" },
                                        { "profile.conf", "[Units]\nEnable=x.service\n" } },
                        SYSTEM "multi-user.target.wants/ssh.service link "
                               "/lib/systemd/system/ssh.service\n" SYSTEM
                               "sshd.service link /lib/systemd/system/ssh.service\n" SYSTEM
                               "x.service link ssh.service\n" },
        { "Enable= of an instance", { { "profile.conf", "[Units]\nEnable=pool@x.service\n" } },
                        SYSTEM "pools-pool-x.target.wants/pool@x.service link "
                               "/lib/systemd/system/pool@.service\n" },
        { "Enable= of a template with a default instance",
                        { { "profile.conf", "[Units]\nEnable=getty@.service\n" } },
                        SYSTEM "getty.target.wants/getty@tty1.service link "
                               "/lib/systemd/system/getty@.service\n" },
        { "Also=", { { "profile.conf", "[Units]\nEnable=cups.service\n" } },
                        SYSTEM
                        "paths.target.wants/cups.path link /lib/systemd/system/cups.path\n" SYSTEM
                        "printer.target.wants/cups.service link "
                        "/lib/systemd/system/cups.service\n" SYSTEM
                        "sockets.target.wants/cups.socket link /lib/systemd/system/cups.socket\n" },
        { "Also= of a unit in Disable=",
                        { { "profile.conf", "[Units]\nEnable=cups.service\nDisable=cups.path\n" } },
                        SYSTEM
                        "paths.target.wants/cups.path absent\n" SYSTEM
                        "printer.target.wants/cups.service link "
                        "/lib/systemd/system/cups.service\n" SYSTEM
                        "sockets.target.wants/cups.socket link /lib/systemd/system/cups.socket\n" },
        { "Disable= takes along what Also= names",
                        { { "units/web.service", WANTED },
                                        { "profile.conf", "[Units]\nDisable=cups.service\n" } },
                        SYSTEM "multi-user.target.wants/web.service link "
                               "/etc/systemd/system/web.service\n" SYSTEM
                               "paths.target.wants/cups.path absent\n" SYSTEM
                               "printer.target.wants/cups.service absent\n" SYSTEM
                               "sockets.target.wants/cups.socket absent\n" },
        { "Disable= leaves what is enabled by itself",
                        { { "profile.conf", "[Units]\nEnable=cups.path\nDisable=cups.service\n" } },
                        SYSTEM
                        "paths.target.wants/cups.path link /lib/systemd/system/cups.path\n" SYSTEM
                        "printer.target.wants/cups.service absent\n" SYSTEM
                        "sockets.target.wants/cups.socket absent\n" },
        { "an alias that another took is not absent",
                        { { "profile.conf", "[Units]\nEnable=lightdm.service\nDisable=gdm."
                                            "service\n" } },
                        SYSTEM
                        "display-manager.service link /lib/systemd/system/lightdm.service\n" },
        { "Disable= of an instance",
                        { { "profile.conf", "[Units]\nDisable=getty@tty1.service\n" } },
                        SYSTEM "getty.target.wants/getty@tty1.service absent\n" },
        { "Disable= of what is not there",
                        { { "profile.conf", "[Units]\nDisable=absent.service\n" } }, "" },
        /* masks */
        { "Mask=", { { "profile.conf", "[Units]\nMask=ssh.service pool@x.service\n" } },
                        SYSTEM "pool@x.service link /dev/null\n" SYSTEM
                               "ssh.service link /dev/null\n" },
        { "Mask= and Disable=",
                        { { "profile.conf", "[Units]\nMask=ssh.service\nDisable=ssh.service\n" } },
                        SYSTEM "ssh.service link /dev/null\n" },
        { "a masked unit in Also= is left",
                        { { "profile.conf", "[Units]\nEnable=cups.service\nMask=cups.path\n" } },
                        SYSTEM
                        "cups.path link /dev/null\n" SYSTEM
                        "printer.target.wants/cups.service link "
                        "/lib/systemd/system/cups.service\n" SYSTEM
                        "sockets.target.wants/cups.socket link /lib/systemd/system/cups.socket\n" },
        { "Mask= of what the source masks",
                        { { "units/a.service", "" }, { "units/b.service", "-> /dev/null" },
                                        { "profile.conf", "[Units]\nMask=a.service b.service\n" } },
                        SYSTEM "b.service link /dev/null\n" },
        /* refused */
        { "Enable= of nothing", { { "profile.conf", "[Units]\n\nEnable=absent.service\n" } },
                        "!host/profile.conf:3: Enable=absent.service is no unit of the source or "
                        "the distribution; install "
                        "its package, or take it out" },
        { "Enable= of a script", { { "profile.conf", "[Units]\nEnable=old.service\n" } },
                        "!host/profile.conf:2: Enable=old.service is a SysV script only; give it a "
                        "unit in units/, or take it "
                        "out" },
        { "Disable= of a script", { { "profile.conf", "[Units]\nDisable=old.service\n" } },
                        "!host/profile.conf:2: Disable=old.service is a SysV script only; mask it "
                        "with Mask=, or take it out" },
        { "Enable= of a template", { { "profile.conf", "[Units]\nEnable=pool@.service\n" } },
                        "!host/profile.conf:2: Enable=pool@.service is a template without "
                        "DefaultInstance=; name an instance "
                        "of it" },
        { "Enable= of a template of the source",
                        { { "units/p@.service", WANTED },
                                        { "profile.conf", "[Units]\nEnable=p@.service\n" } },
                        "!host/profile.conf:2: Enable=p@.service is a template without "
                        "DefaultInstance=; name an instance of "
                        "it" },
        { "Enable= of a masked unit",
                        { { "units/ssh.service", "-> /dev/null" },
                                        { "profile.conf", "[Units]\nEnable=ssh.service\n" } },
                        "!host/units/ssh.service: Masks what profile.conf:2 has in Enable=; take "
                        "one of them out" },
        { "Mask= of a unit of the source",
                        { { "units/web.service", SERVICE },
                                        { "profile.conf", "[Units]\nMask=web.service\n" } },
                        "!host/profile.conf:2: Mask=web.service, but host/units/web.service brings "
                        "that unit; take one of "
                        "them out" },
        { "a link to a unit in Disable=",
                        { { "units/a.target.wants/ssh.service",
                                          "-> /lib/systemd/system/ssh.service" },
                                        { "profile.conf", "[Units]\nDisable=ssh.service\n" } },
                        "!host/units/a.target.wants/ssh.service: Enables what profile.conf:2 has "
                        "in Disable=; take one of "
                        "them out" },
        { "an alias that is a unit of its own",
                        { { "units/a.service", SERVICE "[Install]\nAlias=b.service\n" },
                                        { "units/b.service", SERVICE } },
                        "!host/units/a.service:4: Alias=b.service, but "
                        "/etc/systemd/system/b.service is given by "
                        "units/b.service as well; take one of them out" },
        { "an alias that two units have",
                        { { "units/a.service", SERVICE "[Install]\nAlias=x.service\n" },
                                        { "units/b.service",
                                                        SERVICE "[Install]\nAlias=x.service\n" } },
                        "!host/units/b.service:4: Alias=x.service, but "
                        "/etc/systemd/system/x.service is given by "
                        "units/a.service as well; take one of them out" },
        { "an alias that is masked",
                        { { "units/a.service", SERVICE "[Install]\nAlias=x.service\n" },
                                        { "profile.conf", "[Units]\nMask=x.service\n" } },
                        "!host/units/a.service:4: Alias=x.service, but "
                        "/etc/systemd/system/x.service is given by "
                        "profile.conf:2 as well; take one of them out" },
        { "an alias of another kind",
                        { { "units/a.service", SERVICE "[Install]\nAlias=x.socket\n" } },
                        "!host/units/a.service:4: Alias=x.socket cannot be another name of "
                        "a.service; write one of the same "
                        "kind" },
        { "WantedBy= of no unit",
                        { { "units/a.service", SERVICE "[Install]\nWantedBy=multi-user\n" } },
                        "!host/units/a.service:4: WantedBy=multi-user is no unit name; write it "
                        "whole, as NAME.service" },
        { "a specifier that only the host knows",
                        { { "units/a.service", SERVICE "[Install]\nWantedBy=%H.target\n" } },
                        "!host/units/a.service:4: WantedBy=%H.target is no unit name; write it "
                        "whole, as NAME.service" },
        { "a quote without an end",
                        { { "units/a.service.d/x.conf", "[Install]\nWantedBy=\"a.target\n" },
                                        { "units/a.service", WANTED } },
                        "!host/units/a.service.d/x.conf:2: WantedBy= has a quote without an end" },
        { "DefaultInstance= that is none",
                        { { "units/a@.service", WANTED "DefaultInstance=a/b\n" } },
                        "!host/units/a@.service: DefaultInstance=a/b makes no unit name; write an "
                        "instance as systemd-escape "
                        "has it" },
};

/* The lines of what was rendered that the source did not write as files. */
static void test_enablement__rows(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(rows); i++)
                sample_check_without_files(rows[i].name, rows[i].files, distribution, rows[i].want);
}

static void test_enablement__without_a_host(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "profile.conf", "[Units]\nEnable=ssh.service absent.service "
                                  "web.service\nDisable=old.service\n" },
                { "units/web.service", WANTED },
                { NULL, NULL },
        };
        sample_check_without_files("no host", files, NULL,
                        SYSTEM "multi-user.target.wants/web.service link "
                               "/etc/systemd/system/web.service\n");
}

static void test_enablement__origins(void **state) {
        (void) state;
        const SampleFile files[] = {
                { "profile.conf", "[Units]\nEnable=ssh.service\nMask=x.service\nDisable=getty@tty1."
                                  "service\n" },
                { "units/web.service", WANTED },
                { NULL, NULL },
        };
        static const struct {
                const char *path, *origin;
        } wanted[] = {
                { "systemd/system/multi-user.target.wants/ssh.service", "profile.conf:2" },
                { "systemd/system/multi-user.target.wants/web.service", "units/web.service" },
                { "systemd/system/x.service", "profile.conf:3" },
                { "systemd/system/getty.target.wants/getty@tty1.service", "profile.conf:4" },
        };
        Sample sample;
        assert_int_equal(sample_render(&sample, files, distribution), 0);
        for (size_t i = 0; i < N_ELEMENTS(wanted); i++) {
                const Entry *entry = tree_find(sample.tree, ROOT_ETC, wanted[i].path);
                assert_non_null(entry);
                assert_string_equal(entry->origin, wanted[i].origin);
        }
        assert_null(tree_find(sample.tree, ROOT_ETC, "systemd/system/getty.target.wants"));
        sample_done(&sample);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_enablement__rows),
                cmocka_unit_test(test_enablement__without_a_host),
                cmocka_unit_test(test_enablement__origins),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
