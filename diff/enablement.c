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

typedef struct Enablement {
        Rendering *rendering;
        Requests enabled, disabled;
        Install install; /* of the unit at hand: its memory is used again */
} Enablement;

static void enablement_donep(Enablement *enablement) {
        for (UnitScope scope = 0; scope < N_UNIT_SCOPES; scope++) {
                map_done(&enablement->enabled.asked[scope]);
                map_done(&enablement->disabled.asked[scope]);
        }
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
                .origin = profile_conf_place(&rendering->tree->arena, rendering->conf, rule->line),
                .line = rule->line,
        };
        return request.origin ? ask(rendering, requests, &request, reterr) : error_oom(reterr);
}

/* Makes the links of a unit, and asks for those that its Also= names. */
static int make_links(Enablement *enablement, InstallLinks *links, Error *reterr) {
        Requests *requests = links->absent ? &enablement->disabled : &enablement->enabled;
        const Install *install = &enablement->install;
        int r = install_links_make(enablement->rendering, links, install, reterr);
        for (size_t i = 0; r >= 0 && i < install->n_items; i++) {
                if (install->items[i].key != INSTALL_ALSO)
                        continue;
                Request request = { .scope = links->place->scope, .origin = links->origin };
                r = install_links_also(enablement->rendering, links, &install->items[i],
                                &request.unit, reterr);
                r = rendering_go_on(enablement->rendering, r, reterr);
                if (r > 0)
                        r = ask(enablement->rendering, requests, &request, reterr);
        }
        return r;
}

static bool is_disabled(const Rendering *rendering, UnitScope scope, const char *unit) {
        return scope == SCOPE_SYSTEM && map_get(&rendering->disabled, unit);
}

/* Each unit of the source follows its [Install]. */
static int enable_units_of_source(Enablement *enablement, Error *reterr) {
        Rendering *rendering = enablement->rendering;
        for (size_t i = 0; i < rendering->n_units; i++) {
                const RenderedUnit *unit = &rendering->units[i];
                if (is_disabled(rendering, unit->scope, unit->name))
                        continue;
                UnitPlace place = { 0 };
                if (unit_place_of_file(rendering, unit, &place) < 0)
                        return error_oom(reterr);
                int r = install_links_read(rendering, &place, &enablement->install, reterr);
                InstallLinks links = { .place = &place, .origin = place.origin };
                if (r >= 0)
                        r = make_links(enablement, &links, reterr);
                if (r < 0 && (r = source_note_fault(rendering->source, r, reterr)) < 0)
                        return r;
        }
        return 0;
}

/* A drop-in with [Install] says so for a unit of the distribution too. */
static int ask_for_drop_ins(Enablement *enablement, Error *reterr) {
        Rendering *rendering = enablement->rendering;
        for (const InstallDropIn *drop_in = rendering->install_drop_ins; drop_in;
                        drop_in = drop_in->next) {
                if (!unit_name_is_valid(drop_in->unit))
                        continue; /* of a whole type */
                const Request request = {
                        .scope = drop_in->scope,
                        .unit = drop_in->unit,
                        .origin = drop_in->entry->origin,
                };
                int r = ask(rendering, &enablement->enabled, &request, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int refuse_request(const Rendering *rendering,
                const Request *request,
                const char *key,
                const char *why,
                Error *reterr) {
        return rendering_refuse(rendering, "profile.conf", request->line, reterr, "%s=%s %s", key,
                        request->unit, why);
}

/* A request by Enable= that finds nothing to enable. */
static int refuse_to_enable(const Rendering *rendering,
                const Request *request,
                PlaceAnswer answer,
                const UnitPlace *place,
                Error *reterr) {
        if (answer == PLACE_SYSV_ONLY)
                return refuse_request(rendering, request, "Enable",
                                "is a SysV script only; give it a unit in units/, or take it out",
                                reterr);
        if (answer == PLACE_FOUND)
                return rendering_refuse(rendering, place->origin, 0, reterr,
                                "Masks what %s has in Enable=; take one of them out",
                                request->origin);
        if (!rendering->distribution)
                return 0; /* it may be there, on the host */
        return refuse_request(rendering, request, "Enable",
                        "is no unit of the source or the distribution; install its package, or "
                        "take it out",
                        reterr);
}

static int enable(Enablement *enablement, const Request *request, Error *reterr) {
        Rendering *rendering = enablement->rendering;
        if (is_disabled(rendering, request->scope, request->unit))
                return 0;
        UnitPlace place = { 0 };
        int r = unit_place_find(rendering, request->scope, request->unit, &place, reterr);
        if (r < 0)
                return r;
        bool is_named = request->line > 0;
        if (r != PLACE_FOUND || place.is_masked)
                return is_named ? refuse_to_enable(rendering, request, (PlaceAnswer) r, &place,
                                                  reterr)
                                : 0;
        if (is_disabled(rendering, request->scope, place.name))
                return 0;
        r = install_links_read(rendering, &place, &enablement->install, reterr);
        if (r < 0)
                return r;
        if (is_named && place.content && unit_name_is_template(place.name) &&
                        !enablement->install.default_instance)
                return refuse_request(rendering, request, "Enable",
                                "is a template without DefaultInstance=; name an instance of it",
                                reterr);
        InstallLinks links = { .place = &place,
                .origin = place.is_in_source ? place.origin : request->origin };
        return make_links(enablement, &links, reterr);
}

/* The links that enabling would make are absent. What Also= names goes along, as with systemctl,
 * unless it is of the source, where its own [Install] speaks, or is enabled. */
static int disable(Enablement *enablement, const Request *request, Error *reterr) {
        Rendering *rendering = enablement->rendering;
        bool is_named = request->line > 0;
        if (!is_named && map_get(&enablement->enabled.asked[request->scope], request->unit))
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
        r = install_links_read(rendering, &place, &enablement->install, reterr);
        if (r < 0)
                return r;
        InstallLinks links = { .place = &place, .origin = request->origin, .absent = true };
        return make_links(enablement, &links, reterr);
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
                .origin = profile_conf_place(arena, rendering->conf, rule->line),
        };
        if (!entry.path || !entry.origin)
                return error_oom(reterr);
        const Entry *there = rendering_at(rendering, entry.path);
        if (!there)
                return rendering_place(rendering, &entry, NULL, reterr);
        if (rendering_is_mask(there))
                return 0;
        char name[SOURCE_MAX_PATH_BYTES * 2];
        source_file_name(rendering->source, there->origin, name, sizeof(name));
        return rendering_refuse(rendering, "profile.conf", rule->line, reterr,
                        "Mask=%s, but %s brings that unit; take one of them out", rule->unit, name);
}

static int add_all(Enablement *enablement, Error *reterr) {
        Rendering *rendering = enablement->rendering;
        const ProfileConf *conf = rendering->conf;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < conf->n_mask; i++)
                r = rendering_go_on(rendering, mask(rendering, &conf->mask[i], reterr), reterr);
        for (size_t i = 0; r >= 0 && i < conf->n_enable; i++)
                r = ask_for_rule(rendering, &enablement->enabled, &conf->enable[i], reterr);
        if (r >= 0)
                r = enable_units_of_source(enablement, reterr);
        if (r >= 0)
                r = ask_for_drop_ins(enablement, reterr);
        for (const Request *request = enablement->enabled.first; r >= 0 && request;
                        request = request->next)
                r = rendering_go_on(rendering, enable(enablement, request, reterr), reterr);
        for (size_t i = 0; r >= 0 && i < conf->n_disable; i++)
                r = ask_for_rule(rendering, &enablement->disabled, &conf->disable[i], reterr);
        for (const Request *request = enablement->disabled.first; r >= 0 && request;
                        request = request->next)
                r = rendering_go_on(rendering, disable(enablement, request, reterr), reterr);
        return r;
}

int rendering_add_enablement(Rendering *rendering, Error *reterr) {
        cleanup(enablement_donep) Enablement enablement = { .rendering = rendering };
        int r = add_all(&enablement, reterr);
        return r < 0 ? r : 0;
}
