/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/store.h"

#include "activate/sync.h"
#include "base/clock.h"
#include "diff/nspawn.h"
#include "diff/plan_json.h"
#include "diff/profile_conf.h"
#include "state/directory.h"
#include "state/displaced.h"
#include "state/entry_layer.h"
#include "state/generation.h"
#include "state/packaged.h"
#include "switch/initrds.h"
#include "switch/result_json.h"
#include "switch/settle.h"

#include <errno.h>

static const char *description_of(Host *host, const Prepared *prepared) {
        Error ignored;
        const ProfileConf *conf = NULL;
        const Entry *entry = tree_find(prepared->new, ROOT_PROFILE, "profile.conf");
        Arena *arena = contents_arena(host->contents);
        if (!entry || profile_conf_parse(arena, "profile.conf", host->contents, entry->content,
                                      &conf, &ignored) < 0)
                return NULL; /* a generation of a later version may say what this one does not know
                              */
        return conf->description;
}

static int changes_since_newest(Host *host,
                const Prepared *prepared,
                TreeChange **ret_changes,
                size_t *ret_n_changes,
                Tree **ret_newest,
                Error *reterr) {
        const Tree *newest = prepared->old;
        if (host->profile.newest_stored != prepared->from_number) {
                int r = generation_load(host->database, host->profile_name,
                                host->profile.newest_stored, host->contents, ret_newest, reterr);
                if (r < 0)
                        return r;
                newest = *ret_newest;
        }
        int r = tree_compare(newest, prepared->new, ret_changes, ret_n_changes);
        return r < 0 ? error_oom(reterr) : 0;
}

/* Of a directory; objects in git are known by their ids. */
static int remember(Host *host, const Prepared *prepared, Error *reterr) {
        if (!prepared->target.cache)
                return 0;
        return directory_remember(host->database, prepared->target.cache, reterr);
}

static int store_source(Host *host,
                const Prepared *prepared,
                const Origin *origin,
                SwitchRecord *record,
                Error *reterr) {
        cleanup(tree_freep) Tree *newest = NULL;
        cleanup_free TreeChange *changes = NULL;
        size_t n_changes = 0;
        int r = changes_since_newest(host, prepared, &changes, &n_changes, &newest, reterr);
        if (r < 0)
                return r;
        const char *description = description_of(host, prepared);
        const Generation generation = {
                .created_usec = record->started_usec,
                .origin = *origin,
                .user = (char *) (uintptr_t) record->user, /* only read: the same struct serves
                                                              loading, where it is owned */
                .description = (char *) (uintptr_t) description,
        };
        r = generation_store(host->database, host->profile_name, &generation, changes, n_changes,
                        &record->to_number, reterr);
        if (r >= 0)
                r = entry_layers_store(host->database, host->profile_name, record->to_number,
                                prepared->new, reterr);
        if (r < 0)
                return r;
        return remember(host, prepared, reterr);
}

static const char *joined_reasons(Arena *arena, const UnitAction *action) {
        const char *joined = action->n_reasons > 0 ? action->reasons[0] : "";
        for (size_t i = 1; joined && i < action->n_reasons; i++)
                joined = arena_printf(arena, "%s ← %s", joined, action->reasons[i]);
        return joined;
}

static size_t count_actions(const Plan *plan) {
        size_t n_actions = plan->units.n_actions;
        for (size_t i = 0; i < plan->n_users; i++)
                n_actions += plan->users[i].units.n_actions;
        return n_actions;
}

static void set_outcome(const EngineResult *result, size_t nth, size_t i, SwitchActionRecord *row) {
        const Report *report = nth_report(result, nth);
        if (report) {
                row->outcome = job_outcome_to_string(report->actions[i].outcome);
                row->before_state = report->actions[i].before_state;
                row->duration_usec = report->actions[i].duration_usec;
                return;
        }
        const UnitStates *states = nth_states(result->prepared, nth);
        const UnitState *state = states ? unit_states_find(states, row->unit) : NULL;
        row->before_state = state ? state->active_state : NULL;
}

/* One row for each action of each manager; outcomes where result has come to them. */
static int action_rows(
                const EngineResult *result, SwitchActionRecord **ret_rows, size_t *ret_n_rows) {
        Arena *arena = &result->prepared->arena;
        const Plan *plan = result->prepared->plan;
        size_t n_rows = 0;
        SwitchActionRecord *rows = arena_new(arena, SwitchActionRecord, count_actions(plan) + 1);
        if (!rows)
                return -ENOMEM;
        for (size_t nth = 0; nth <= plan->n_users; nth++) {
                uint32_t uid;
                const UnitPlan *units = nth_units(plan, nth, &uid);
                for (size_t i = 0; i < units->n_actions; i++, n_rows++) {
                        const UnitAction *action = &units->actions[i];
                        rows[n_rows] = (SwitchActionRecord){
                                .sequence = (unsigned) n_rows,
                                .unit = action->unit,
                                .uid = uid,
                                .verb = action->verb,
                                .reason = joined_reasons(arena, action),
                        };
                        if (!rows[n_rows].reason)
                                return -ENOMEM;
                        Verb owed = settle_skip_owes(result->prepared, action);
                        if (action->verb == VERB_SKIP && owed != VERB_SKIP)
                                rows[n_rows].owes = verb_to_string(owed);
                        set_outcome(result, nth, i, &rows[n_rows]);
                }
        }
        *ret_rows = rows;
        *ret_n_rows = n_rows;
        return 0;
}

static int
plan_as_json(const Prepared *prepared, const SwitchRecord *record, char **ret_json, Error *reterr) {
        const PlanJsonInput input = {
                .plan = prepared->plan,
                .from = { .profile = record->profile, .generation = record->from_number },
                .to = { .profile = record->profile, .generation = record->to_number },
                .fit = prepared->fit,
        };
        return plan_to_json(&input, ret_json, reterr);
}

static int store_record(
                Host *host, const EngineResult *result, SwitchRecord *record, Error *reterr) {
        SwitchActionRecord *rows = NULL;
        size_t n_rows = 0;
        /* what waits for the next boot does not act */
        if (record_moves_active(record) && action_rows(result, &rows, &n_rows) < 0)
                return error_oom(reterr);
        cleanup_free char *json = NULL;
        int r = plan_as_json(result->prepared, record, &json, reterr);
        if (r < 0)
                return r;
        record->plan_json = json;
        r = record_begin(host->database, record, rows, n_rows, reterr);
        record->plan_json = NULL;
        return r;
}

/* What was edited may be what the file is from now on: either tree's word makes it a secret. */
static bool is_secret(const Prepared *prepared, const FitOperation *operation) {
        const Entry *old = tree_find(prepared->old, operation->root, operation->path);
        const Entry *new = tree_find(prepared->new, operation->root, operation->path);
        return (old && old->secret) || (new &&new->secret);
}

/* What is not given back is not lost. */
static int store_superseded(
                Host *host, const Prepared *prepared, const SwitchRecord *record, Error *reterr) {
        int r = 0;
        for (size_t i = 0; r >= 0 && i < prepared->n_superseded; i++) {
                const Found *found = &prepared->superseded[i];
                const FitOperation like = { .root = ROOT_ETC, .path = found->path };
                int64_t id;
                r = found->kind == FOUND_FILE ? content_load(host->contents, found->content, reterr)
                                              : 0;
                if (r >= 0)
                        r = saved_put(host->database, host->profile_name, ROOT_ETC, found,
                                        is_secret(prepared, &like), host->contents, record->id, &id,
                                        reterr);
        }
        return r;
}

static int store_kept_files(
                Host *host, const Prepared *prepared, const SwitchRecord *record, Error *reterr) {
        for (size_t i = 0; i < prepared->fit->n_operations; i++) {
                const FitOperation *operation = &prepared->fit->operations[i];
                int r = 0;
                int64_t id;
                if (operation->keep_displaced)
                        r = displaced_put(host->database, host->profile_name, operation->root,
                                        operation->found, host->contents, record->id, reterr);
                if (r >= 0 && (operation->keep_saved || operation->renews_displaced))
                        r = saved_put(host->database, host->profile_name, operation->root,
                                        operation->found, is_secret(prepared, operation),
                                        host->contents, record->id, &id, reterr);
                if (r >= 0 && operation->renews_displaced)
                        r = renewal_put(host->database, id, reterr);
                if (r < 0)
                        return r;
        }
        return store_superseded(host, prepared, record, reterr);
}

static int copy_origin(const Origin *from, Origin *to) {
        *to = (Origin){ .path = strdup(from->path), .commit_time = from->commit_time };
        if (!to->path)
                return -ENOMEM;
        if (!from->commit)
                return 0;
        to->commit = strdup(from->commit);
        to->subject = strdup(from->subject);
        to->author = strdup(from->author);
        return to->commit && to->subject && to->author ? 0 : -ENOMEM;
}

static int read_origin(
                const Prepared *prepared, Origin *origin, SwitchRecord *record, Error *reterr) {
        const ReferenceTree *target = &prepared->target;
        if (!target->path)
                return 0;
        int r = target->origin.path ? copy_origin(&target->origin, origin)
                                    : origin_of_directory(target->path, target->source->layers,
                                                      target->source->n_layers, origin, reterr);
        if (r == -ENOMEM)
                return error_oom(reterr);
        if (r < 0)
                return r;
        record->origin = origin->path;
        record->commit = origin->commit;
        record->is_dirty = origin->is_dirty;
        return 0;
}

static SwitchRecord record_of(
                const Host *host, const Prepared *prepared, const EngineOptions *options) {
        return (SwitchRecord){
                .state = SWITCH_INTENT,
                .profile = host->profile_name,
                .verb = options->verb,
                .user = options->user,
                .from_number = prepared->from_number,
                .to_number = prepared->target.source ? prepared->from_number
                                                     : prepared->target.number,
                .started_usec = now_realtime_usec(),
                .exit_status = -1,
        };
}

static int write_intent(
                Host *host, const EngineResult *result, SwitchRecord *record, Error *reterr) {
        const Prepared *prepared = result->prepared;
        cleanup(origin_donep) Origin origin = { 0 };
        int r = read_origin(prepared, &origin, record, reterr);
        bool is_new = prepared->target.source && !prepared->is_same_tree;
        if (r >= 0 && is_new)
                r = store_source(host, prepared, &origin, record, reterr);
        if (r >= 0)
                r = store_record(host, result, record, reterr);
        if (r >= 0 && record_moves_active(record))
                r = store_kept_files(host, prepared, record, reterr);
        if (r >= 0 && prepared->target.path)
                r = profile_set_source(
                                host->database, host->profile_name, prepared->target.path, reterr);
        if (r >= 0)
                r = initrds_note_found(host, &prepared->initrds, reterr);
        record->origin = record->commit = NULL; /* written; the strings end here */
        return r;
}

typedef int (*WriteRecord)(
                Host *host, const EngineResult *result, SwitchRecord *record, Error *reterr);

typedef int (*BeginTransaction)(Database *database, Error *reterr);

/* One transaction around what is to be written; nothing of it stays when a part fails. */
static int in_transaction(Host *host,
                const EngineResult *result,
                SwitchRecord *record,
                BeginTransaction begin,
                WriteRecord write,
                Error *reterr) {
        int r = begin(host->database, reterr);
        if (r < 0)
                return r;
        r = write(host, result, record, reterr);
        if (r < 0) {
                database_rollback(host->database);
                return r;
        }
        return database_commit(host->database, reterr);
}

int store_intent(Host *host,
                const EngineResult *result,
                const EngineOptions *options,
                SwitchRecord *record,
                Error *reterr) {
        *record = record_of(host, result->prepared, options);
        return in_transaction(host, result, record, database_begin_unsynced, write_intent, reterr);
}

int store_sync(const Host *host, Error *reterr) {
        int r = sync_elsewhere(host->state_directory, host->etc.fd, reterr);
        return r < 0 || host->is_image ? r : sync_elsewhere(NSPAWN_BUNDLES, host->etc.fd, reterr);
}

int store_staged(Host *host, const SwitchRecord *record, Error *reterr) {
        int r = database_begin_unsynced(host->database, reterr);
        if (r < 0)
                return r;
        r = record_set_state(host->database, record->id, SWITCH_STAGED, reterr);
        if (r < 0) {
                database_rollback(host->database);
                return r;
        }
        return database_commit(host->database, reterr);
}

int store_moved(Host *host, const SwitchRecord *record, Error *reterr) {
        const Profile *profile = &host->profile;
        return profile_set_active(host->database, host->profile_name,
                        record_moves_active(record) ? record->to_number : profile->active,
                        record_moves_default(record) ? record->to_number : profile->default_number,
                        reterr);
}

static int write_nothing_to_do(
                Host *host, const EngineResult *result, SwitchRecord *record, Error *reterr) {
        const Prepared *prepared = result->prepared;
        int r = write_intent(host, result, record, reterr);
        if (r < 0)
                return r;
        record->state = SWITCH_COMMITTED;
        record->exit_status = EXIT_DONE;
        record->ended_usec = now_realtime_usec();
        r = record_finish(host->database, record, NULL, 0, reterr);
        if (r >= 0 && record_moves_active(record)) /* a timer's would bury all others */
                r = record_supersede(host->database, record->id, reterr);
        if (r >= 0) /* another number of the same tree: a rollback goes on from there */
                r = store_moved(host, record, reterr);
        if (r >= 0)
                r = settle_paid(host, prepared, reterr);
        if (r >= 0)
                r = remember(host, prepared, reterr);
        return r;
}

int store_nothing_to_do(Host *host,
                const EngineResult *result,
                const EngineOptions *options,
                SwitchRecord *record,
                Error *reterr) {
        *record = record_of(host, result->prepared, options);
        return in_transaction(host, result, record, database_begin, write_nothing_to_do, reterr);
}

static int drop_given_back(Host *host, const Prepared *prepared, Error *reterr) {
        for (size_t i = 0; i < prepared->fit->n_operations; i++) {
                const FitOperation *operation = &prepared->fit->operations[i];
                if (!operation->drop_displaced)
                        continue;
                int r = displaced_drop(host->database, host->profile_name, operation->root,
                                operation->path, reterr);
                if (r < 0)
                        return r;
        }
        int r = 0;
        for (size_t i = 0; r >= 0 && i < prepared->n_superseded; i++)
                r = displaced_drop(host->database, host->profile_name, ROOT_ETC,
                                prepared->superseded[i].path, reterr);
        return r;
}

static unsigned n_caused(const EngineResult *result) {
        size_t n = result->report ? report_n_caused(result->report) : 0;
        for (size_t i = 0; i < result->n_user_reports; i++)
                if (result->user_reports[i])
                        n += report_n_caused(result->user_reports[i]);
        return (unsigned) n;
}

/* Ends the record, or holds it, with what the actions came to. */
static int finish(Host *host, const EngineResult *result, SwitchRecord *record, Error *reterr) {
        SwitchActionRecord *rows;
        size_t n_rows;
        cleanup_free char *json = NULL;
        int r = finished_switch_to_json(host->profile_name, result, &json, reterr);
        if (r < 0)
                return r;
        if (action_rows(result, &rows, &n_rows) < 0)
                return error_oom(reterr);
        record->exit_status = result->exit_status;
        record->message = result->warning;
        record->plan_json = json;
        record->n_actions = (unsigned) n_rows;
        record->n_failed = n_caused(result);
        if (record->confirm_by_usec)
                r = record_hold(host->database, record, rows, n_rows, reterr);
        else {
                record->ended_usec = now_realtime_usec();
                r = record_finish(host->database, record, rows, n_rows, reterr);
        }
        record->plan_json = NULL;
        return r < 0 ? r : settle_committed(host, result, record, reterr);
}

int store_held(Host *host, const EngineResult *result, SwitchRecord *record, Error *reterr) {
        return in_transaction(host, result, record, database_begin, finish, reterr);
}

static int write_committed(
                Host *host, const EngineResult *result, SwitchRecord *record, Error *reterr) {
        record->state = SWITCH_COMMITTED;
        int r = finish(host, result, record, reterr);
        if (r >= 0)
                r = store_moved(host, record, reterr);
        if (r >= 0)
                r = renewal_commit(host->database, record->id, reterr);
        return r < 0 ? r : drop_given_back(host, result->prepared, reterr);
}

int store_committed(Host *host, const EngineResult *result, SwitchRecord *record, Error *reterr) {
        return in_transaction(host, result, record, database_begin, write_committed, reterr);
}
