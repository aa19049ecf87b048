/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/diff/sample_source.h"

#include "base/text.h"
#include "tests/support/cmocka.h"

#include <errno.h>
#include <string.h>

static void add_file(Sample *sample, const SampleFile *file) {
        size_t length = strlen(file->path);
        char path[SOURCE_MAX_PATH_BYTES * 2];
        assert_true(length < sizeof(path));
        memcpy(path, file->path, length + 1);
        SourceEntry entry = { .path = path, .kind = SOURCE_FILE };
        if (path[length - 1] == '/') {
                path[length - 1] = 0;
                entry.kind = SOURCE_DIRECTORY;
        } else if (strncmp(file->text, "-> ", 3) == 0) {
                entry.kind = SOURCE_LINK;
                entry.target = file->text + 3;
        } else {
                entry.executable = strncmp(file->text, "#!", 2) == 0;
                size_t text_length = strlen(file->text);
                assert_int_equal(contents_add(sample->contents, file->text, text_length,
                                                 &entry.content, NULL),
                                0);
        }
        assert_int_equal(source_add(sample->source, &entry), 0);
}

static int read_unit(void *userdata,
                const char *unit,
                const char **ret_path,
                Content **ret_content,
                Error *reterr) {
        Sample *sample = userdata;
        for (const SampleUnit *known = sample->units; known->name; known++) {
                if (strcmp(known->name, unit) != 0)
                        continue;
                if (!known->path)
                        return DISTRIBUTION_SYSV_ONLY;
                *ret_path = known->path;
                int r = contents_add(sample->contents, known->text, strlen(known->text),
                                ret_content, reterr);
                return r < 0 ? r : DISTRIBUTION_UNIT;
        }
        return DISTRIBUTION_NO_UNIT;
}

void sample_prepare(Sample *sample, const SampleFile *files, const SampleUnit *units) {
        *sample = (Sample){
                .contents = contents_new(), .source = source_new("host"), .units = units
        };
        assert_non_null(sample->contents);
        assert_non_null(sample->source);
        for (; files->path; files++)
                add_file(sample, files);
        source_sort(sample->source);
}

int sample_render_prepared(Sample *sample) {
        const Distribution distribution = { .read_unit = read_unit, .userdata = sample };
        return render(sample->source, sample->contents, sample->units ? &distribution : NULL,
                        &sample->tree, &sample->error);
}

int sample_render(Sample *sample, const SampleFile *files, const SampleUnit *units) {
        sample_prepare(sample, files, units);
        return sample_render_prepared(sample);
}

void sample_done(Sample *sample) {
        tree_free(sample->tree);
        source_free(sample->source);
        contents_free(sample->contents);
}

char *sample_describe(const Tree *tree) {
        cleanup(text_donep) Text text = { 0 };
        for (size_t i = 0; i < tree->n_entries; i++) {
                const Entry *entry = &tree->entries[i];
                static const char *const kinds[] = { "file", "link", "directory", "absent" };
                text_addf(&text, "%s%s %s", entry_root_prefix(entry->root), entry->path,
                                kinds[entry->kind]);
                if (entry->kind == ENTRY_LINK)
                        text_addf(&text, " %s", entry->target);
                if (entry->kind == ENTRY_FILE || entry->kind == ENTRY_DIRECTORY)
                        text_addf(&text, " %04o %s:%s", entry->mode, entry->owner, entry->group);
                if (entry->implied)
                        text_add(&text, " implied");
                if (entry->secret)
                        text_add(&text, " secret");
                text_add(&text, "\n");
        }
        char *string = NULL;
        assert_int_equal(text_take(&text, &string), 0);
        return string;
}

static bool has(const char *line, size_t length, const char *part) {
        return memmem(line, length, part, strlen(part));
}

/* Implied directories say nothing that the paths below them do not. */
static char *describe_briefly(const Tree *tree, bool with_files) {
        char *lines = sample_describe(tree), *to = lines;
        for (const char *line = lines; *line;) {
                size_t length = strcspn(line, "\n") + 1;
                if (!has(line, length, " implied\n") &&
                                (with_files || !has(line, length, " file "))) {
                        memmove(to, line, length);
                        to += length;
                }
                line += length;
        }
        *to = 0;
        return lines;
}

static void check(const char *name,
                const SampleFile *files,
                const SampleUnit *units,
                const char *want,
                bool with_files) {
        Sample sample;
        int r = sample_render(&sample, files, units);
        cleanup_free char *got = r < 0 ? strdup(sample.error.message)
                                       : describe_briefly(sample.tree, with_files);
        if (*want == '!') {
                if (r >= 0 || strcmp(got, want + 1) != 0)
                        fail_msg("%s: refused with\n%s\nnot with\n%s", name,
                                        r < 0 ? got : "nothing", want + 1);
                assert_int_equal(r, -EBADMSG);
        } else if (r < 0 || strcmp(got, want) != 0)
                fail_msg("%s: rendered\n%s\nnot\n%s", name, got, want);
        sample_done(&sample);
}

void sample_check(const char *name,
                const SampleFile *files,
                const SampleUnit *units,
                const char *want) {
        check(name, files, units, want, true);
}

void sample_check_without_files(const char *name,
                const SampleFile *files,
                const SampleUnit *units,
                const char *want) {
        check(name, files, units, want, false);
}
