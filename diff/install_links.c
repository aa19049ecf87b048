/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/install_links.h"

#include "diff/unit_name.h"

#include <errno.h>
#include <string.h>

enum {
        LINK_PATH_SIZE = 1024
}; /* a directory and two names of units, of 255 bytes at most, take 600 */

static int read_file(Rendering *rendering,
                Content *content,
                const char *origin,
                Install *install,
                Error *reterr) {
        const UnitFile *file = NULL;
        int r = unit_file_of(rendering->contents, content, origin, &file, reterr);
        if (r < 0)
                return r;
        const UnitLine *bad = NULL;
        r = install_read(install, &rendering->scratch, file, origin, &bad);
        if (r == -EBADMSG)
                return rendering_refuse(rendering, origin, bad->line, reterr,
                                "%s= has a quote without an end", bad->key);
        return r < 0 ? error_oom(reterr) : 0;
}

/* A drop-in of the unit, or of its template unless one of the same name is nearer. Returns 1, 0, or
 * -ENOMEM. */
static int applies(Rendering *rendering,
                const InstallDropIn *drop_in,
                const UnitPlace *place,
                const char *template_name) {
        if (drop_in->scope != place->scope)
                return 0;
        if (strcmp(drop_in->unit, place->name) == 0)
                return 1;
        if (!template_name || strcmp(drop_in->unit, template_name) != 0)
                return 0;
        const char *path = JOIN(&rendering->scratch, unit_scope_directory(place->scope),
                        place->name, ".d/", drop_in->file_name);
        if (!path)
                return -ENOMEM;
        return !rendering_at(rendering, path);
}

int install_links_read(
                Rendering *rendering, const UnitPlace *place, Install *install, Error *reterr) {
        install->n_items = 0;
        install->default_instance = NULL;
        if (place->content) {
                int r = read_file(rendering, place->content, place->origin, install, reterr);
                if (r < 0)
                        return r;
        }
        if (!rendering->install_drop_ins)
                return 0;
        const char *template_name = unit_name_template_of(&rendering->scratch, place->name);
        for (const InstallDropIn *drop_in = rendering->install_drop_ins; drop_in;
                        drop_in = drop_in->next) {
                int r = applies(rendering, drop_in, place, template_name);
                if (r == 0)
                        continue;
                if (r < 0)
                        return error_oom(reterr);
                r = read_file(rendering, drop_in->entry->content, drop_in->entry->origin, install,
                                reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Places one link, or its absence; path is of the tree's arena. *ret_there: what the path has
 * already, then nothing was done; else NULL. */
static int place_link(Rendering *rendering,
                const InstallLinks *links,
                const char *path,
                const Entry **ret_there,
                Error *reterr) {
        *ret_there = rendering_at(rendering, path);
        if (*ret_there)
                return 0;
        Entry entry = {
                .root = ROOT_ETC,
                .kind = links->absent ? ENTRY_ABSENT : ENTRY_LINK,
                .path = path,
                .owner = "root",
                .group = "root",
                .target = links->absent ? NULL : links->place->link_target,
                .origin = links->origin,
        };
        return rendering_place(rendering, &entry, NULL, reterr);
}

/* What a template without an instance says by specifiers can only be judged for an instance. */
static bool is_for_instances(const InstallLinks *links, const InstallItem *item) {
        return unit_name_is_template(links->linked_name) && strchr(item->word, '%');
}

static const char *expand(
                Rendering *rendering, const InstallLinks *links, const InstallItem *item) {
        return unit_name_expand(&rendering->scratch, links->linked_name, item->word);
}

static int check_name(
                Rendering *rendering, const InstallItem *item, const char *name, Error *reterr) {
        if (unit_name_is_valid(name))
                return 0;
        return rendering_refuse(rendering, item->origin, item->line, reterr,
                        "%s=%s is no unit name; write it whole, as NAME.service",
                        install_key_to_string(item->key), name);
}

int install_links_also(Rendering *rendering,
                const InstallLinks *links,
                const InstallItem *item,
                const char **ret_unit,
                Error *reterr) {
        const char *unit = expand(rendering, links, item);
        if (!unit)
                return error_oom(reterr);
        if (is_for_instances(links, item))
                return 0;
        int r = check_name(rendering, item, unit, reterr);
        if (r < 0)
                return r;
        *ret_unit = unit;
        return 1;
}

/* X.wants/UNIT and the like. Any link that the user put there has this effect already: only its
 * name counts. */
static int make_dependency(Rendering *rendering,
                const InstallLinks *links,
                const InstallItem *item,
                Error *reterr) {
        static const char *const suffixes[] = {
                [INSTALL_WANTED_BY] = ".wants/",
                [INSTALL_REQUIRED_BY] = ".requires/",
                [INSTALL_UPHELD_BY] = ".upholds/",
        };
        const char *by = expand(rendering, links, item);
        if (!by)
                return error_oom(reterr);
        if (is_for_instances(links, item) && !unit_name_is_valid(by))
                return 0;
        int r = check_name(rendering, item, by, reterr);
        if (r < 0)
                return r;
        if (unit_name_is_template(links->linked_name) && !unit_name_is_template(by))
                return 0; /* a template alone cannot be wanted: only instances are */
        if (!links->absent && links->place->scope == SCOPE_SYSTEM &&
                        map_get(&rendering->disabled, links->linked_name))
                return 0; /* Disable= of the default instance alone */
        const char *path = JOIN(&rendering->tree->arena, unit_scope_directory(links->place->scope),
                        by, suffixes[item->key], links->linked_name);
        if (!path)
                return error_oom(reterr);
        const Entry *there = NULL;
        return place_link(rendering, links, path, &there, reterr);
}

static const char *base_name(const char *path) {
        const char *slash = strrchr(path, '/');
        return slash ? slash + 1 : path;
}

/* Alias=multi-user.target.wants/foo.service: how links were asked for before WantedBy= was. */
static bool is_old_style_dependency(
                Rendering *rendering, const InstallLinks *links, const char *alias) {
        const char *slash = strrchr(alias, '/');
        const char *dot = slash ? memrchr(alias, '.', (size_t) (slash - alias)) : NULL;
        if (!dot || (strncmp(dot, ".wants/", 7) != 0 && strncmp(dot, ".requires/", 10) != 0))
                return false;
        const char *by = arena_strndup(&rendering->scratch, alias, (size_t) (dot - alias));
        return by && unit_name_is_valid(by) && strcmp(slash + 1, links->linked_name) == 0;
}

/* Alias=bar@.service of an instance is the same instance of bar@. */
static const char *alias_for(
                Rendering *rendering, const InstallLinks *links, const InstallItem *item) {
        const char *alias = expand(rendering, links, item);
        size_t length = 0;
        const char *instance = unit_name_instance(links->place->name, &length);
        if (!alias || !instance || length == 0 || !unit_name_is_template(alias))
                return alias;
        const char *copy = arena_strndup(&rendering->scratch, instance, length);
        return copy ? unit_name_with_instance(&rendering->scratch, alias, copy) : NULL;
}

static int make_alias(Rendering *rendering,
                const InstallLinks *links,
                const InstallItem *item,
                Error *reterr) {
        const UnitPlace *place = links->place;
        const char *alias = alias_for(rendering, links, item);
        if (!alias)
                return error_oom(reterr);
        bool is_dependency = is_old_style_dependency(rendering, links, alias);
        if (!is_dependency &&
                        (!unit_name_is_valid(alias) || !unit_name_may_alias(alias, place->name))) {
                if (is_for_instances(links, item))
                        return 0;
                return rendering_refuse(rendering, item->origin, item->line, reterr,
                                "Alias=%s cannot be another name of %s; write one of the same kind",
                                alias, place->name);
        }
        if (strcmp(alias, place->name) == 0)
                return 0;
        const char *path = JOIN(&rendering->tree->arena, unit_scope_directory(place->scope), alias);
        if (!path)
                return error_oom(reterr);
        const Entry *there = NULL;
        int r = place_link(rendering, links, path, &there, reterr);
        if (r < 0 || !there || is_dependency || links->absent)
                return r;
        if (there->kind == ENTRY_LINK &&
                        strcmp(base_name(there->target), base_name(place->link_target)) == 0)
                return 0;
        return rendering_refuse(rendering, item->origin, item->line, reterr,
                        "Alias=%s, but /etc/%s is given by %s as well; take one of them out", alias,
                        path, there->origin);
}

/* Which name the links carry: a template is linked as its default instance. */
static int set_linked_name(
                Rendering *rendering, InstallLinks *links, const Install *install, Error *reterr) {
        const UnitPlace *place = links->place;
        links->linked_name = place->name;
        if (!unit_name_is_template(place->name) || !install->default_instance)
                return 0;
        const char *instance = unit_name_expand(
                        &rendering->scratch, place->name, install->default_instance);
        const char *name = instance ? unit_name_with_instance(
                                                      &rendering->scratch, place->name, instance)
                                    : NULL;
        if (!name)
                return error_oom(reterr);
        if (!unit_name_is_valid(name))
                return rendering_refuse(rendering, place->origin, 0, reterr,
                                "DefaultInstance=%s makes no unit name; write an instance as "
                                "systemd-escape has it",
                                install->default_instance);
        links->linked_name = name;
        return 0;
}

static int
make_link(Rendering *rendering, const InstallLinks *links, const InstallItem *item, Error *reterr) {
        switch (item->key) {
        case INSTALL_WANTED_BY:
        case INSTALL_REQUIRED_BY:
        case INSTALL_UPHELD_BY:
                return make_dependency(rendering, links, item, reterr);
        case INSTALL_ALIAS:
                return make_alias(rendering, links, item, reterr);
        case INSTALL_ALSO: /* the caller's: other units */
        case INSTALL_DEFAULT_INSTANCE:
        case N_INSTALL_KEYS:
                break;
        }
        return 0;
}

int install_links_make(
                Rendering *rendering, InstallLinks *links, const Install *install, Error *reterr) {
        int r = set_linked_name(rendering, links, install, reterr);
        for (size_t i = 0; r == 0 && i < install->n_items; i++)
                r = rendering_go_on(rendering,
                                make_link(rendering, links, &install->items[i], reterr), reterr);
        return r;
}
