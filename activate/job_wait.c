/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A job is ASKED for by a call, QUEUED once the reply names it, and ENDED by the signal JobRemoved
 * with its number, or by an error in reply.
 *
 *   1. The match for JobRemoved stands before the first call: no end is missed. Replies and signals
 *      come in the order in which they were sent, so a job's number is known before its end.
 *   2. Several jobs of ours may be one of the manager's (a restart that joins a start): each of
 * them ends with it.
 *   3. A lost connection means that the manager executes itself anew. It keeps its jobs, with their
 *      numbers. Once there is a new connection, with its matches, each unit is asked for its job:
 * it has one, then that is waited for; it has none, then the unit's state tells what became of it,
 * or, when the call was never taken, that it must be made again.
 *   4. A Job's stage only goes up, and nothing is written into a job that ENDED but active_state.
 */

#include "activate/job_wait.h"

#include "activate/call_batch.h"
#include "activate/unit_look.h"
#include "base/map.h"

#include <errno.h>
#include <string.h>

enum {
        KNOCK_USEC = 10 * 1000,
        MAX_LOSSES = 5,
};

struct JobWait {
        Systemd *systemd;
        Arena arena;
        Map by_object; /* Job *, the latest of a unit */
        Job **open;    /* ASKED or QUEUED */
        size_t n_open, n_allocated;
        unsigned n_events;
        sd_bus *bus; /* that the matches are on: another one, when the connection was lost */
        sd_bus_slot *removed_slot, *changed_slot;
        uint64_t lost_usec; /* since when the connection is lost; 0 it is there */
        unsigned n_losses;
        int error; /* of a handler, which cannot return it */
};

static bool is_state(const Job *job, const char *state) {
        return strcmp(job->active_state, state) == 0;
}

static void close_job(JobWait *wait, const Job *job) {
        for (size_t i = 0; i < wait->n_open; i++)
                if (wait->open[i] == job) {
                        wait->open[i] = wait->open[--wait->n_open];
                        break;
                }
}

static void end_job(JobWait *wait, Job *job, JobOutcome outcome, const char *message) {
        job->slot = sd_bus_slot_unref(job->slot);
        job->stage = JOB_ENDED;
        job->outcome = outcome;
        job->message = message;
        job->end_usec = now_usec();
        job->is_settled = true;
        wait->n_events++;
        close_job(wait, job);
}

void job_wait_give_up(JobWait *wait, Job *job, JobOutcome outcome, const char *message) {
        if (job->stage != JOB_ENDED)
                end_job(wait, job, outcome, message);
}

unsigned job_wait_n_events(const JobWait *wait) {
        return wait->n_events;
}

/* A handler's errors stop the next turn. */
static int handler_failed(JobWait *wait, int r) {
        if (wait->error >= 0)
                wait->error = r;
        return 0;
}

static int on_job_removed(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error) {
        (void) ret_error; /* only a method's handler uses it */
        JobWait *wait = userdata;
        uint32_t id;
        const char *path, *unit, *result;
        int r = sd_bus_message_read(signal, "uoss", &id, &path, &unit, &result);
        if (r < 0)
                return handler_failed(wait, r);
        for (size_t i = wait->n_open; i-- > 0;) { /* the end of one puts the last in its place */
                Job *job = wait->open[i];
                if (job->stage != JOB_QUEUED || job->id != id)
                        continue;
                job->job_result = arena_strdup(&wait->arena, result);
                if (!job->job_result)
                        return handler_failed(wait, -ENOMEM);
                const char *message;
                JobOutcome outcome = job_outcome_from_result(result, &message);
                end_job(wait, job, outcome, message);
        }
        return 0;
}

/* Finds ActiveState among the properties that changed. Returns 1 when it is there. */
static int read_active_state(sd_bus_message *signal, const char **ret_state) {
        const char *interface, *property;
        int r = sd_bus_message_read(signal, "s", &interface);
        if (r >= 0)
                r = sd_bus_message_enter_container(signal, 'a', "{sv}");
        while (r >= 0 && (r = sd_bus_message_enter_container(signal, 'e', "sv")) > 0) {
                r = sd_bus_message_read(signal, "s", &property);
                if (r >= 0 && strcmp(property, "ActiveState") == 0) {
                        r = sd_bus_message_read(signal, "v", "s", ret_state);
                        return r < 0 ? r : 1;
                }
                if (r >= 0)
                        r = sd_bus_message_skip(signal, "v");
                if (r >= 0)
                        r = sd_bus_message_exit_container(signal);
        }
        return r;
}

static void hear_state(JobWait *wait, Job *job, const char *state) {
        (void) snprintf(job->active_state, sizeof(job->active_state), "%s",
                        state); /* a longer one no systemd has */
        wait->n_events++;
        if (job->stage == JOB_ENDED)
                return;
        if (is_state(job, "deactivating") && job->stopping_usec == 0)
                job->stopping_usec = now_usec();
        if (is_state(job, "activating") || is_state(job, "reloading"))
                job->is_settled = true;
}

static int on_changed(sd_bus_message *signal, void *userdata, sd_bus_error *ret_error) {
        (void) ret_error; /* only a method's handler uses it */
        JobWait *wait = userdata;
        Job *job = map_get(&wait->by_object, sd_bus_message_get_path(signal));
        if (!job)
                return 0;
        const char *state;
        int r = read_active_state(signal, &state);
        if (r < 0)
                return handler_failed(wait, r);
        if (r > 0)
                hear_state(wait, job, state);
        return 0;
}

static int add_matches(JobWait *wait) {
        Systemd *systemd = wait->systemd;
        wait->removed_slot = sd_bus_slot_unref(wait->removed_slot);
        wait->changed_slot = sd_bus_slot_unref(wait->changed_slot);
        wait->bus = NULL;
        cleanup(sd_bus_message_unrefp) sd_bus_message *subscribe = NULL;
        int r = connection_new_call(systemd, "Subscribe", &subscribe);
        if (r >= 0)
                r = sd_bus_match_signal(systemd->bus, &wait->removed_slot, NULL, MANAGER_PATH,
                                MANAGER_INTERFACE, "JobRemoved", on_job_removed, wait);
        if (r >= 0)
                r = sd_bus_add_match(systemd->bus, &wait->changed_slot,
                                "type='signal',interface='" PROPERTIES_INTERFACE
                                "',member='PropertiesChanged',arg0='" UNIT_INTERFACE "'",
                                on_changed, wait);
        /* No reply is waited for: what is sent next is handled after it. */
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(subscribe, 0);
        if (r >= 0)
                r = sd_bus_send(systemd->bus, subscribe, NULL);
        if (r >= 0)
                wait->bus = systemd->bus;
        return r;
}

int job_wait_new(Systemd *systemd, JobWait **ret_wait, Error *reterr) {
        cleanup(job_wait_freep) JobWait *wait = calloc(1, sizeof(JobWait));
        if (!wait)
                return error_oom(reterr);
        wait->systemd = systemd;
        int r = add_matches(wait);
        if (r < 0 && !connection_is_lost(systemd))
                return call_fold_result(systemd, r, reterr);
        *ret_wait = TAKE(wait);
        return 0;
}

JobWait *job_wait_free(JobWait *wait) {
        if (!wait)
                return NULL;
        for (size_t i = 0; i < wait->n_open; i++)
                wait->open[i]->slot = sd_bus_slot_unref(wait->open[i]->slot);
        sd_bus_slot_unref(wait->removed_slot);
        sd_bus_slot_unref(wait->changed_slot);
        map_done(&wait->by_object);
        arena_done(&wait->arena);
        free(wait->open);
        free(wait);
        return NULL;
}

static int read_job_id(sd_bus_message *reply, uint32_t *ret_id) {
        const char *path;
        int r = sd_bus_message_read(reply, "o", &path);
        if (r < 0)
                return r;
        const char *number = strrchr(path, '/');
        char *end;
        errno = 0;
        unsigned long id = strtoul(number + 1, &end, 10);
        if (errno != 0 || end == number + 1 || *end || id > UINT32_MAX)
                return -EBADMSG;
        *ret_id = (uint32_t) id;
        return 0;
}

/* userdata of a call's slot */
typedef struct Asked {
        JobWait *wait;
        Job *job;
} Asked;

static void on_refused(JobWait *wait, Job *job, const sd_bus_error *error) {
        /* What is not loaded does not run. */
        if (job->verb == VERB_STOP &&
                        sd_bus_error_has_name(error, "org.freedesktop.systemd1.NoSuchUnit")) {
                end_job(wait, job, JOB_SKIPPED, NULL);
                return;
        }
        const char *message = arena_strdup(&wait->arena, connection_error_text(error));
        end_job(wait, job, JOB_REFUSED, message);
}

static int on_asked(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        (void) ret_error; /* only a method's handler uses it */
        const Asked *asked = userdata;
        JobWait *wait = asked->wait;
        Job *job = asked->job;
        job->slot = sd_bus_slot_unref(job->slot);
        if (connection_is_lost(wait->systemd))
                return 0; /* looked up once there is a connection again */
        if (sd_bus_message_is_method_error(reply, SD_BUS_ERROR_NO_REPLY)) {
                end_job(wait, job, JOB_TIMEOUT, "systemd did not answer the call");
                return 0;
        }
        if (sd_bus_message_is_method_error(reply, NULL)) {
                on_refused(wait, job, sd_bus_message_get_error(reply));
                return 0;
        }
        int r = read_job_id(reply, &job->id);
        if (r < 0)
                return handler_failed(wait, r);
        job->stage = JOB_QUEUED;
        wait->n_events++;
        return 0;
}

static const char *method_of(const Job *job) {
        switch (job->verb) {
        case VERB_STOP:
                return "StopUnit";
        case VERB_START:
                return job->restart_for_start ? "RestartUnit" : "StartUnit";
        case VERB_RELOAD:
                return "ReloadUnit";
        default:
                return "RestartUnit";
        }
}

/* The reply is not waited for: that the unit is not loaded, or never failed, is as good. */
int job_wait_reset_failed(Systemd *systemd, const char *unit) {
        cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        int r = connection_new_call(systemd, "ResetFailedUnit", &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "s", unit);
        if (r >= 0)
                r = sd_bus_message_set_expect_reply(call, 0);
        return r < 0 ? r : sd_bus_send(systemd->bus, call, NULL);
}

static int send_call(JobWait *wait, Job *job) {
        Systemd *systemd = wait->systemd;
        Asked *asked = arena_new(&wait->arena, Asked, 1);
        if (!asked)
                return -ENOMEM;
        *asked = (Asked){ .wait = wait, .job = job };
        int r = 0;
        if (job->verb == VERB_START || job->verb == VERB_RESTART)
                r = job_wait_reset_failed(systemd, job->unit);
        cleanup(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        if (r >= 0)
                r = connection_new_call(systemd, method_of(job), &call);
        if (r >= 0)
                r = sd_bus_message_append(call, "ss", job->unit, "replace");
        if (r >= 0)
                r = sd_bus_call_async(systemd->bus, &job->slot, call, on_asked, asked, 0);
        if (r < 0)
                return r;
        job->was_sent = true;
        return 0;
}

static int open_job(JobWait *wait, Job *job) {
        if (wait->n_open == wait->n_allocated) {
                size_t n_wanted = wait->n_allocated * 2 + 16;
                Job **grown = realloc(wait->open, n_wanted * sizeof(Job *));
                if (!grown)
                        return -ENOMEM;
                wait->open = grown;
                wait->n_allocated = n_wanted;
        }
        cleanup_free char *object = NULL;
        int r = sd_bus_path_encode(MANAGER_PATH "/unit", job->unit, &object);
        if (r < 0)
                return r;
        job->object = arena_strdup(&wait->arena, object);
        if (!job->object)
                return -ENOMEM;
        r = map_put(&wait->by_object, job->object, job);
        if (r < 0)
                return r;
        wait->open[wait->n_open++] = job;
        return 0;
}

int job_wait_add(JobWait *wait, Job *job, Error *reterr) {
        int r = open_job(wait, job);
        if (r < 0)
                return call_fold_result(wait->systemd, r, reterr);
        job->stage = JOB_ASKED;
        job->begin_usec = now_usec();
        job->begin_realtime_usec = now_realtime_usec();
        wait->n_events++;
        if (connection_is_lost(wait->systemd) || wait->bus != wait->systemd->bus)
                return 0; /* asked for with the next turn */
        r = send_call(wait, job);
        if (r < 0 && !connection_is_lost(wait->systemd))
                return call_fold_result(wait->systemd, r, reterr);
        return 0;
}

/* What a unit says of its job, once the connection is there again. */
static int on_job_property(void *userdata, size_t nth, sd_bus_message *reply) {
        uint32_t *ids = userdata;
        const char *path;
        if (sd_bus_message_is_method_error(reply, NULL))
                return 0;
        return sd_bus_message_read(reply, "v", "(uo)", &ids[nth], &path);
}

static int ask_for_ids(JobWait *wait, Job *const *jobs, size_t n_jobs, uint32_t *ret_ids) {
        cleanup(call_batch_freep) CallBatch *batch = NULL;
        int r = call_batch_new(wait->systemd, on_job_property, ret_ids, &batch);
        for (size_t i = 0; r >= 0 && i < n_jobs; i++) {
                sd_bus_message *call = NULL;
                r = connection_new_get(
                                wait->systemd, jobs[i]->object, UNIT_INTERFACE, "Job", &call);
                if (r >= 0)
                        r = call_batch_add(batch, i, call, 0);
        }
        return r < 0 ? r : call_batch_run(batch);
}

int job_wait_join(JobWait *wait, Job *jobs, size_t n_jobs, Error *reterr) {
        cleanup_free uint32_t *ids = calloc(n_jobs + 1, sizeof(uint32_t));
        cleanup_free Job **idle = calloc(n_jobs + 1, sizeof(Job *));
        if (!ids || !idle)
                return error_oom(reterr);
        size_t n_idle = 0;
        int r = 0;
        for (size_t i = 0; r >= 0 && i < n_jobs; i++)
                if (jobs[i].stage == JOB_IDLE) {
                        idle[n_idle++] = &jobs[i];
                        r = open_job(wait, &jobs[i]);
                }
        if (r >= 0)
                r = ask_for_ids(wait, idle, n_idle, ids);
        for (size_t i = 0; i < n_idle; i++)
                if (r < 0 || ids[i] == 0)
                        close_job(wait, idle[i]);
                else {
                        idle[i]->id = ids[i];
                        idle[i]->stage = JOB_QUEUED;
                        idle[i]->begin_usec = now_usec();
                }
        return r < 0 ? call_fold_result(wait->systemd, r, reterr) : 0;
}

/* A job that is no more, and whose end was not heard. */
static void end_by_state(JobWait *wait, Job *job, const UnitLook *look) {
        bool is_on = unit_look_is_on(look) && !unit_look_is_failing(look);
        bool is_done = is_on;
        if (job->verb == VERB_STOP)
                is_done = !is_on;
        else if (job->verb != VERB_RELOAD && !is_on) /* a oneshot that ran, or a condition */
                is_done = !unit_look_is_failing(look) &&
                          (strcmp(look->result, "success") == 0 || !*look->result);
        end_job(wait, job, is_done ? JOB_DONE : JOB_FAILED,
                        is_done ? NULL
                                : "its end was missed while systemd executed itself anew, and "
                                  "the unit is not as it should be");
}

/* Was the call taken before the connection went, and the job carried out since? A unit that has
 * been unloaded tells nothing. */
static bool has_acted(const Job *job, const UnitLook *look) {
        if (!job->was_sent || job->verb == VERB_RELOAD) /* to reload once more does no harm */
                return false;
        if (job->verb == VERB_STOP)
                return !unit_look_is_on(look);
        return *look->invocation_id && strcmp(look->invocation_id, job->invocation_before) != 0;
}

static int look_up(JobWait *wait, Error *reterr) {
        size_t n_jobs = wait->n_open;
        cleanup_free uint32_t *ids = calloc(n_jobs + 1, sizeof(uint32_t));
        cleanup_free UnitLook *looks = calloc(n_jobs + 1, sizeof(UnitLook));
        cleanup_free Job **jobs = calloc(n_jobs + 1, sizeof(Job *));
        if (!ids || !looks || !jobs)
                return error_oom(reterr);
        for (size_t i = 0; i < n_jobs; i++) {
                jobs[i] = wait->open[i];
                looks[i].unit = jobs[i]->unit;
                jobs[i]->slot = sd_bus_slot_unref(jobs[i]->slot);
        }
        int r = ask_for_ids(wait, jobs, n_jobs, ids);
        if (r < 0)
                return call_fold_result(wait->systemd, r, reterr);
        r = unit_look(wait->systemd, looks, n_jobs, LOOK_RESULT, reterr);
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_jobs; i++) {
                Job *job = jobs[i];
                if (job->stage == JOB_ENDED) /* heard of in between */
                        continue;
                if (ids[i] != 0 && (job->stage == JOB_ASKED || ids[i] == job->id)) {
                        job->id = ids[i];
                        job->stage = JOB_QUEUED;
                } else if (job->stage == JOB_QUEUED || has_acted(job, &looks[i]))
                        end_by_state(wait, job, &looks[i]);
                else {
                        r = send_call(wait, job);
                        if (r < 0)
                                return call_fold_result(wait->systemd, r, reterr);
                }
        }
        return 0;
}

/* One step towards a connection with matches on it. */
static int restore(JobWait *wait, uint64_t until_usec, Error *reterr) {
        Systemd *systemd = wait->systemd;
        uint64_t now = now_usec();
        if (wait->lost_usec == 0) {
                wait->lost_usec = now;
                if (++wait->n_losses > MAX_LOSSES)
                        return error_set(reterr, -ECONNRESET,
                                        "The connection to %s was lost again and again",
                                        systemd->label);
        }
        int r = connection_is_lost(systemd) ? connection_restore(systemd) : 0;
        if (r < 0) {
                if (!systemd->address || now - wait->lost_usec > CONNECTION_RESTORE_USEC)
                        return error_set(reterr, -ECONNRESET,
                                        "The connection to %s was lost and could not be made again",
                                        systemd->label);
                uint64_t knock_usec = now + KNOCK_USEC;
                r = connection_turn(systemd, knock_usec < until_usec ? knock_usec : until_usec);
                return r < 0 ? call_fold_result(systemd, r, reterr) : 0;
        }
        r = add_matches(wait);
        if (r >= 0) {
                wait->lost_usec = 0;
                r = look_up(wait, reterr);
                if (r == -ECONNRESET)
                        wait->bus = NULL; /* gone again: the next turn sees to it */
                return r == -ECONNRESET ? 0 : r;
        }
        return connection_is_lost(systemd) ? 0 : call_fold_result(systemd, r, reterr);
}

int job_wait_turn(JobWait *wait, uint64_t until_usec, Error *reterr) {
        Systemd *systemd = wait->systemd;
        if (connection_is_lost(systemd) || wait->bus != systemd->bus)
                return restore(wait, until_usec, reterr);
        int r = connection_turn(systemd, until_usec);
        if (r >= 0)
                r = wait->error;
        return r < 0 ? call_fold_result(systemd, r, reterr) : 0;
}
