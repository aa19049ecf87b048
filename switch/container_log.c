/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/container_link.h"
#include "activate/journal.h"
#include "diff/quote.h"
#include "switch/container_verbs.h"
#include "switch/output.h"

#include <errno.h>
#include <string.h>

enum { DEFAULT_LINES = 50, MAX_LINES = 10000, TIMEOUT_USEC = 10 * 1000000 };

static void add_lines(char *lines, Text *text) {
        char *rest = lines;
        for (char *line; (line = strsep(&rest, "\n"));) {
                if (!*line && !rest)
                        break;
                text_add_line(text, line);
                text_add(text, "\n");
        }
}

/* Of one that is off, there is only what the host heard of it. */
static int add_unit_log(const char *name, size_t n_lines, Text *text, Error *reterr) {
        cleanup(arena_donep) Arena arena = { 0 };
        cleanup(journal_closep) Journal *journal = NULL;
        const char *unit = arena_printf(&arena, "container-%s.service", name);
        const char *const *lines = NULL;
        size_t n_found = 0;
        if (!unit)
                return error_oom(reterr);
        const JournalQuery query = { .unit = unit };
        int r = journal_open("", &journal);
        if (r >= 0)
                r = journal_tail(journal, &query, n_lines, &arena, &lines, &n_found);
        if (r < 0)
                return error_set_errno(reterr, r, "The journal");
        if (n_found == 0)
                return error_set(reterr, -ENOENT,
                                "Nothing is known of container %s: 'sysswitch container list' has "
                                "those that there are",
                                name);
        for (size_t i = 0; i < n_found; i++) {
                text_add_line(text, lines[i]);
                text_add(text, "\n");
        }
        return 0;
}

static int add_own_log(const char *name, pid_t leader, size_t n_lines, Text *text, Error *reterr) {
        cleanup(systemd_closep) Systemd *systemd = NULL;
        cleanup_free char *lines = NULL;
        const ContainerLogQuery query = { .n_lines = n_lines, .timeout_usec = TIMEOUT_USEC };
        int r = container_connect(name, leader, &systemd, reterr);
        if (r >= 0)
                r = container_log(systemd, &query, &lines, reterr);
        if (r < 0)
                return r;
        add_lines(lines, text);
        return 0;
}

int container_show_log(
                const Options *options, char **arguments, size_t n_arguments, Error *reterr) {
        (void) n_arguments; /* it is one */
        const char *name = arguments[0];
        size_t n_lines = options->limit ? options->limit : DEFAULT_LINES;
        cleanup(text_donep) Text text = { 0 };
        Output output;
        pid_t leader;
        if (n_lines > MAX_LINES)
                n_lines = MAX_LINES;
        output_init(&output, options);
        bool runs = container_leader(name, &leader, reterr) >= 0;
        int r = runs ? add_own_log(name, leader, n_lines, &text, reterr)
                     : add_unit_log(name, n_lines, &text, reterr);
        return r < 0 ? r : output_show(&output, &text, reterr);
}
