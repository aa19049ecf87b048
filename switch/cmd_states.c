/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/kernel.h"
#include "activate/scan.h"
#include "diff/live_file.h"
#include "state/debt.h"
#include "state/displaced.h"
#include "state/generation.h"
#include "state/initrd_record.h"
#include "switch/commands.h"
#include "switch/facts.h"
#include "switch/insides.h"
#include "switch/paid.h"
#include "switch/users.h"

#include <errno.h>
#include <string.h>

typedef struct States {
        Host *host;
        Arena arena;
        UnitStates *units;
        Users users;
        Debt *debts;
        size_t n_debts;
        Strv names, own, links;
        Scan *scan;
        Tree *beneath;
        LiveInitrds initrds;
} States;

static void states_done(States *states) {
        (void) unit_states_free(states->units);
        users_done(&states->users);
        strv_done(&states->names);
        strv_done(&states->own);
        strv_done(&states->links);
        (void) scan_free(states->scan);
        (void) tree_free(states->beneath);
        arena_done(&states->arena);
}

/* Those that are loaded, with all that hangs on them: which of them a plan will ask for is not
 * known here. */
static int read_units(States *states, Error *reterr) {
        Systemd *systemd = states->host->systemd;
        cleanup_strv Strv none = { 0 }, all = { 0 }, loaded = { 0 };
        cleanup(unit_states_freep) UnitStates *known = unit_states_new();
        states->units = unit_states_new();
        if (!known || !states->units || strv_add(&all, "*") < 0)
                return error_oom(reterr);
        int r = systemd_read_states(systemd, &none, &all, known, reterr);
        if (r < 0)
                return r;
        size_t position = 0;
        const UnitState *state;
        while ((state = map_next(&known->by_name, &position, NULL)))
                if (strv_add(&loaded, state->name) < 0)
                        return error_oom(reterr);
        strv_sort(&loaded);
        return systemd_read_relations_of(systemd, &loaded, states->units, reterr);
}

static int read_insides(States *states, Error *reterr) {
        const Tree *active;
        int r = host_active_tree(states->host, &active, reterr);
        return r < 0 ? r : insides_list(active, states->units, reterr);
}

static int read_debts(States *states, Error *reterr) {
        Host *host = states->host;
        size_t n_debts = 0;
        if (!host->database)
                return 0;
        int r = debt_load(host->database, host->profile_name, &states->arena, &states->debts,
                        &n_debts, reterr);
        return r < 0 ? r
                     : paid_find(host, &states->arena, states->debts, n_debts, &states->n_debts,
                                       reterr);
}

static const char *name_of_id(Arena *arena, uint32_t id) {
        return id == 0 ? "root" : arena_printf(arena, "%u", id);
}

static int add_found(States *states, const Found *found, const Tree *active, Error *reterr) {
        static const EntryKind kinds[] = { [FOUND_FILE] = ENTRY_FILE,
                [FOUND_LINK] = ENTRY_LINK,
                [FOUND_DIRECTORY] = ENTRY_DIRECTORY };
        const Entry *declared = tree_find(active, ROOT_ETC, found->path);
        const Entry entry = {
                .root = ROOT_ETC,
                .kind = kinds[found->kind],
                .path = found->path,
                .mode = found->kind == FOUND_LINK ? 0 : found->mode,
                .secret = declared && declared->secret,
                .owner = name_of_id(&states->arena, found->uid),
                .group = name_of_id(&states->arena, found->gid),
                .content = found->kind == FOUND_FILE ? found->content : NULL,
                .target = found->kind == FOUND_LINK ? found->target : NULL,
        };
        if (!entry.owner || !entry.group || tree_add(states->beneath, &entry) < 0)
                return error_oom(reterr);
        bool is_unit = strncmp(found->path, "systemd/", strlen("systemd/")) == 0;
        bool is_read = is_unit || strcmp(found->path, "fstab") == 0;
        return entry.content && is_read
                               ? content_load(states->host->contents, entry.content, reterr)
                               : 0;
}

static bool is_among(const Found *found, size_t n_found, const char *path) {
        for (size_t i = 0; i < n_found; i++)
                if (strcmp(found[i].path, path) == 0)
                        return true;
        return false;
}

/* What somebody enabled by hand is not newly wanted. */
static int read_links(States *states,
                const Tree *active,
                const Found *displaced,
                size_t n_displaced,
                Error *reterr) {
        Host *host = states->host;
        int r = distribution_list_links(host->distribution, &states->links, reterr);
        Sought *sought = arena_new(&states->arena, Sought, states->links.n_items + 1);
        size_t n_sought = 0;
        if (r >= 0 && !sought)
                return error_oom(reterr);
        for (size_t i = 0; r >= 0 && i < states->links.n_items; i++) {
                const char *path = states->links.items[i];
                if (!tree_find(active, ROOT_ETC, path) && !is_among(displaced, n_displaced, path))
                        sought[n_sought++] = (Sought){ .path = path, .whole = true };
        }
        if (r >= 0)
                r = scan_new(&host->etc, sought, n_sought, host->contents, &states->scan, reterr);
        for (size_t i = 0; r >= 0 && i < n_sought; i++)
                if (states->scan->found[i].kind == FOUND_LINK)
                        r = add_found(states, &states->scan->found[i], active, reterr);
        return r;
}

static int read_beneath(States *states, Error *reterr) {
        Host *host = states->host;
        Found *found = NULL;
        size_t n_found = 0;
        const Tree *active;
        states->beneath = tree_new();
        if (!states->beneath)
                return error_oom(reterr);
        int r = host_active_tree(host, &active, reterr);
        if (r >= 0 && host->database)
                r = displaced_load(host->database, host->profile_name, ROOT_ETC, host->contents,
                                &states->arena, &found, &n_found, reterr);
        for (size_t i = 0; r >= 0 && i < n_found; i++)
                r = add_found(states, &found[i], active, reterr);
        if (r >= 0)
                r = read_links(states, active, found, n_found, reterr);
        return r < 0 ? r : tree_seal(states->beneath, reterr);
}

static int read_initrds(States *states, Error *reterr) {
        Host *host = states->host;
        LiveInitrds *initrds = &states->initrds;
        cleanup_strv Strv kernels = { 0 };
        int r = kernel_list(host->root_fd, &kernels, reterr);
        if (r < 0)
                return r;
        initrds->maker = distribution_of(host->distribution).initrd_maker;
        initrds->items = arena_new(&states->arena, LiveInitrd, kernels.n_items + 1);
        if (!initrds->items)
                return error_oom(reterr);
        for (size_t i = 0; r >= 0 && i < kernels.n_items; i++) {
                LiveInitrd *item = &initrds->items[initrds->n_items++];
                *item = (LiveInitrd){ arena_strdup(&states->arena, kernels.items[i]), "" };
                if (!item->kernel)
                        return error_oom(reterr);
                if (host->database)
                        r = initrd_record_load(host->database, item->kernel, &states->arena,
                                        &item->modules, reterr);
        }
        return r;
}

static int print(States *states, Error *reterr) {
        const Distribution distribution = distribution_of(states->host->distribution);
        const LiveFacts facts = {
                .states = states->units,
                .users = states->users.items,
                .n_users = states->users.n_items,
                .debts = states->debts,
                .n_debts = states->n_debts,
                .distribution = &distribution,
                .distribution_names = &states->names,
                .own_names = &states->own,
                .beneath = states->beneath,
                .initrds = &states->initrds,
        };
        json_t *json = NULL;
        int r = live_file_to_json(&facts, &json, reterr);
        return r < 0 ? r : json_print_whole(json, reterr);
}

static int run_states(States *states, Error *reterr) {
        int r = host_connect(states->host, reterr);
        if (r >= 0)
                r = read_units(states, reterr);
        if (r >= 0)
                r = read_insides(states, reterr);
        if (r >= 0)
                r = users_read(&states->users, reterr);
        if (r >= 0)
                r = read_debts(states, reterr);
        if (r >= 0)
                r = read_beneath(states, reterr);
        if (r >= 0)
                r = read_initrds(states, reterr);
        if (r >= 0)
                r = distribution_list(
                                states->host->distribution, &states->names, &states->own, reterr);
        return r < 0 ? r : print(states, reterr);
}

int cmd_states(const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) arguments, (void) n_arguments; /* takes none */
        cleanup(host_donep) Host host;
        int r = host_open(options_root(options), options->profile, DATABASE_READ, &host, reterr);
        if (r < 0)
                return r;
        if (host.is_image)
                return error_set(
                                reterr, -EINVAL, "An image does not run: its units have no states");
        States states = { .host = &host };
        r = run_states(&states, reterr);
        states_done(&states);
        return r;
}
