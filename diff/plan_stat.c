/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/plan_stat.h"

#include "diff/file_patch.h"
#include "diff/quote.h"

#include <string.h>

enum { GRAPH_WIDTH = 40 };

static const Entry *entry_of(const TreeChange *change) {
        return file_change_of(change) == FILE_REMOVED ? change->before : change->after;
}

static void add_path(Text *text, const TreeChange *change) {
        const Entry *entry = entry_of(change);
        text_add_name(text, entry_root_prefix(entry->root), entry->path);
}

void plan_to_names(const Plan *plan, Text *text) {
        for (size_t i = 0; i < plan->n_files; i++) {
                if (file_change_of(&plan->files[i]) == FILE_SAME)
                        continue;
                add_path(text, &plan->files[i]);
                text_add(text, "\n");
        }
}

typedef struct FileStat {
        char *path; /* as shown; owned */
        size_t n_added, n_removed;
        bool has_lines; /* else: a secret, a link, a binary file, attributes only */
} FileStat;

typedef struct Stat {
        FileStat *files;
        size_t n_files;
        size_t path_width, n_most; /* over all files */
} Stat;

static void stat_done(Stat *stat) {
        for (size_t i = 0; i < stat->n_files; i++)
                free(stat->files[i].path);
        free(stat->files);
}

/* The patch's own lines: what follows the first hunk's head. */
static void count(const char *patch, FileStat *file) {
        const char *line = strstr(patch, "\n@@ ");
        file->has_lines = line;
        while (line) {
                line++;
                file->n_added += *line == '+';
                file->n_removed += *line == '-';
                line = strchr(line, '\n');
        }
}

static int add_file(Stat *stat, const TreeChange *change, Contents *contents, Error *reterr) {
        cleanup(text_donep) Text patch = { 0 }, path = { 0 };
        FileStat *file = &stat->files[stat->n_files];
        int r = file_patch(contents, change, false, &patch, reterr);
        if (r < 0)
                return r;
        add_path(&path, change);
        if (patch.error < 0 || text_take(&path, &file->path) < 0)
                return error_oom(reterr);
        stat->n_files++;
        count(patch.data ? patch.data : "", file);
        size_t width = strlen(file->path), n = file->n_added + file->n_removed;
        stat->path_width = width > stat->path_width ? width : stat->path_width;
        stat->n_most = n > stat->n_most ? n : stat->n_most;
        return 0;
}

static void add_graph(const Stat *stat, Text *text, size_t n, char letter, const char *color) {
        size_t length = stat->n_most <= GRAPH_WIDTH ? n : n * GRAPH_WIDTH / stat->n_most;
        if (n > 0 && length == 0)
                length = 1;
        text_add(text, n > 0 ? color : "");
        for (size_t i = 0; i < length; i++)
                text_add_n(text, &letter, 1);
        text_add(text, n > 0 && *color ? "\033[m" : "");
}

static void add_row(const Stat *stat, const FileStat *file, bool color, Text *text) {
        text_addf(text, " %-*s | ", (int) stat->path_width, file->path);
        if (!file->has_lines) {
                text_add(text, "not by lines\n");
                return;
        }
        text_addf(text, "%5zu ", file->n_added + file->n_removed);
        add_graph(stat, text, file->n_added, '+', color ? "\033[32m" : "");
        add_graph(stat, text, file->n_removed, '-', color ? "\033[31m" : "");
        text_add(text, "\n");
}

static void add_total(const Stat *stat, Text *text) {
        size_t n_added = 0, n_removed = 0;
        for (size_t i = 0; i < stat->n_files; i++) {
                n_added += stat->files[i].n_added;
                n_removed += stat->files[i].n_removed;
        }
        if (stat->n_files > 0)
                text_addf(text, " %zu file%s changed, %zu insertion%s(+), %zu deletion%s(-)\n",
                                stat->n_files, stat->n_files == 1 ? "" : "s", n_added,
                                n_added == 1 ? "" : "s", n_removed, n_removed == 1 ? "" : "s");
}

int plan_to_stat(const Plan *plan, Contents *contents, bool color, Text *text, Error *reterr) {
        cleanup(stat_done) Stat stat = { .files = calloc(plan->n_files + 1, sizeof(FileStat)) };
        if (!stat.files)
                return error_oom(reterr);
        for (size_t i = 0; i < plan->n_files; i++) {
                if (file_change_of(&plan->files[i]) == FILE_SAME)
                        continue;
                int r = add_file(&stat, &plan->files[i], contents, reterr);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < stat.n_files; i++)
                add_row(&stat, &stat.files[i], color, text);
        add_total(&stat, text);
        return text->error < 0 ? error_oom(reterr) : 0;
}
