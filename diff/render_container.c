/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* containers/ of a source. What runs inside is a source of its own, rendered by itself; its entries
 * lie below NAME/ of ROOT_CONTAINERS. What runs the container is rendered into /etc: its unit, its
 * enablement, and the settings that nspawn reads. */

#include "base/hash.h"
#include "base/path.h"
#include "diff/container.h"
#include "diff/nspawn.h"
#include "diff/nspawn_keys.h"
#include "diff/rendering.h"

#include <errno.h>
#include <string.h>

#define DIRECTORY "containers/"
#define SUFFIX ".nspawn"

typedef struct Declared {
        const char *name;
        const SourceEntry *settings;
        const ContainerRule *rule; /* NULL: nothing but the settings says anything of it */
        const UnitFile *file;
        const char *whole_root, *root; /* that Root= names, and what of it is the root inside */
        Tree *inside;
} Declared;

/* "containers/web.nspawn" declares web. */
static int
name_of(Rendering *rendering, const SourceEntry *entry, const char **ret_name, Error *reterr) {
        const char *below = entry->path + strlen(DIRECTORY);
        size_t length = strlen(below), n_suffix = strlen(SUFFIX);
        bool is_settings = length >= n_suffix && strcmp(below + length - n_suffix, SUFFIX) == 0;
        if (!is_settings || entry->kind != SOURCE_FILE)
                return rendering_refuse(rendering, source_entry_file(entry), 0, reterr,
                                "containers/ holds NAME.nspawn files, and for each a directory "
                                "NAME; move it out");
        *ret_name = arena_strndup(&rendering->scratch, below, length - n_suffix);
        if (!*ret_name)
                return error_oom(reterr);
        const char *fault = container_name_fault(*ret_name);
        return fault ? rendering_refuse(rendering, source_entry_file(entry), 0, reterr, "%s %s",
                                       *ret_name, fault)
                     : 0;
}

/* Each directory has its .nspawn file beside it. */
static int check_directory(Rendering *rendering, const SourceEntry *entry, Error *reterr) {
        const char *below = entry->path + strlen(DIRECTORY);
        size_t length = strcspn(below, "/");
        const char *directory =
                        arena_printf(&rendering->scratch, DIRECTORY "%.*s", (int) length, below);
        const char *settings = directory ? arena_printf(&rendering->scratch, "%s" SUFFIX, directory)
                                         : NULL;
        if (!settings)
                return error_oom(reterr);
        if (source_find(rendering->source, settings) ||
                        (below[length] && source_find(rendering->source, directory)))
                return 0; /* or told of the directory */
        return rendering_refuse(rendering, source_entry_file(entry), 0, reterr,
                        "There is no %s beside it, which declares the container; add one, it may "
                        "be empty",
                        settings);
}

static int check_rule(Rendering *rendering, const ContainerRule *rule, Error *reterr) {
        const char *directory = arena_printf(&rendering->scratch, DIRECTORY "%s", rule->name);
        const char *settings = directory ? arena_printf(&rendering->scratch, "%s" SUFFIX, directory)
                                         : NULL;
        if (!settings)
                return error_oom(reterr);
        if (!source_find(rendering->source, settings))
                return rendering_refuse(rendering, "profile.conf", rule->line, reterr,
                                "[Container] Name=%s, but there is no %s; add one, it may be empty",
                                rule->name, settings);
        if (rule->profile && source_has_below(rendering->source, directory))
                return rendering_refuse(rendering, "profile.conf", rule->line, reterr,
                                "[Container] Name=%s has Profile=, and there is %s/ besides; take "
                                "one of the two out",
                                rule->name, directory);
        return 0;
}

static int check_rules(Rendering *rendering, Error *reterr) {
        int r = 0;
        for (size_t i = 0; r == 0 && i < rendering->conf->n_containers; i++)
                r = rendering_go_on(rendering,
                                check_rule(rendering, &rendering->conf->containers[i], reterr),
                                reterr);
        return r;
}

static int add_to_source(
                Rendering *rendering, const Declared *container, Source *inside, Error *reterr) {
        Arena *scratch = &rendering->scratch;
        const char *directory = arena_printf(scratch, DIRECTORY "%s", container->name);
        const char *prefix = arena_printf(scratch, DIRECTORY "%s/", container->name);
        if (!directory || !prefix)
                return error_oom(reterr);
        size_t length = strlen(prefix);
        for (size_t i = 0; i < rendering->source->n_entries; i++) {
                SourceEntry entry = rendering->source->entries[i];
                if (strncmp(entry.path, prefix, length) != 0)
                        continue;
                entry.path += length;
                cleanup_free char *written =
                                entry.written ? path_from(directory, entry.written) : NULL;
                if (entry.written && !(entry.written = written))
                        return error_oom(reterr);
                if (source_add(inside, &entry) < 0)
                        return error_oom(reterr);
        }
        inside->layers = rendering->source->layers; /* for whether there are any */
        inside->n_layers = rendering->source->n_layers;
        source_sort(inside);
        return 0;
}

/* What PivotRoot= makes of the whole root, below that. */
static const char *root_below(const Declared *container) {
        return container->root + strlen(container->whole_root);
}

static bool has_own_usr(const Rendering *rendering, const Declared *container) {
        const Distribution *distribution = rendering->distribution;
        return distribution && distribution->has_own_usr &&
               distribution->has_own_usr(distribution->userdata, container->whole_root,
                               root_below(container));
}

static int render_declared(Rendering *rendering, Declared *container, Error *reterr) {
        const char *name = arena_printf(&rendering->scratch, "%s/" DIRECTORY "%s",
                        rendering->source->name, container->name);
        cleanup(source_freep) Source *source = name ? source_new(name) : NULL;
        if (!source)
                return error_oom(reterr);
        source->n_name_root = rendering->source->n_name_root;
        source->faults = rendering->source->faults;
        const Distribution *units = rendering->distribution;
        int r = has_own_usr(rendering, container)
                                ? units->of_root(units->userdata, container->whole_root,
                                                  root_below(container), &units, reterr)
                                : 0;
        if (r >= 0)
                r = add_to_source(rendering, container, source, reterr);
        if (r >= 0)
                r = render_inside(source, rendering->contents, units, &container->inside, reterr);
        for (size_t i = 0; r >= 0 && i < container->inside->warnings.n_items; i++)
                if (strv_add(&rendering->tree->warnings, container->inside->warnings.items[i]) < 0)
                        return error_oom(reterr);
        return r;
}

/* A layer's is "../../../../roles/web/etc/motd", as seen from within. */
static char *origin_of_inside(const Declared *container, const Entry *entry) {
        cleanup_free char *path = NULL;
        if (asprintf(&path, DIRECTORY "%s/%s", container->name, entry->origin) < 0)
                return NULL;
        return path_normalize(path);
}

static int place_inside(Rendering *rendering, const Declared *container, Error *reterr) {
        Arena *arena = &rendering->tree->arena;
        for (size_t i = 0; i < container->inside->n_entries; i++) {
                Entry entry = container->inside->entries[i];
                const char *root = entry.root == ROOT_ETC ? "/etc/" : "/";
                const char *path = JOIN(arena, container->name, root, entry.path);
                cleanup_free char *whole = origin_of_inside(container, &entry);
                const char *origin = whole ? arena_strdup(arena, whole) : NULL;
                entry.owner = arena_strdup(arena, entry.owner);
                entry.group = arena_strdup(arena, entry.group);
                if (entry.target && !(entry.target = arena_strdup(arena, entry.target)))
                        return error_oom(reterr);
                if (!path || !origin || !entry.owner || !entry.group)
                        return error_oom(reterr);
                entry.root = ROOT_CONTAINERS;
                entry.path = path;
                entry.origin = origin;
                int r = rendering_place(rendering, &entry, NULL, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A file that is made: text NULL is memory that ran out. */
static int place_text(Rendering *rendering,
                const Declared *container,
                const char *path,
                const char *text,
                Entry **ret_entry,
                Error *reterr) {
        Arena *arena = &rendering->tree->arena;
        Entry entry = { .root = ROOT_ETC,
                .kind = ENTRY_FILE,
                .path = path ? arena_strdup(arena, path) : NULL,
                .mode = 0644,
                .owner = "root",
                .group = "root",
                .origin = arena_strdup(arena, source_entry_file(container->settings)) };
        if (!text || !entry.path || !entry.origin)
                return error_oom(reterr);
        int r = contents_add(rendering->contents, text, strlen(text), &entry.content, reterr);
        return r < 0 ? r : rendering_place(rendering, &entry, ret_entry, reterr);
}

static bool can_map(const Rendering *rendering, const char *path, const char *below) {
        const Distribution *distribution = rendering->distribution;
        return !distribution || !distribution->can_map_owners ||
               distribution->can_map_owners(distribution->userdata, path, below);
}

static bool is_hosts(const Rendering *rendering, const Declared *container) {
        const Distribution *distribution = rendering->distribution;
        return !distribution || !distribution->is_hosts ||
               distribution->is_hosts(distribution->userdata, container->whole_root,
                               root_below(container));
}

static int find_root(Rendering *rendering, Declared *container, Error *reterr) {
        Arena *arena = &rendering->tree->arena;
        NspawnPivot pivot = nspawn_pivot(container->file);
        container->whole_root = container_root(arena, container->name, container->rule);
        if (!container->whole_root)
                return error_oom(reterr);
        container->root =
                        pivot.n_directory == 0
                                        ? container->whole_root
                                        : arena_printf(arena, "%s%.*s", container->whole_root,
                                                          (int) pivot.n_directory, pivot.directory);
        return container->root ? 0 : error_oom(reterr);
}

static int place_settings(Rendering *rendering, const Declared *container, Error *reterr) {
        Arena *arena = &rendering->tree->arena;
        const Entry written = { .root = ROOT_CONTAINERS,
                .kind = ENTRY_FILE,
                .path = JOIN(arena, container->name, SUFFIX),
                .mode = 0644,
                .owner = "root",
                .group = "root",
                .content = container->settings->content,
                .origin = arena_strdup(arena, source_entry_file(container->settings)) };
        if (!written.path || !written.origin)
                return error_oom(reterr);
        int r = rendering_place(rendering, &written, NULL, reterr);
        if (r < 0)
                return r;
        const NspawnHost host = { .whole_root = container->whole_root,
                .root = container->root,
                .maps_usr = can_map(rendering, "/usr", ""),
                .maps_bundles = can_map(rendering, NSPAWN_BUNDLES, ""),
                .maps_root = can_map(rendering, container->whole_root, root_below(container)),
                .root_has_usr = has_own_usr(rendering, container),
                .root_is_hosts = is_hosts(rendering, container) };
        return place_text(rendering, container,
                        arena_printf(&rendering->scratch, "systemd/nspawn/%s" SUFFIX,
                                        container->name),
                        nspawn_merge(&rendering->scratch, container->file, container->name, host),
                        NULL, reterr);
}

static const char *flags_of(const ContainerRule *rule) {
        switch (rule ? rule->on_change : ON_CHANGE_DYNAMIC) {
        case ON_CHANGE_DYNAMIC:
        case ON_CHANGE_REBOOT: /* what changes inside is a reason for a restart then */
                break;
        case ON_CHANGE_ACTIVATE:
                return "X-RestartIfChanged=no\n";
        case ON_CHANGE_NONE:
                return "X-SwitchMethod=keep-old\n";
        }
        return "";
}

/* What the tree says of files that nspawn writes is known when it starts: it may be of another
 * profile. nspawn ends with 133 when the container rebooted itself. What reloading it is, is
 * activating the tree that it shall have. The programs are looked for by systemd, which has a fixed
 * path. The template is named in what comes of it, see is_rewritten(). */
#define UNIT_TEMPLATE                                                                              \
        "[Unit]\n"                                                                                 \
        "Description=Container %1$s\n"                                                             \
        "Documentation=man:sysswitch(8)\n"                                                         \
        "After=network.target sysswitch-boot.service\n"                                            \
        "RequiresMountsFor=%2$s " NSPAWN_BUNDLES "/%1$s\n"                                         \
        "StartLimitIntervalSec=0\n"                                                                \
        "X-StopIfChanged=no\n" CONTAINER_TEMPLATE_KEY "=%10$.16s\n"                                \
        "%3$s"                                                                                     \
        "\n"                                                                                       \
        "[Service]\n"                                                                              \
        "Type=notify\n"                                                                            \
        "ExecStartPre=sysswitch container prepare %1$s %7$s%8$s%9$s\n"                             \
        "EnvironmentFile=-" NSPAWN_BUNDLES "/%1$s/" NSPAWN_OPTIONS_FILE "\n"                       \
        "ExecStart=systemd-nspawn --quiet --keep-unit --settings=override "                        \
        "--machine=%1$s --directory=%2$s $" NSPAWN_OPTIONS "\n"                                    \
        "ExecReload=sysswitch container apply %1$s\n"                                              \
        "KillMode=mixed\n"                                                                         \
        "RestartForceExitStatus=133\n"                                                             \
        "SuccessExitStatus=133\n"                                                                  \
        "RestartSec=0\n"                                                                           \
        "TimeoutStartSec=%6$ds\n"                                                                  \
        "TimeoutStopSec=90s\n"                                                                     \
        "Slice=machine.slice\n"                                                                    \
        "Delegate=yes\n"                                                                           \
        "TasksMax=16384\n"                                                                         \
        "SyslogIdentifier=container-%1$s\n"                                                        \
        "DevicePolicy=closed\n"                                                                    \
        "DeviceAllow=/dev/net/tun rwm\n"                                                           \
        "DeviceAllow=char-pts rw\n"                                                                \
        "DeviceAllow=/dev/loop-control rw\n"                                                       \
        "DeviceAllow=block-loop rw\n"                                                              \
        "DeviceAllow=block-blkext rw\n"                                                            \
        "DeviceAllow=/dev/mapper/control rw\n"                                                     \
        "DeviceAllow=block-device-mapper rw\n"                                                     \
        "%4$s%5$s"

static const char *unit_text(Arena *arena, const Declared *container) {
        const ContainerRule *rule = container->rule;
        const char *limits = nspawn_unit_lines(arena, container->file);
        bool starts = !rule || rule->auto_start != 0;
        const char *below = container->root + strlen(container->whole_root);
        Digest template;
        char hex[DIGEST_HEX_SIZE];
        if (!limits || digest_of(UNIT_TEMPLATE, strlen(UNIT_TEMPLATE), &template) < 0)
                return NULL;
        return arena_printf(arena, UNIT_TEMPLATE, container->name, container->root, flags_of(rule),
                        limits, starts ? "\n[Install]\nWantedBy=multi-user.target\n" : "",
                        CONTAINER_START_SEC, container->whole_root, *below ? " " : "", below,
                        digest_to_hex(&template, hex));
}

static int place_unit(Rendering *rendering, const Declared *container, Error *reterr) {
        const char *directory = unit_scope_directory(SCOPE_SYSTEM);
        const char *path = arena_printf(
                        &rendering->scratch, "%scontainer-%s.service", directory, container->name);
        Entry *entry = NULL;
        int r = place_text(rendering, container, path, unit_text(&rendering->scratch, container),
                        &entry, reterr);
        return r < 0 ? r
                     : rendering_check_unit_path(rendering, SCOPE_SYSTEM,
                                       entry->path + strlen(directory), entry, reterr);
}

static int warn(Rendering *rendering, const char *name, unsigned line, const char *what) {
        const char *text = arena_printf(&rendering->scratch, "%s:%u: %s", name, line, what);
        return text ? strv_add(&rendering->tree->warnings, text) : -ENOMEM;
}

static const char *describe_unknown(Arena *arena, const NspawnUnknown *unknown) {
        static const char passed[] = "systemd-nspawn passes over it";
        const UnitLine *line = unknown->line;
        if (unknown->section)
                return arena_printf(arena, "%s= is a setting of [%s], and none of [%s]: %s",
                                line->key, unknown->section, line->section, passed);
        return arena_printf(arena, "%s= is no setting of [%s]: %s%s%s%s", line->key, line->section,
                        passed, unknown->nearest ? " (did you mean " : "",
                        unknown->nearest ? unknown->nearest : "", unknown->nearest ? "=?)" : "");
}

static int warn_of_sections(Rendering *rendering, const UnitFile *file, const char *name) {
        size_t position = 0, nth;
        int r = 0;
        for (const char *nearest;
                        r >= 0 && nspawn_unknown_section_next(file, &position, &nth, &nearest);) {
                const char *what = arena_printf(&rendering->scratch,
                                "[%s] is no section of settings: systemd-nspawn passes over what "
                                "is in it%s%s%s",
                                file->sections[nth].name, nearest ? " (did you mean [" : "",
                                nearest ? nearest : "", nearest ? "]?)" : "");
                r = what ? warn(rendering, name, file->sections[nth].line, what) : -ENOMEM;
        }
        return r;
}

static int warn_of_users(Rendering *rendering, const Declared *container, const char *name) {
        static const char *const dangers[] = {
                [NSPAWN_USERS_SAME] = "root inside has the number of the host's root, and can "
                                      "change the host's kernel settings and its own limits",
                [NSPAWN_USERS_SHARED] =
                                "root inside is root of the host, who can make its read-only "
                                "mounts writable, change the host's kernel settings, and "
                                "read what sysswitch reads",
        };
        const UnitLine *line = NULL;
        NspawnUsers users = nspawn_users(container->file, is_hosts(rendering, container), &line);
        if (users == NSPAWN_USERS_OWN)
                return 0;
        const char *what = arena_printf(
                        &rendering->scratch, "PrivateUsers=%s: %s", line->value, dangers[users]);
        return what ? warn(rendering, name, line->line, what) : -ENOMEM;
}

static int warn_of_settings(
                Rendering *rendering, const Declared *container, const char *name, Error *reterr) {
        size_t position = 0;
        int r = warn_of_users(rendering, container, name);
        if (r >= 0)
                r = warn_of_sections(rendering, container->file, name);
        for (NspawnUnknown unknown;
                        r >= 0 && nspawn_unknown_next(container->file, &position, &unknown);) {
                const char *what = describe_unknown(&rendering->scratch, &unknown);
                r = what ? warn(rendering, name, unknown.line->line, what) : -ENOMEM;
        }
        return r < 0 ? error_oom(reterr) : 0;
}

/* name: of the file, for people. */
static int read_settings(
                Rendering *rendering, Declared *container, const char *name, Error *reterr) {
        int r = rendering_parse(rendering, container->settings->content,
                        source_entry_file(container->settings), &container->file, reterr);
        for (size_t i = 0; r >= 0 && i < container->file->n_lines; i++)
                r = rendering_go_on(rendering,
                                nspawn_check_line(&container->file->lines[i], name, reterr),
                                reterr);
        return r;
}

static int add_container(Rendering *rendering, const SourceEntry *settings, Error *reterr) {
        Declared container = { .settings = settings };
        int r = name_of(rendering, settings, &container.name, reterr);
        if (r < 0)
                return r;
        container.rule = container_rule(rendering->conf, container.name);
        char name[SOURCE_MAX_PATH_BYTES * 2];
        source_file_name(rendering->source, source_entry_file(settings), name, sizeof(name));
        r = read_settings(rendering, &container, name, reterr);
        if (r >= 0)
                r = find_root(rendering, &container, reterr);
        if (r >= 0)
                r = render_declared(rendering, &container, reterr);
        if (r >= 0)
                r = place_inside(rendering, &container, reterr);
        if (r >= 0)
                r = rendering_go_on(
                                rendering, place_settings(rendering, &container, reterr), reterr);
        if (r >= 0)
                r = place_unit(rendering, &container, reterr);
        if (r >= 0)
                r = warn_of_settings(rendering, &container, name, reterr);
        container.inside = tree_free(container.inside);
        return r;
}

int rendering_add_containers(Rendering *rendering, Error *reterr) {
        size_t length = strlen(DIRECTORY);
        for (size_t i = 0; i < rendering->source->n_entries; i++) {
                const SourceEntry *entry = &rendering->source->entries[i];
                if (strncmp(entry->path, DIRECTORY, length) != 0 || !entry->path[length])
                        continue;
                bool is_at_top = !strchr(entry->path + length, '/');
                int r = is_at_top && entry->kind != SOURCE_DIRECTORY
                                        ? add_container(rendering, entry, reterr)
                                        : check_directory(rendering, entry, reterr);
                if (rendering_go_on(rendering, r, reterr) < 0)
                        return r;
        }
        return check_rules(rendering, reterr);
}
