/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/profile_conf.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

typedef struct Parsed {
        Contents *contents;
        Arena arena;
        const ProfileConf *conf;
        Error error;
} Parsed;

static int parse(Parsed *parsed, const char *text) {
        *parsed = (Parsed){ .contents = contents_new() };
        Content *content = NULL;
        assert_int_equal(contents_add(parsed->contents, text, strlen(text), &content, NULL), 0);
        return profile_conf_parse(&parsed->arena, "profile.conf", parsed->contents, content,
                        &parsed->conf, &parsed->error);
}

static void done(Parsed *parsed) {
        arena_done(&parsed->arena);
        contents_free(parsed->contents);
}

static void parse_good(Parsed *parsed, const char *text) {
        if (parse(parsed, text) < 0)
                fail_msg("%s", parsed->error.message);
}

static void test_profile_conf__empty(void **state) {
        (void) state;
        Parsed parsed;
        parse_good(&parsed, "# nothing\n[Profile]\nDescription=\n[Units]\n");
        assert_null(parsed.conf->description);
        assert_int_equal(parsed.conf->n_enable + parsed.conf->n_disable + parsed.conf->n_mask, 0);
        assert_int_equal(parsed.conf->n_files + parsed.conf->n_triggers, 0);
        done(&parsed);
}

static void test_profile_conf__units(void **state) {
        (void) state;
        Parsed parsed;
        parse_good(&parsed, "[Profile]\nDescription=Edge router\n"
                            "[Units]\nEnable=gone.service\nEnable=\nEnable=a.service  "
                            "b@x.service\nEnable=a.service c@.service\n"
                            "Disable=d.timer\n"
                            "[Units]\nMask=e.service\nDisable=f.service e.service\n");
        const ProfileConf *conf = parsed.conf;
        assert_string_equal(conf->description, "Edge router");
        assert_int_equal(conf->n_enable, 3);
        assert_string_equal(conf->enable[0].unit, "a.service");
        assert_int_equal(conf->enable[0].line, 6);
        assert_string_equal(conf->enable[1].unit, "b@x.service");
        assert_string_equal(conf->enable[2].unit, "c@.service");
        assert_int_equal(conf->enable[2].line, 7);
        assert_int_equal(conf->n_disable, 3);
        assert_string_equal(conf->disable[2].unit, "e.service");
        assert_int_equal(conf->n_mask, 1);
        assert_int_equal(conf->mask[0].line, 10);
        done(&parsed);
}

static void test_profile_conf__files(void **state) {
        (void) state;
        Parsed parsed;
        parse_good(&parsed,
                        "[File]\nPath=ssl/my key.pem\nMode=0640\nOwner=web:ssl-cert\nSecret=yes\n"
                        "[File]\nPath=b\nMode=\nOwner=\nSecret=\n"
                        "[File]\nPath=c\nOwner=1000\n"
                        "[File]\nPath=d\nOwner=:4294967294\nSecret=no\nMode=1777\nMode=755\n");
        assert_int_equal(parsed.conf->n_files, 4);
        const FileRule *files = parsed.conf->files;
        assert_string_equal(files[0].path, "ssl/my key.pem");
        assert_int_equal(files[0].mode, 0640);
        assert_string_equal(files[0].owner, "web");
        assert_string_equal(files[0].group, "ssl-cert");
        assert_int_equal(files[0].secret, 1);
        assert_int_equal(files[0].line, 2);
        assert_int_equal(files[1].mode, -1);
        assert_null(files[1].owner);
        assert_null(files[1].group);
        assert_int_equal(files[1].secret, -1);
        assert_string_equal(files[2].owner, "1000");
        assert_null(files[2].group);
        assert_null(files[3].owner);
        assert_string_equal(files[3].group, "4294967294");
        assert_int_equal(files[3].secret, 0);
        assert_int_equal(files[3].mode, 0755);
        done(&parsed);
}

static void test_profile_conf__triggers(void **state) {
        (void) state;
        Parsed parsed;
        parse_good(&parsed, "[Trigger]\nUnit=a.service b@.service\nFiles=/etc/a "
                            "/etc/srv-my\\x2dx\nFiles=/etc/n/**\nAction=reload\n"
                            "[Trigger]\nUnit=c.service\nFiles=/etc/gone\nFiles=\nFiles=/etc/c\n");
        assert_int_equal(parsed.conf->n_triggers, 3);
        const TriggerRule *triggers = parsed.conf->triggers;
        assert_string_equal(triggers[0].unit, "a.service");
        assert_string_equal(triggers[1].unit, "b@.service");
        for (size_t i = 0; i < 2; i++) {
                assert_int_equal(triggers[i].n_files, 3);
                assert_string_equal(triggers[i].files[0], "/etc/a");
                assert_string_equal(triggers[i].files[1], "/etc/srv-my\\x2dx");
                assert_string_equal(triggers[i].files[2], "/etc/n/**");
                assert_true(triggers[i].reload);
                assert_int_equal(triggers[i].line, 1);
        }
        assert_int_equal(triggers[2].n_files, 1);
        assert_string_equal(triggers[2].files[0], "/etc/c");
        assert_false(triggers[2].reload);
        assert_int_equal(triggers[2].line, 6);
        done(&parsed);
}

static void test_profile_conf__checks(void **state) {
        (void) state;
        Parsed parsed;
        parse_good(&parsed, "[Check]\nCommand=gone\nFiles=/etc/a\nFiles=/etc/b/** /etc/c\n"
                            "Command=app --check \"a b\" c\\x20d\nTimeout=1min 30s\n"
                            "[Check]\nFiles=/etc/gone\nFiles=\nCommand=/usr/bin/true\n"
                            "Timeout=5s\nTimeout=\n[Check]\nCommand=x\nTimeout=infinity\n");
        assert_int_equal(parsed.conf->n_checks, 3);
        const CheckRule *checks = parsed.conf->checks;
        assert_int_equal(checks[0].n_files, 3);
        assert_string_equal(checks[0].files[2], "/etc/c");
        assert_string_equal(checks[0].command, "app --check \"a b\" c\\x20d");
        const char *const want[] = { "app", "--check", "a b", "c d" };
        for (size_t i = 0; i < N_ELEMENTS(want); i++)
                assert_string_equal(checks[0].arguments[i], want[i]);
        assert_null(checks[0].arguments[N_ELEMENTS(want)]);
        assert_int_equal(checks[0].timeout_usec, 90000000);
        assert_int_equal(checks[0].line, 5);
        assert_int_equal(checks[1].n_files, 0);
        assert_string_equal(checks[1].arguments[0], "/usr/bin/true");
        assert_int_equal(checks[1].timeout_usec, 0);
        assert_int_equal(checks[2].timeout_usec, UINT64_MAX);
        done(&parsed);
}

static void test_profile_conf__containers(void **state) {
        (void) state;
        Parsed parsed;
        parse_good(&parsed, "[Container]\nName=web\n"
                            "[Container]\nName=db\nProfile=containers/db\nRoot=/srv/"
                            "db\nOnChange=none\nAutoStart=no\n");
        const ProfileConf *conf = parsed.conf;
        assert_int_equal(conf->n_containers, 2);
        assert_string_equal(conf->containers[0].name, "web");
        assert_null(conf->containers[0].root);
        assert_null(conf->containers[0].profile);
        assert_string_equal(conf->containers[1].profile, "containers/db");
        assert_int_equal(conf->containers[0].on_change, ON_CHANGE_DYNAMIC);
        assert_int_equal(conf->containers[0].auto_start, -1);
        assert_string_equal(conf->containers[1].name, "db");
        assert_string_equal(conf->containers[1].root, "/srv/db");
        assert_int_equal(conf->containers[1].on_change, ON_CHANGE_NONE);
        assert_int_equal(conf->containers[1].auto_start, 0);
        done(&parsed);
}

static void test_profile_conf__kernel(void **state) {
        (void) state;
        Parsed parsed;
        parse_good(&parsed, "[Kernel]\nModules=gone\nModules=\nModules=loop br-netfilter\n"
                            "Parameters=quiet  a=\"b c\"\tdebug\nRequire=A\n"
                            "[Kernel]\nModules=pci:v00008086d*\nConsoleLogLevel=7\n"
                            "ConsoleLogLevel=0\nVesa=yes\nRequire=\nRequire=B=y|m !C\n"
                            "RequireMissing=warn\n");
        const KernelRule *kernel = &parsed.conf->kernel;
        assert_int_equal(kernel->line, 1);
        assert_int_equal(kernel->n_modules, 3);
        assert_string_equal(kernel->modules[1].text, "br-netfilter");
        assert_int_equal(kernel->modules[2].line, 8);
        assert_int_equal(kernel->n_parameters, 3);
        assert_string_equal(kernel->parameters[1].text, "a=\"b c\"");
        assert_int_equal(kernel->console_log_level, 0);
        assert_int_equal(kernel->console_log_level_line, 10);
        assert_true(kernel->vesa && kernel->only_own_requirements && kernel->missing_is_warned);
        assert_int_equal(kernel->n_requirements, 2);
        assert_string_equal(kernel->requirements[0].text, "B=y|m");
        done(&parsed);
        parse_good(&parsed, "[Kernel]\nInitrdModules=gone\nInitrdModules=\nInitrdModules=dm-mod\n"
                            "InitrdModules=loop\nInitrdAvailableModules=ahci pci:v00008086d1\n");
        assert_int_equal(parsed.conf->kernel.n_initrd_modules, 2);
        assert_string_equal(parsed.conf->kernel.initrd_modules[1].text, "loop");
        assert_int_equal(parsed.conf->kernel.initrd_modules[1].line, 5);
        assert_int_equal(parsed.conf->kernel.n_initrd_available, 2);
        done(&parsed);
        parse_good(&parsed, "[Kernel]\nConsoleLogLevel=7\nConsoleLogLevel=\n");
        assert_int_equal(parsed.conf->kernel.console_log_level_line, 0);
        assert_false(parsed.conf->kernel.only_own_requirements);
        done(&parsed);
}

static const struct {
        const char *text, *want;
} refused_rows[] = {
        { "Enable=a.service\n", "1: An assignment before any section; put its [Section] above it" },
        { "[Unitz]\n", "1: Unknown section [Unitz]; there are [Profile], [Units], [File], "
                       "[Trigger], [Check], [Container] and [Kernel]" },
        { "[X-Mine]\n", "1: Unknown section [X-Mine]; there are [Profile], [Units], [File], "
                        "[Trigger], [Check], [Container] and [Kernel]" },
        { "[Kernel]\nInitrdModules=loop.ko\n",
                        "2: InitrdModules=loop.ko is a file; write the module's name, as loop" },
        { "[Kernel]\nInitrdAvailableModules=snd*\n",
                        "2: InitrdAvailableModules= has a pattern; write the names of modules, or "
                        "aliases as a device has them" },
        { "\n[Container]\nRoot=/srv/db\n",
                        "2: [Container] without Name=; name the container that it is about" },
        { "[Container]\nName=db\nProfile=db\n",
                        "3: Profile=db is no profile of containers; its name is containers/NAME" },
        { "[Container]\nName=db\nProfile=containers/a/b\n",
                        "3: Profile=containers/a/b is no machine's name; it has letters, digits, "
                        "'-' and '.' alone" },
        { "[Container]\nName=d_b\n", "2: Name=d_b is no machine's name; it has letters, digits, "
                                     "'-' and '.' alone" },
        { "[Container]\nName=-db\n",
                        "2: Name=-db is no machine's name; '-' and '.' stand between letters" },
        { "[Container]\nName=a.nspawn\n", "2: Name=a.nspawn ends in .nspawn, as the file of its "
                                          "settings does; name it otherwise" },
        { "[Container]\nName=\n", "2: Name= is no name; write one" },
        { "[Container]\nName=a\nName=b\n", "3: A second Name= in one [Container]; begin another "
                                           "[Container] for it" },
        { "[Container]\nName=a\n[Container]\nName=a\n",
                        "4: Container a is declared a second time, the first is in line 1; make "
                        "one section of them" },
        { "[Container]\nRoot=srv\n", "2: Root=srv is no absolute path; write one" },
        { "[Container]\nRoot=/srv/../etc\n",
                        "2: Root=/srv/../etc has '..' in it; write the path that is meant" },
        { "[Container]\nRoot=/home\n",
                        "2: Root=/home is a directory of the host itself, whose files would become "
                        "the container's; name one of its own" },
        { "[Container]\nRoot=/usr\n",
                        "2: Root=/usr is a directory of the host itself, whose files would become "
                        "the container's; name one of its own" },
        { "[Container]\nRoot=/var/lib/sysswitch/x\n",
                        "2: Root=/var/lib/sysswitch/x is a directory of the host itself, whose "
                        "files would become the container's; name one of its own" },
        { "[Container]\nRoot=/srv/a b\n",
                        "2: Root=/srv/a b has a character in it that means something to systemd; "
                        "name another directory" },
        { "[Container]\nOnChange=restart\n", "2: OnChange=restart is unknown; write dynamic, "
                                             "activate, reboot or none" },
        { "[Container]\nAutoStart=perhaps\n",
                        "2: AutoStart=perhaps is no boolean; write yes or no" },
        { "[Container]\nNames=a\n", "2: Unknown key Names= in [Container], which has Name=, "
                                    "Profile=, Root=, OnChange= and AutoStart=" },
        /* [Kernel] */
        { "[Kernel]\nModules=a/b\n",
                        "2: Modules=a/b is no module's name; write it as lsmod has it, "
                        "with spaces between modules" },
        { "[Kernel]\nModules=#a\n", "2: Modules=#a is no module's name; write it as lsmod has it, "
                                    "with spaces between modules" },
        { "[Kernel]\nModules=loop.ko\n",
                        "2: Modules=loop.ko is a file; write the module's name, as loop" },
        { "[Kernel]\nParameters=a \"b c\n", "2: Parameters= has a quote without an end" },
        { "[Kernel]\nParameters=quiet sysswitch.generation=3\n",
                        "2: Parameters=sysswitch.generation=3 is what a boot is told by sysswitch "
                        "itself; take it out" },
        { "[Kernel]\nConsoleLogLevel=9\n",
                        "2: ConsoleLogLevel=9 is none; write a digit from 0 to 8" },
        { "[Kernel]\nConsoleLogLevel=10\n",
                        "2: ConsoleLogLevel=10 is none; write a digit from 0 to 8" },
        { "[Kernel]\nVesa=often\n", "2: Vesa=often is no boolean; write yes or no" },
        { "[Kernel]\nRequire=veth\n", "2: Require=veth is no option of a kernel's configuration, "
                                      "whose names are in capitals" },
        { "[Kernel]\nRequireMissing=ask\n",
                        "2: RequireMissing=ask is unknown; write refuse or warn" },
        { "[Kernel]\nFirmware=/lib/fw\n",
                        "2: Firmware=/lib/fw is absolute; write a directory of the source" },
        { "[Kernel]\nExtraModules=../kmods\n",
                        "2: ExtraModules=../kmods has '..' in it; write the path that is meant" },
        { "[Kernel]\nExtraModules=etc/kmods\n",
                        "2: ExtraModules=etc/kmods is for other things in a source; name a "
                        "directory beside etc/ and units/" },
        { "[Kernel]\nVersion=../6.1\n",
                        "2: Version=../6.1 is no kernel's; write it as uname -r has it" },
        { "[Profile]\nBase=/x\n",
                        "2: Base=/x is absolute; write it from here, as ../../roles/common" },
        { "[Layer]\n", "1: [Layer] without Name=; write the directory that what follows is of" },
        { "[Profile]\nBas=../x\n", "2: Unknown key Bas= in [Profile], which has Description=, "
                                   "Base= and Without=" },
        { "[Units]\nenable=a.service\n", "2: Unknown key enable= in [Units], which has Enable=, "
                                         "Disable= and Mask=" },
        { "[File]\nPath=a\nModes=0600\n", "3: Unknown key Modes= in [File], which has Path=, "
                                          "Mode=, Owner= and Secret=" },
        { "[Trigger]\nFlies=/etc/a\n",
                        "2: Unknown key Flies= in [Trigger], which has Unit=, Files= and Action=" },
        /* names of units */
        { "[Units]\nEnable=ssh\n",
                        "2: Enable=ssh is no unit name; write it with its type, as ssh.service" },
        { "[Units]\nEnable=a.service, b.service\n", "2: Enable=a.service, is no unit name; write "
                                                    "spaces between units, no commas" },
        { "[Units]\nDisable=a/b.service\n",
                        "2: Disable=a/b.service is no unit name; write one that systemd knows" },
        { "[Units]\nMask=*.service\n",
                        "2: Mask=*.service is no unit name; write one that systemd knows" },
        { "[Units]\nEnable=\"a.service\n", "2: Enable= has a quote without an end" },
        { "[Trigger]\nUnit=a b\n",
                        "2: Unit=a is no unit name; write it with its type, as a.service" },
        /* contradictions */
        { "[Units]\nEnable=a.service\nDisable=b.service a.service\n",
                        "3: Disable=a.service, but line 2 has Enable=a.service; take one out" },
        { "[Units]\nMask=a.service\nEnable=a.service\n",
                        "2: Mask=a.service, but line 3 has Enable=a.service; take one out" },
        /* [File] */
        { "[File]\nMode=0600\n", "1: [File] without Path=; name a path or glob below etc/" },
        { "[File]\nPath=\n", "2: Path= is empty; name a path below etc/" },
        { "[File]\nPath=a\nPath=b\n",
                        "3: A second Path= in one [File]; begin another [File] for it" },
        { "[File]\nPath=/etc/a\n", "2: Path=/etc/a begins with '/'; write it relative to etc/, "
                                   "without '/etc/'" },
        { "[File]\nPath=/root\n", "2: Path=/root begins with '/'; write it relative to etc/" },
        { "[File]\nPath=../../root/.ssh/id_rsa\n", "2: Path=../../root/.ssh/id_rsa has '..' in it; "
                                                   "write the path that is meant" },
        { "[File]\nPath=a/..\n", "2: Path=a/.. has '..' in it; write the path that is meant" },
        { "[File]\nPath=./a\n", "2: Path=./a has '.' in it; leave it out" },
        { "[File]\nPath=a//b\n", "2: Path=a//b has an empty part ('//')" },
        { "[File]\nPath=a/\n", "2: Path=a/ ends in '/'; for all below write '/**'" },
        { "[File]\nPath=a\nMode=rw\n", "3: Mode=rw is no mode; write octal digits, as 0640" },
        { "[File]\nPath=a\nMode=0\n", "3: Mode=0 is no mode; write octal digits, as 0640" },
        { "[File]\nPath=a\nMode=0680\n", "3: Mode=0680 is no mode; write octal digits, as 0640" },
        { "[File]\nPath=a\nMode=000644\n",
                        "3: Mode=000644 is no mode; write octal digits, as 0640" },
        { "[File]\nPath=a\nMode=10000\n", "3: Mode=10000 is too large; 7777 is the largest" },
        { "[File]\nPath=a\nOwner=a b\n", "3: Owner=a b is no owner; write USER, USER:GROUP or "
                                         ":GROUP, by name or number" },
        { "[File]\nPath=a\nOwner=root:\n", "3: Owner=root: is no owner; write USER, USER:GROUP or "
                                           ":GROUP, by name or number" },
        { "[File]\nPath=a\nOwner=:\n", "3: Owner=: is no owner; write USER, USER:GROUP or :GROUP, "
                                       "by name or number" },
        { "[File]\nPath=a\nOwner=a:b:c\n", "3: Owner=a:b:c is no owner; write USER, USER:GROUP or "
                                           ":GROUP, by name or number" },
        { "[File]\nPath=a\nOwner=007\n", "3: Owner=007 is no owner; write USER, USER:GROUP or "
                                         ":GROUP, by name or number" },
        { "[File]\nPath=a\nOwner=4294967295\n", "3: Owner=4294967295 is no owner; write USER, "
                                                "USER:GROUP or :GROUP, by name or number" },
        { "[File]\nPath=a\nOwner=-x\n", "3: Owner=-x is no owner; write USER, USER:GROUP or "
                                        ":GROUP, by name or number" },
        { "[File]\nPath=a\nSecret=perhaps\n", "3: Secret=perhaps is no boolean; write yes or no" },
        /* [Check] */
        { "[Check]\n", "1: [Check] without Command=; name what must succeed" },
        { "[Check]\nCommand=a\nCommand=\n", "1: [Check] without Command=; name what must succeed" },
        { "[Check]\nCommand=a 'b\n", "2: Command= has a quote without an end" },
        { "[Check]\nCommand=hooks/a b\n", "2: Command=hooks/a b is no program; write an absolute "
                                          "path, or the name of one that the system has" },
        { "[Check]\nCommand='' b\n", "2: Command='' b is no program; write an absolute path, or "
                                     "the name of one that the system has" },
        { "[Check]\nCommand=a\nFiles=nginx/**\n", "3: Files=nginx/** is not below /etc; write an "
                                                  "absolute path or glob there" },
        { "[Check]\nTimeout=soon\n", "2: Timeout=soon is no time span; write one as 30s or 2min" },
        { "[Check]\nTimeout=0\n", "2: Timeout=0 is no time span; write one as 30s or 2min" },
        { "[Check]\nCommand=a\nUnit=b.service\n", "3: Unknown key Unit= in [Check], which has "
                                                  "Files=, Command= and Timeout=" },
        /* [Trigger] */
        { "[Trigger]\nFiles=/etc/a\n",
                        "1: [Trigger] without Unit=; name the unit to restart or reload" },
        { "[Trigger]\nUnit=a.service\n",
                        "1: [Trigger] without Files=; name paths or globs below /etc" },
        { "[Trigger]\nUnit=a.service\nFiles=/etc/a\nFiles=\n",
                        "1: [Trigger] without Files=; name paths or globs below /etc" },
        { "[Trigger]\nFiles=/var/a\n",
                        "2: Files=/var/a is not below /etc; write an absolute path or glob there" },
        { "[Trigger]\nFiles=nginx/**\n", "2: Files=nginx/** is not below /etc; write an absolute "
                                         "path or glob there" },
        { "[Trigger]\nFiles=/etc/../var/a\n",
                        "2: Files=/etc/../var/a has '..' in it; write the path that is meant" },
        { "[Trigger]\nFiles=/etc/nginx/\n",
                        "2: Files=/etc/nginx/ ends in '/'; for all below write '/**'" },
        { "[Trigger]\nUnit=a.service\nFiles=/etc/a\nAction=stop\n",
                        "4: Action=stop is unknown; write restart or reload" },
};

static void test_profile_conf__refuses(void **state) {
        (void) state;
        for (size_t i = 0; i < N_ELEMENTS(refused_rows); i++) {
                Parsed parsed;
                int r = parse(&parsed, refused_rows[i].text);
                char want[sizeof(parsed.error.message)];
                (void) snprintf(want, sizeof(want), "profile.conf:%s", refused_rows[i].want);
                if (r != -EBADMSG || strcmp(parsed.error.message, want) != 0)
                        fail_msg("%s: %d %s\nnot %s", refused_rows[i].text, r, parsed.error.message,
                                        want);
                done(&parsed);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_profile_conf__empty),
                cmocka_unit_test(test_profile_conf__units),
                cmocka_unit_test(test_profile_conf__files),
                cmocka_unit_test(test_profile_conf__triggers),
                cmocka_unit_test(test_profile_conf__checks),
                cmocka_unit_test(test_profile_conf__containers),
                cmocka_unit_test(test_profile_conf__kernel),
                cmocka_unit_test(test_profile_conf__refuses),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
