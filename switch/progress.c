/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/progress.h"

#include "diff/plan_text.h"
#include "diff/quote.h"

#include <string.h>

enum { FIRST_TOLD_USEC = 10000000 }; /* then at twice the age, and so on */

void progress_view_clear(ProgressView *view) {
        if (!view->is_drawn)
                return;
        printf("\r\033[K");
        view->is_drawn = false;
}

/* One screen line at most: what wraps cannot be drawn over. Unit names are ASCII, so that bytes are
 * columns. */
void progress_view_draw(ProgressView *view, const char *line) {
        if (view->silent)
                return;
        if (view->output->stream)
                (void) stream_add(view->output->stream, FRAME_LIVE, line,
                                strlen(line)); /* the switch matters more than the telling */
        if (!view->output->terminal)
                return;
        progress_view_clear(view);
        printf("%.*s", (int) view->output->width - 1, line);
        (void) fflush(stdout); /* output_close() tells */
        view->is_drawn = true;
}

static void print_line(ProgressView *view, Text *text) {
        if (view->silent || text->error < 0)
                return; /* the switch matters more than the telling */
        progress_view_clear(view);
        printf("%s\n", text->data);
        (void) fflush(stdout); /* output_close() tells */
}

/* What a terminal shows in its live line. */
static void print_plain(ProgressView *view, Text *text) {
        if (!view->output->stream) {
                if (!view->output->terminal)
                        print_line(view, text);
                return;
        }
        text_add(text, "\n");
        if (view->silent || text->error < 0 || fflush(stdout) != 0)
                return; /* as above */
        (void) stream_add(
                        view->output->stream, FRAME_PLAIN, text->data, text->length); /* as above */
}

static const char *ellipsis(const ProgressView *view) {
        return view->output->ascii ? "..." : "…";
}

void progress_view_step(void *userdata, const char *step) {
        ProgressView *view = userdata;
        cleanup(text_donep) Text text = { 0 };
        text_add_line(&text, step);
        print_line(view, &text);
}

void progress_view_output(void *userdata, const char *line) {
        ProgressView *view = userdata;
        cleanup(text_donep) Text text = { 0 };
        text_add(&text, "  ");
        text_add_line(&text, line);
        print_line(view, &text);
}

static const char *outcome_text(JobOutcome outcome) {
        return outcome == JOB_TIMEOUT ? "timed out" : job_outcome_to_string(outcome);
}

static void tell_end(ProgressView *view, const Progress *progress) {
        Style style = job_outcome_is_bad(progress->outcome) ? STYLE_RED : STYLE_GREEN;
        cleanup(text_donep) Text text = { 0 };
        text_addf(&text, "%s %s %s %s%s%s, ", verb_present(progress->verb), progress->unit,
                        ellipsis(view), style_begin(view->output, style),
                        outcome_text(progress->outcome), style_end(view->output, style));
        text_add_span(&text, progress->age_usec);
        print_line(view, &text);
}

static void draw_running(ProgressView *view, const Progress *progress) {
        cleanup(text_donep) Text text = { 0 };
        text_addf(&text, "[%u/%u] %s %s", progress->n_ended, progress->n_total,
                        verb_present(progress->verb), progress->unit);
        if (progress->age_usec >= 1000000) {
                text_add(&text, ", ");
                text_add_span(&text, progress->age_usec);
        }
        if (text.error >= 0)
                progress_view_draw(view, text.data);
}

/* Where no line can be drawn over: only what takes long, ever more seldom. */
static void tell_waiting(ProgressView *view, const Progress *progress) {
        if (view->next_told_usec == 0 || progress->age_usec < view->next_told_usec / 4)
                view->next_told_usec = FIRST_TOLD_USEC; /* another job is the oldest now */
        if (progress->age_usec < view->next_told_usec)
                return;
        while (view->next_told_usec <= progress->age_usec)
                view->next_told_usec *= 2;
        cleanup(text_donep) Text text = { 0 };
        text_addf(&text, "%s %s %s still running after ", verb_present(progress->verb),
                        progress->unit, ellipsis(view));
        text_add_span(&text, progress->age_usec);
        print_plain(view, &text);
}

void progress_view_progress(void *userdata, const Progress *progress) {
        ProgressView *view = userdata;
        cleanup(text_donep) Text text = { 0 };
        switch (progress->kind) {
        case PROGRESS_BEGIN:
                draw_running(view, progress);
                break;
        case PROGRESS_WAIT:
                draw_running(view, progress);
                tell_waiting(view, progress);
                break;
        case PROGRESS_END:
                tell_end(view, progress);
                break;
        case PROGRESS_DAEMON:
                progress_view_draw(view, "Reloading systemd");
                text_add(&text, "Reloading systemd");
                print_plain(view, &text);
                break;
        }
}
