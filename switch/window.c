/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/window.h"

#include "activate/manifest.h"
#include "activate/timer.h"
#include "base/clock.h"

#include <errno.h>
#include <string.h>
#include <time.h>

/* Of sysswitch-unconfirmed@.service: a transient timer can name no other service than its own. */
#define GUARD_TIMER "sysswitch-unconfirmed@guard.timer"
#define CONFIRM_TIMER "sysswitch-unconfirmed@window.timer"

int window_guard(Host *host, uint64_t at_most_usec, Error *reterr) {
        int r = timer_start(host->systemd, GUARD_TIMER, now_usec() + at_most_usec, reterr);
        return r < 0 ? error_prefix(reterr, "Cannot arm the timer of --confirm") : 0;
}

int window_open(Host *host, uint64_t time_usec, uint64_t *ret_confirm_by, Error *reterr) {
        int r = timer_start(host->systemd, CONFIRM_TIMER, now_usec() + time_usec, reterr);
        if (r < 0)
                return error_prefix(reterr, "Cannot arm the timer of --confirm");
        *ret_confirm_by = now_realtime_usec() + time_usec;
        Error ignored;
        (void) timer_stop(host->systemd, GUARD_TIMER, &ignored); /* what it starts then finds the
                                                                    same window, or none */
        return 0;
}

void window_disarm(Host *host) {
        Error ignored; /* a timer that fires for nothing does nothing */
        (void) timer_stop(host->systemd, GUARD_TIMER, &ignored);
        (void) timer_stop(host->systemd, CONFIRM_TIMER, &ignored);
}

int window_is_open(Host *host, Arena *arena, SwitchRecord *ret_record, Error *reterr) {
        if (!host->database)
                return 0;
        int r = manifest_is_there(&host->etc, reterr);
        if (r > 0)
                r = record_open_switch(host->database, arena, ret_record, reterr);
        return r <= 0 ? r : ret_record->confirm_by_usec > 0;
}

int window_refuse(Host *host, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        SwitchRecord record;
        int r = window_is_open(host, &arena, &record, reterr);
        if (r <= 0 || record.confirm_by_usec <= now_realtime_usec())
                return r < 0 ? r : 0;
        time_t until = (time_t) (record.confirm_by_usec / 1000000);
        struct tm local;
        char when[32] = "?";
        if (localtime_r(&until, &local))
                (void) strftime(when, sizeof(when), "%H:%M:%S", &local); /* fits */
        bool is_own = strcmp(record.profile, "system") == 0;
        return error_set(reterr, -EBUSY,
                        "Generation %lld%s%s waits for its confirmation until %s: sysswitch "
                        "confirm keeps it, sysswitch %s%s%srollback takes it back",
                        (long long) record.to_number, is_own ? "" : " of ",
                        is_own ? "" : record.profile, when, is_own ? "" : "-p ",
                        is_own ? "" : record.profile, is_own ? "" : " ");
}
