/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Sources for tests, written as a list, and what render() makes of them, as text. */

#include "diff/render.h"

typedef struct SampleFile {
        const char *path; /* NULL ends the list; "units/empty/": a directory */
        const char *text; /* "-> TARGET": a link; "#!...": an executable file */
} SampleFile;

/* A unit of the distribution, for Enable= and Disable=. */
typedef struct SampleUnit {
        const char *name; /* NULL ends the list */
        const char *path; /* NULL: a SysV script only */
        const char *text;
} SampleUnit;

/* Renders; units NULL: no host at hand. The caller frees all with sample_done(). */
typedef struct Sample {
        Contents *contents;
        Source *source;
        const SampleUnit *units;
        Tree *tree;
        Error error;
} Sample;

/* Builds the source and renders nothing yet. */
void sample_prepare(Sample *sample, const SampleFile *files, const SampleUnit *units);
/* What render() does with a prepared source. */
int sample_render_prepared(Sample *sample);
/* Both. */
int sample_render(Sample *sample, const SampleFile *files, const SampleUnit *units);
void sample_done(Sample *sample);

/* One line an entry: "etc/motd file 0644 root:root", "… link TARGET", "… absent", "… directory 0755
 * root:root implied", with "secret" behind. From malloc(). */
char *sample_describe(const Tree *tree);

/* Renders and compares: with the lines of want (implied directories left out), or, when it begins
 * with '!', with the error. */
void sample_check(const char *name,
                const SampleFile *files,
                const SampleUnit *units,
                const char *want);
/* The same without the lines of files: what is left are links and what is absent. */
void sample_check_without_files(const char *name,
                const SampleFile *files,
                const SampleUnit *units,
                const char *want);
