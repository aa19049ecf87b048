/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* replay DIRECTORY...: runs a fuzz target on every file there. For compilers without libFuzzer. */
#include "base/cleanup.h"
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>

static unsigned n_files;

static int run_file(const char *path, const struct stat *status, int type, struct FTW *ftw) {
        (void) ftw; /* the path says enough */
        if (type != FTW_F)
                return 0;
        size_t size_bytes = (size_t) status->st_size;
        cleanup_free uint8_t *data = malloc(size_bytes + 1);
        cleanup_file FILE *file = fopen(path, "re");
        if (!data || !file || fread(data, 1, size_bytes, file) != size_bytes) {
                (void) fprintf(stderr, "%s: %s\n", path, strerror(errno));
                return -1;
        }
        (void) printf("%s\n", path); /* the last one printed is the one that failed */
        (void) fflush(stdout);
        (void) LLVMFuzzerTestOneInput(data, size_bytes); /* always 0 */
        n_files++;
        return 0;
}

int main(int argc, char **argv) {
        for (int i = 1; i < argc; i++)
                if (nftw(argv[i], run_file, 16, FTW_PHYS) != 0)
                        return EXIT_FAILURE;
        return n_files > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
