/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "diff/file_patch.h"

#include "diff/git.h"
#include "diff/quote.h"

#include <errno.h>
#include <string.h>

/* One side of a file: what git would call a blob and its mode. */
typedef struct Side {
        const Entry *entry; /* NULL: not there */
        const char *data;
        size_t size_bytes;
} Side;

typedef struct Patch {
        const Git *git; /* NULL: no contents were compared yet */
        Side old, new;
        bool color;
        Text *text;
} Patch;

static bool is_there(const Entry *entry) {
        return entry && entry->kind != ENTRY_ABSENT &&
               !(entry->kind == ENTRY_DIRECTORY && entry->implied);
}

FileChange file_change_of(const TreeChange *change) {
        bool before = is_there(change->before), after = is_there(change->after);
        if (before && after)
                return FILE_CHANGED;
        return before ? FILE_REMOVED : after ? FILE_ADDED : FILE_SAME;
}

char file_change_letter(FileChange change) {
        static const char letters[] = {
                [FILE_SAME] = ' ', [FILE_ADDED] = 'A', [FILE_REMOVED] = 'D', [FILE_CHANGED] = 'M'
        };
        return letters[change];
}

/* Header lines are bold, as git's. */
static void begin_header(const Patch *patch) {
        if (patch->color)
                text_add(patch->text, "\033[1m");
}

static void end_header(const Patch *patch) {
        text_add(patch->text, patch->color ? "\033[m\n" : "\n");
}

static void header_name(
                const Patch *patch, const char *before, const char *side, const Entry *entry) {
        const char *root = entry_root_prefix(entry->root);
        char prefix[16];
        (void) snprintf(prefix, sizeof(prefix), "%s%s%s", side, *root == '/' ? "" : "/",
                        root); /* "a/hooks/" at most */
        text_add(patch->text, before);
        text_add_name(patch->text, prefix, entry->path);
}

static unsigned git_mode(const Entry *entry) {
        if (entry->kind == ENTRY_LINK)
                return 0120000;
        return (entry->kind == ENTRY_DIRECTORY ? 0040000u : 0100000u) | entry->mode;
}

static void add_mode_line(const Patch *patch, const char *what, unsigned mode) {
        begin_header(patch);
        text_addf(patch->text, "%s %06o", what, mode);
        end_header(patch);
}

static void add_owner_line(const Patch *patch, const char *what, const Entry *entry) {
        begin_header(patch);
        text_addf(patch->text, "%s %s:%s", what, entry->owner, entry->group);
        end_header(patch);
}

static bool is_roots(const Entry *entry) {
        return strcmp(entry->owner, "root") == 0 && strcmp(entry->group, "root") == 0;
}

/* git knows no owners: said in lines of the same form, and only where it is not root's. */
static void add_attributes(const Patch *patch) {
        const Entry *old = patch->old.entry, *new = patch->new.entry;
        if (old && new) {
                if (git_mode(old) != git_mode(new)) {
                        add_mode_line(patch, "old mode", git_mode(old));
                        add_mode_line(patch, "new mode", git_mode(new));
                }
                if (strcmp(old->owner, new->owner) != 0 || strcmp(old->group, new->group) != 0) {
                        add_owner_line(patch, "old owner", old);
                        add_owner_line(patch, "new owner", new);
                }
                return;
        }
        const Entry *entry = new ? new : old;
        bool directory = entry->kind == ENTRY_DIRECTORY;
        if (new)
                add_mode_line(patch, directory ? "new directory mode" : "new file mode",
                                git_mode(new));
        else
                add_mode_line(patch, directory ? "deleted directory mode" : "deleted file mode",
                                git_mode(old));
        if (!is_roots(entry))
                add_owner_line(patch, new ? "new owner" : "deleted owner", entry);
}

static int blob_name(const Git *git, const Side *side, char *ret_name, size_t size) {
        git_oid oid = { 0 };
        if (side->entry && git->odb_hash(&oid, side->data, side->size_bytes, GIT_OBJECT_BLOB) < 0)
                return -EIO;
        (void) git->oid_tostr(ret_name, size, &oid);
        return 0;
}

static int add_index_line(const Patch *patch, Error *reterr) {
        char old[8], new[8];
        if (blob_name(patch->git, &patch->old, old, sizeof(old)) < 0 ||
                        blob_name(patch->git, &patch->new, new, sizeof(new)) < 0)
                return error_set(
                                reterr, -EIO, "Cannot name the contents of a file: libgit2 failed");
        begin_header(patch);
        text_addf(patch->text, "index %s..%s", old, new);
        if (patch->old.entry &&
                        patch->new.entry &&git_mode(patch->old.entry) == git_mode(patch->new.entry))
                text_addf(patch->text, " %06o", git_mode(patch->new.entry));
        end_header(patch);
        return 0;
}

static void add_file_lines(const Patch *patch) {
        begin_header(patch);
        if (patch->old.entry)
                header_name(patch, "--- ", "a", patch->old.entry);
        else
                text_add(patch->text, "--- /dev/null");
        end_header(patch);
        begin_header(patch);
        if (patch->new.entry)
                header_name(patch, "+++ ", "b", patch->new.entry);
        else
                text_add(patch->text, "+++ /dev/null");
        end_header(patch);
}

static void add_differ_line(const Patch *patch, const char *what) {
        if (patch->old.entry)
                header_name(patch, what, "a", patch->old.entry);
        else
                text_addf(patch->text, "%s/dev/null", what);
        if (patch->new.entry)
                header_name(patch, " and ", "b", patch->new.entry);
        else
                text_add(patch->text, " and /dev/null");
        text_add(patch->text, " differ\n");
}

static void add_line(const Patch *patch, const git_diff_line *line) {
        const char *color = NULL;
        bool marker = line->origin == GIT_DIFF_LINE_CONTEXT_EOFNL ||
                      line->origin == GIT_DIFF_LINE_ADD_EOFNL ||
                      line->origin == GIT_DIFF_LINE_DEL_EOFNL;
        if (patch->color && line->origin == GIT_DIFF_LINE_ADDITION)
                color = "\033[32m";
        if (patch->color && line->origin == GIT_DIFF_LINE_DELETION)
                color = "\033[31m";
        if (color)
                text_add(patch->text, color);
        if (!marker) /* "\n\ No newline at end of file\n" brings all of itself */
                text_add_n(patch->text, &line->origin, 1);
        size_t length = line->content_len;
        bool newline = length > 0 && line->content[length - 1] == '\n';
        text_add_n(patch->text, line->content, newline ? length - 1 : length);
        if (color)
                text_add(patch->text, "\033[m");
        if (newline)
                text_add(patch->text, "\n");
}

static int add_hunk(const Patch *patch, git_patch *lines, size_t nth) {
        const git_diff_hunk *hunk;
        size_t n_lines;
        if (patch->git->patch_get_hunk(&hunk, &n_lines, lines, nth) < 0)
                return -EIO;
        size_t length = hunk->header_len;
        while (length > 0 && hunk->header[length - 1] == '\n')
                length--;
        const char *name = memmem(
                        hunk->header + 2, length - 2, "@@", 2); /* the line it is in follows */
        size_t range = name ? (size_t) (name - hunk->header) + 2 : length;
        if (patch->color)
                text_add(patch->text, "\033[36m");
        text_add_n(patch->text, hunk->header, range);
        if (patch->color)
                text_add(patch->text, "\033[m");
        text_add_n(patch->text, hunk->header + range, length - range);
        text_add(patch->text, "\n");
        for (size_t i = 0; i < n_lines; i++) {
                const git_diff_line *line;
                if (patch->git->patch_get_line_in_hunk(&line, lines, nth, i) < 0)
                        return -EIO;
                add_line(patch, line);
        }
        return 0;
}

static int add_contents(const Patch *patch, git_patch *lines, Error *reterr) {
        if (patch->git->patch_get_delta(lines)->flags & GIT_DIFF_FLAG_BINARY) {
                add_differ_line(patch, "Binary files ");
                return 0;
        }
        size_t n_hunks = patch->git->patch_num_hunks(lines);
        if (n_hunks > 0)
                add_file_lines(patch);
        for (size_t i = 0; i < n_hunks; i++)
                if (add_hunk(patch, lines, i) < 0)
                        return error_set(reterr, -EIO, "Cannot compare two files: libgit2 failed");
        return 0;
}

/* Started once for the run: starting and ending it for each file costs more than the patch. */
static int start_git(const Git **ret_git, Error *reterr) {
        static bool started;
        const Git *git = git_load();
        if (!git)
                return error_set(
                                reterr, -ENOENT, "libgit2, which compares texts, is not installed");
        if (!started && git->libgit2_init() < 0)
                return error_set(reterr, -EIO, "libgit2 does not start");
        started = true;
        *ret_git = git;
        return 0;
}

static int compare_contents(Patch *patch, Error *reterr) {
        int r = start_git(&patch->git, reterr);
        if (r < 0)
                return r;
        r = add_index_line(patch, reterr);
        if (r < 0)
                return r;
        git_diff_options options;
        if (patch->git->diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION) < 0)
                return error_set(reterr, -EIO, "Cannot compare two files: libgit2 failed");
        options.flags = GIT_DIFF_INDENT_HEURISTIC; /* git's default */
        git_patch *lines = NULL;
        const Side *old = &patch->old, *new = &patch->new;
        if (patch->git->patch_from_buffers(&lines, old->entry ? old->data : NULL, old->size_bytes,
                            "a", new->entry ? new->data : NULL, new->size_bytes, "b", &options) < 0)
                return error_set(reterr, -EIO, "Cannot compare two files: libgit2 failed");
        r = add_contents(patch, lines, reterr);
        patch->git->patch_free(lines);
        return r;
}

static int load_side(Contents *contents, const Entry *entry, Side *ret_side, Error *reterr) {
        *ret_side = (Side){ .entry = entry, .data = "" };
        if (!entry)
                return 0;
        if (entry->kind == ENTRY_LINK)
                *ret_side = (Side){ entry, entry->target, strlen(entry->target) };
        if (entry->kind != ENTRY_FILE)
                return 0;
        int r = content_load(contents, entry->content, reterr);
        if (r < 0)
                return r;
        *ret_side = (Side){ entry, entry->content->data, entry->content->size_bytes };
        return 0;
}

static int add_side_by_side(Contents *contents,
                const Entry *before,
                const Entry *after,
                bool color,
                Text *text,
                Error *reterr) {
        const Entry *entry = after ? after : before;
        Patch patch = { .old.entry = before, .new.entry = after, .color = color, .text = text };
        begin_header(&patch);
        header_name(&patch, "diff --git ", "a", entry);
        header_name(&patch, " ", "b", entry);
        end_header(&patch);
        add_attributes(&patch);
        if (entry->kind == ENTRY_DIRECTORY || (before && after && entry_same_bytes(before, after)))
                return 0;
        if ((before && before->secret) || (after && after->secret)) {
                add_differ_line(&patch, "Secret files ");
                return 0;
        }
        int r = load_side(contents, before, &patch.old, reterr);
        if (r < 0)
                return r;
        r = load_side(contents, after, &patch.new, reterr);
        return r < 0 ? r : compare_contents(&patch, reterr);
}

int file_patch(Contents *contents,
                const TreeChange *change,
                bool color,
                Text *text,
                Error *reterr) {
        const Entry *before = is_there(change->before) ? change->before : NULL;
        const Entry *after = is_there(change->after) ? change->after : NULL;
        if (!before && !after)
                return 0;
        int r;
        if (before && after && before->kind != after->kind) { /* git: one goes, another comes */
                r = add_side_by_side(contents, before, NULL, color, text, reterr);
                if (r >= 0)
                        r = add_side_by_side(contents, NULL, after, color, text, reterr);
        } else
                r = add_side_by_side(contents, before, after, color, text, reterr);
        if (r < 0)
                return r;
        return text->error < 0 ? error_oom(reterr) : 0;
}
