/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A plan made by hand that has one of everything, for the tests of what plans look like. */

#include "diff/fit_plan.h"
#include "diff/plan.h"

static Content sample_old_content = { .digest.bytes = { 0x01 }, .size_bytes = 4, .data = "old\n" };
static Content sample_new_content = { .digest.bytes = { 0x02 }, .size_bytes = 4, .data = "new\n" };

#define SAMPLE_FILE(name, text, is_secret)                                                         \
        {                                                                                          \
                .root = ROOT_ETC, .kind = ENTRY_FILE, .path = (name), .mode = 0644,                \
                .owner = "root", .group = "root", .content = (text), .secret = (is_secret)         \
        }

static const Entry sample_entries[] = {
        SAMPLE_FILE("nginx/nginx.conf", &sample_old_content, false),
        SAMPLE_FILE("nginx/nginx.conf", &sample_new_content, false),
        SAMPLE_FILE("ssl/key.pem", &sample_old_content, false),
        SAMPLE_FILE("ssl/key.pem", &sample_new_content, true),
        SAMPLE_FILE("odd\nname", &sample_new_content, false),
        { .root = ROOT_HOOKS,
                        .kind = ENTRY_FILE,
                        .path = "10-old",
                        .mode = 0755,
                        .owner = "root",
                        .group = "root",
                        .content = &sample_old_content },
        { .root = ROOT_ETC,
                        .kind = ENTRY_LINK,
                        .path = "localtime",
                        .owner = "root",
                        .group = "root",
                        .target = "/usr/share/zoneinfo/UTC" },
        { .root = ROOT_ETC,
                        .kind = ENTRY_ABSENT,
                        .path = "localtime",
                        .owner = "root",
                        .group = "root" },
        { .root = ROOT_ETC,
                        .kind = ENTRY_DIRECTORY,
                        .path = "new",
                        .mode = 0755,
                        .owner = "root",
                        .group = "root",
                        .implied = true },
};

static TreeChange sample_files[] = {
        { &sample_entries[6], &sample_entries[7] }, /* removed by absent */
        { NULL, &sample_entries[8] }, /* only there for what is below it: no change to show */
        { &sample_entries[0], &sample_entries[1] },
        { NULL, &sample_entries[4] },
        { &sample_entries[2], &sample_entries[3] }, /* becomes a secret */
        { &sample_entries[5], NULL },
};

static const char *const sample_conf_changed[] = { "/etc/nginx/nginx.conf changed",
        "[Trigger] profile.conf:9" };
static const char *const sample_text_changed[] = { "its text changed" };
static const char *const sample_protected[] = { "its text changed", "dbus.service is protected" };

static UnitAction sample_actions[] = {
        { .unit = "old.service",
                        .verb = VERB_STOP,
                        .phase = PHASE_STOP,
                        .reasons = sample_text_changed,
                        .n_reasons = 1 },
        { .unit = "nginx.service",
                        .verb = VERB_RELOAD,
                        .phase = PHASE_RELOAD,
                        .reasons = sample_conf_changed,
                        .n_reasons = 2 },
        { .unit = "old.service",
                        .verb = VERB_START,
                        .phase = PHASE_START,
                        .reasons = sample_text_changed,
                        .n_reasons = 1 },
        { .unit = "dbus.service",
                        .verb = VERB_SKIP,
                        .reasons = sample_protected,
                        .n_reasons = 2,
                        .debt = true },
};

static UnitAction sample_user_actions[] = {
        { .unit = "agent.service",
                        .verb = VERB_RESTART,
                        .phase = PHASE_RESTART,
                        .reasons = sample_text_changed,
                        .n_reasons = 1 },
};

static UnitDrag sample_dragged[] = {
        { .unit = "worker.service", .by = "old.service", .via = "Requires", .verb = VERB_STOP },
};
static UnitDrag sample_triggered[] = {
        { .unit = "watch.service", .by = "watch.path", .via = "PathChanged", .verb = VERB_START },
};
static const char *const sample_daemon_reasons[] = { "old.service changed",
        "dbus.service changed" };
static const char *const sample_notes[] = { "The daemon-reload itself stops x.service" };
static const char *const sample_hooks[] = { "10-first", "20-second" };
static const char *const sample_reboot[] = { "the kernel's command line changed" };

static const char *const sample_initrd_reasons[] = { "dm_mod comes", "it loads dm_mod" };
static PlanInitrd sample_initrds[] = {
        { .kernel = "6.1.0-50-amd64", .reasons = sample_initrd_reasons, .n_reasons = 2 },
};

static UserPlan sample_users[] = {
        { .uid = 1000, .units = { .actions = sample_user_actions, .n_actions = 1 } },
};

static const Plan sample_plan = {
        .units = {
                .actions = sample_actions, .n_actions = N_ELEMENTS(sample_actions),
                .dragged = sample_dragged, .n_dragged = 1,
                .triggered = sample_triggered, .n_triggered = 1,
                .daemon = DAEMON_RELOAD,
                .daemon_reasons = sample_daemon_reasons, .n_daemon_reasons = 2,
                .notes = sample_notes, .n_notes = 1,
        },
        .users = sample_users, .n_users = 1,
        .run_sysusers = true, .run_tmpfiles = true,
        .hooks = sample_hooks, .n_hooks = 2,
        .initrds = sample_initrds, .n_initrds = 1,
        .reboot_needed = sample_reboot, .n_reboot_needed = 1,
        .files = sample_files, .n_files = N_ELEMENTS(sample_files),
};

static FitOperation sample_operations[] = {
        { .verb = FIT_EXCHANGE, .root = ROOT_ETC, .path = "nginx/nginx.conf", .keep_saved = true },
        { .verb = FIT_REMOVE, .root = ROOT_ETC, .path = "localtime", .keep_displaced = true },
        { .verb = FIT_PLACE, .root = ROOT_ETC, .path = "odd\nname" },
        { .verb = FIT_RECORD, .root = ROOT_ETC, .path = "nginx", .keep_displaced = true },
};
static FitConflict sample_conflicts[] = {
        { .kind = CONFLICT_EDITED,
                        .root = ROOT_ETC,
                        .path = "ssl/key.pem",
                        .what = "was edited by hand" },
        { .kind = CONFLICT_IN_THE_WAY,
                        .root = ROOT_ETC,
                        .path = "dir",
                        .what = "is a directory that is not empty" },
};
static const FitPlan sample_fit = { .operations = sample_operations,
        .n_operations = 4,
        .conflicts = sample_conflicts,
        .n_conflicts = 2 };
