/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which units are enabled and which are not: every unit of the source that has [Install], what
 * Enable= and Also= name; Disable= and Mask=. The links themselves are made by install_links.c.
 *
 * 1. What the user wrote is placed before and stays: a link that is there already is not made
 * again.
 * 2. Absent entries come last, and only at paths that nothing else took: Disable= of one display
 * manager does not take the alias away from the other.
 * 3. A unit is asked for once; Also= is followed by a queue, not by recursion. */
#include "diff/install_links.h"
#include "diff/unit_name.h"
#include "diff/unit_place.h"

#include <errno.h>
#include <string.h>

typedef struct Request {
        UnitScope scope;
        const char *unit;
        const char *origin; /* "profile.conf:3", or the file that has Also= */
        unsigned line; /* of profile.conf; 0: not named there, and what cannot be done is left */
        struct Request *next;
} Request;

/* A queue of units to enable, or to disable. */
typedef struct Requests {
        Map asked[N_UNIT_SCOPES]; /* unit -> Request *: once in the queue, always in here */
        Request *first, *last;
} Requests;

static void requests_donep(Requests *requests) {
        for (UnitScope scope = 0; scope < N_UNIT_SCOPES; scope++)
                map_done(&requests->asked[scope]);
}

static int ask(Rendering *rendering, Requests *requests, const Request *request, Error *reterr) {
        Map *asked = &requests->asked[request->scope];
        if (map_get(asked, request->unit))
                return 0;
        Request *copy = arena_memdup(&rendering->scratch, request, sizeof(Request));
        if (!copy || map_put(asked, copy->unit, copy) < 0)
                return error_oom(reterr);
        if (requests->last)
                requests->last->next = copy;
        else
                requests->first = copy;
        requests->last = copy;
        return 0;
}

static int ask_for_rule(
                Rendering *rendering, Requests *requests, const UnitsRule *rule, Error *reterr) {
        Request request = {
                .scope = SCOPE_SYSTEM,
                .unit = rule->unit,
                .origin = arena_printf(&rendering->tree->arena, "profile.conf:%u", rule->line),
                .line = rule->line,
        };
        return request.origin ? ask(rendering, requests, &request, reterr) : error_oom(reterr);
}

/* Also= of a unit that is enabled, or disabled: those too. */
static int ask_for_also(Rendering *rendering,
                Requests *requests,
                const InstallLinks *links,
                const Install *install,
                Error *reterr) {
        for (size_t i = 0; i < install->n_items; i++) {
                if (install->items[i].key != INSTALL_ALSO)
                        continue;
                Request request = { .scope = links->place->scope, .origin = links->origin };
                int r = install_links_also(
                                rendering, links, &install->items[i], &request.unit, reterr);
                if (r > 0)
                        r = ask(rendering, requests, &request, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_disabled(const Rendering *rendering, UnitScope scope, const char *unit) {
        return scope == SCOPE_SYSTEM && map_get(&rendering->disabled, unit);
}

/* Each unit of the source follows its [Install]. */
static int enable_units_of_source(
                Rendering *rendering, Requests *requests, Install *install, Error *reterr) {
        for (size_t i = 0; i < rendering->n_units; i++) {
                const RenderedUnit *unit = &rendering->units[i];
                if (is_disabled(rendering, unit->scope, unit->name))
                        continue;
                UnitPlace place = { 0 };
                if (unit_place_of_file(rendering, unit, &place) < 0)
                        return error_oom(reterr);
                int r = install_links_read(rendering, &place, install, reterr);
                if (r < 0)
                        return r;
                if (install->n_items == 0)
                        continue;
                InstallLinks links = { .place = &place, .origin = place.origin };
                r = install_links_make(rendering, &links, install, reterr);
                if (r == 0)
                        r = ask_for_also(rendering, requests, &links, install, reterr);
                if (r < 0)
                        return r;
        }
        /* a drop-in with [Install] for a unit of the distribution: a unit that has a file here was
         * just seen */
        for (const InstallDropIn *drop_in = rendering->install_drop_ins; drop_in;
                        drop_in = drop_in->next) {
                Request request = { .scope = drop_in->scope,
                        .unit = drop_in->unit,
                        .origin = drop_in->entry->origin };
                int r = unit_name_is_valid(drop_in->unit)
                                        ? ask(rendering, requests, &request, reterr)
                                        : 0;
                if (r < 0)
                        return r;
        }
        return 0;
}

/* Enable= of what cannot be enabled. */
static int refuse_request(const Rendering *rendering,
                const Request *request,
                const char *key,
                const char *why,
                Error *reterr) {
        return rendering_refuse(rendering, "profile.conf", request->line, reterr, "%s=%s %s", key,
                        request->unit, why);
}

static int enable(Rendering *rendering,
                Requests *requests,
                const Request *request,
                Install *install,
                Error *reterr) {
        if (is_disabled(rendering, request->scope, request->unit))
                return 0;
        UnitPlace place = { 0 };
        int r = unit_place_find(rendering, request->scope, request->unit, &place, reterr);
        if (r < 0)
                return r;
        bool is_named = request->line > 0;
        if (r == PLACE_SYSV_ONLY && is_named)
                return refuse_request(rendering, request, "Enable",
                                "is a SysV script only; give it a unit in units/, or take it out",
                                reterr);
        if (r == PLACE_NONE && is_named && rendering->distribution)
                return refuse_request(rendering, request, "Enable",
                                "is no unit of the source or the distribution; install its "
                                "package, or take it out",
                                reterr);
        if (r != PLACE_FOUND || is_disabled(rendering, request->scope, place.name))
                return 0;
        if (place.is_masked) {
                if (!is_named)
                        return 0;
                return rendering_refuse(rendering, place.origin, 0, reterr,
                                "Masks what profile.conf:%u has in Enable=; take one of them out",
                                request->line);
        }
        r = install_links_read(rendering, &place, install, reterr);
        if (r < 0)
                return r;
        if (is_named && place.content && unit_name_is_template(place.name) &&
                        !install->default_instance)
                return refuse_request(rendering, request, "Enable",
                                "is a template without DefaultInstance=; name an instance of it",
                                reterr);
        InstallLinks links = { .place = &place,
                .origin = place.is_in_source ? place.origin : request->origin };
        r = install_links_make(rendering, &links, install, reterr);
        return r < 0 ? r : ask_for_also(rendering, requests, &links, install, reterr);
}

/* The links that enabling would make are absent. What Also= names goes along, as with systemctl,
 * unless it is of the source, where its own [Install] speaks, or is enabled. */
static int disable(Rendering *rendering,
                Requests *requests,
                const Requests *enabled,
                const Request *request,
                Install *install,
                Error *reterr) {
        bool is_named = request->line > 0;
        if (!is_named && map_get(&enabled->asked[request->scope], request->unit))
                return 0;
        UnitPlace place = { 0 };
        int r = unit_place_find(rendering, request->scope, request->unit, &place, reterr);
        if (r < 0)
                return r;
        if (r == PLACE_SYSV_ONLY && is_named)
                return refuse_request(rendering, request, "Disable",
                                "is a SysV script only; mask it with Mask=, or take it out",
                                reterr);
        if (r != PLACE_FOUND || place.is_masked || (place.is_in_source && !is_named))
                return 0;
        r = install_links_read(rendering, &place, install, reterr);
        if (r < 0)
                return r;
        InstallLinks links = { .place = &place, .origin = request->origin, .absent = true };
        r = install_links_make(rendering, &links, install, reterr);
        return r < 0 ? r : ask_for_also(rendering, requests, &links, install, reterr);
}

static int mask(Rendering *rendering, const UnitsRule *rule, Error *reterr) {
        Arena *arena = &rendering->tree->arena;
        Entry entry = {
                .root = ROOT_ETC,
                .kind = ENTRY_LINK,
                .path = JOIN(arena, unit_scope_directory(SCOPE_SYSTEM), rule->unit),
                .owner = "root",
                .group = "root",
                .target = "/dev/null",
                .origin = arena_printf(arena, "profile.conf:%u", rule->line),
        };
        if (!entry.path || !entry.origin)
                return error_oom(reterr);
        const Entry *there = rendering_at(rendering, entry.path);
        if (!there)
                return rendering_place(rendering, &entry, NULL, reterr);
        if (rendering_is_mask(there))
                return 0;
        return rendering_refuse(rendering, "profile.conf", rule->line, reterr,
                        "Mask=%s, but %s/%s brings that unit; take one of them out", rule->unit,
                        rendering->source->name, there->origin);
}

int rendering_add_enablement(Rendering *rendering, Error *reterr) {
        const ProfileConf *conf = rendering->conf;
        cleanup(requests_donep) Requests enabled = { 0 }, disabled = { 0 };
        Install install = { 0 };
        int r = 0;
        for (size_t i = 0; r == 0 && i < conf->n_mask; i++)
                r = mask(rendering, &conf->mask[i], reterr);
        for (size_t i = 0; r == 0 && i < conf->n_enable; i++)
                r = ask_for_rule(rendering, &enabled, &conf->enable[i], reterr);
        if (r == 0)
                r = enable_units_of_source(rendering, &enabled, &install, reterr);
        for (const Request *request = enabled.first; r == 0 && request; request = request->next)
                r = enable(rendering, &enabled, request, &install, reterr);
        for (size_t i = 0; r == 0 && i < conf->n_disable; i++)
                r = ask_for_rule(rendering, &disabled, &conf->disable[i], reterr);
        for (const Request *request = disabled.first; r == 0 && request; request = request->next)
                r = disable(rendering, &disabled, &enabled, request, &install, reterr);
        return r;
}
