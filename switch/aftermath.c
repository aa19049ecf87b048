/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/aftermath.h"

#include "activate/unit_look.h"
#include "base/clock.h"
#include "state/record.h"
#include "switch/detach.h"
#include "switch/engine.h"
#include "switch/output.h"
#include "switch/recovery.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

enum {
        LOOK_MSEC = 50,
        /* From the end of the killed service until that of the recovery is queued takes systemd no
         * time; it may be at work on something else, though. */
        PATIENCE_USEC = 30 * 1000000,
        MAX_RECORDS = 20,
};

typedef enum Scene {
        SCENE_AT_WORK, /* one of the two services, or a switch that was begun since */
        SCENE_OPEN,    /* nobody is at work on the open switch */
        SCENE_WHOLE,
} Scene;

static int look_at_services(Systemd *systemd, bool *ret_at_work, Error *reterr) {
        UnitLook looks[] = { { .unit = DETACH_SERVICE }, { .unit = RECOVER_SERVICE } };
        int r = unit_look(systemd, looks, N_ELEMENTS(looks), LOOK_STATE, reterr);
        *ret_at_work = false;
        for (size_t i = 0; r >= 0 && i < N_ELEMENTS(looks); i++)
                if (unit_look_is_on(&looks[i]) ||
                                strcmp(looks[i].active_state, "deactivating") == 0)
                        *ret_at_work = true;
        return r;
}

static int look_at_host(Host *host, Scene *ret_scene, Error *reterr) {
        bool at_work = true;
        int r = host_connect(host, reterr);
        if (r >= 0)
                r = look_at_services(host->systemd, &at_work, reterr);
        if (r >= 0)
                r = recovery_is_needed(host, reterr);
        if (r >= 0)
                *ret_scene = at_work ? SCENE_AT_WORK : r > 0 ? SCENE_OPEN : SCENE_WHOLE;
        return r;
}

/* The switch is the oldest one that began since: its record may not be the last any more. */
static int tell(Host *host, uint64_t started_usec, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        SwitchRecord *records = NULL;
        const SwitchRecord *record = NULL;
        size_t n_records = 0;
        int r = host->database ? record_list(host->database, NULL, MAX_RECORDS, &arena, &records,
                                                 &n_records, reterr)
                               : 0;
        if (r < 0)
                return r;
        for (size_t i = 0; i < n_records; i++)
                if (records[i].started_usec >= started_usec)
                        record = &records[i];
        if (!record) {
                (void) fputs("sysswitch: It had not begun: nothing was changed\n",
                                stderr); /* there is nowhere else to tell it */
                return EXIT_REFUSED;
        }
        bool is_commit = record->state == SWITCH_COMMITTED;
        (void) fprintf(stderr, "sysswitch: Switch %lld was %s: generation %lld of %s is active\n",
                        (long long) record->id,
                        is_commit ? "complete before it was killed" : "undone",
                        (long long) (is_commit ? record->to_number : record->from_number),
                        record->profile); /* as above */
        return record->exit_status;
}

int aftermath_await(uint64_t started_usec, Error *reterr) {
        (void) fputs("sysswitch: The switch was killed: waiting for " RECOVER_SERVICE "\n",
                        stderr); /* there is nowhere else to tell it */
        uint64_t patience_end = now_usec() + PATIENCE_USEC;
        for (;;) {
                cleanup(host_donep) Host host;
                Scene scene = SCENE_OPEN;
                int r = host_open("/", "system", DATABASE_READ, &host, reterr);
                if (r >= 0)
                        r = look_at_host(&host, &scene, reterr);
                if (r >= 0 && scene == SCENE_WHOLE)
                        return tell(&host, started_usec, reterr);
                if (scene == SCENE_AT_WORK)
                        patience_end = now_usec() + PATIENCE_USEC;
                if (now_usec() < patience_end) {
                        (void) poll(NULL, 0, LOOK_MSEC); /* shorter does no harm */
                        continue;
                }
                if (r < 0)
                        return r;
                (void) fputs("sysswitch: It was not undone: see journalctl -u " RECOVER_SERVICE
                             ", and run sysswitch recover\n",
                                stderr); /* as above */
                return EXIT_NEEDS_RECOVER;
        }
}
