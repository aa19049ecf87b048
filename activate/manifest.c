/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/manifest.h"

#include "activate/bytes.h"
#include "activate/slots.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#define LIB_WORD "lib "
#define FIRST_LINE "sysswitch manifest 1"

static const char *const verbs[] = {
        [FIT_PLACE] = "place",
        [FIT_EXCHANGE] = "exchange",
        [FIT_REMOVE] = "remove",
        [FIT_ATTRIBUTES] = "attributes",
};

static const char *const kinds[] = {
        [FOUND_FILE] = "file",
        [FOUND_LINK] = "link",
        [FOUND_DIRECTORY] = "directory",
};

static void add_escaped(Text *text, const char *part) {
        for (; *part; part++) {
                unsigned char byte = (unsigned char) *part;
                if (byte <= ' ' || byte == 0x7f || byte == '%')
                        text_addf(text, "%%%02X", byte);
                else
                        text_add_n(text, part, 1);
        }
}

static void add_header(Text *text, const char *name, const char *value) {
        text_addf(text, "%s ", name);
        add_escaped(text, value);
        text_add(text, "\n");
}

static void add_unit(Text *text, const UnitBefore *unit) {
        text_addf(text, "unit %u %s %s %u %s ", unit->uid, unit->was_on ? "on" : "off",
                        *unit->invocation_id ? unit->invocation_id : "-", unit->phases,
                        unit->runs_again ? "again" : "once");
        add_escaped(text, unit->unit);
        text_add(text, "\n");
}

static void add_operation(Text *text, const ManifestOperation *operation) {
        const Staged *staged = &operation->staged;
        text_add(text, operation->root == ROOT_LIB ? LIB_WORD : "");
        text_addf(text, "%s %zu ", verbs[operation->verb], operation->slot);
        if (operation->verb == FIT_ATTRIBUTES)
                text_addf(text, "%04o %u %u %04o %u %u ", operation->old_mode, operation->old_uid,
                                operation->old_gid, staged->mode, staged->uid, staged->gid);
        else if (operation->verb != FIT_REMOVE) {
                char hex[DIGEST_HEX_SIZE];
                text_addf(text, "%s %04o %u %u %ju %jd %s ", kinds[staged->kind], staged->mode,
                                staged->uid, staged->gid, (uintmax_t) staged->size_bytes,
                                (intmax_t) staged->mtime_nsec, digest_to_hex(&staged->digest, hex));
                text_addf(text, "%s ",
                                staged->has_twin ? digest_to_hex(&staged->xattrs, hex) : "-");
        }
        add_escaped(text, operation->path);
        text_add(text, "\n");
}

int manifest_format(const Manifest *manifest, char **ret_text) {
        cleanup(text_donep) Text text = { 0 };
        text_add(&text, FIRST_LINE "\n");
        add_header(&text, "switch", manifest->switch_id);
        add_header(&text, "from", manifest->from);
        add_header(&text, "to", manifest->to);
        text_addf(&text, "units %zu\n", manifest->n_units);
        for (size_t i = 0; i < manifest->n_units; i++)
                add_unit(&text, &manifest->units[i]);
        for (size_t i = 0; i < manifest->n_operations; i++)
                add_operation(&text, &manifest->operations[i]);
        text_addf(&text, "end %zu ", manifest->n_operations);
        if (text.error < 0)
                return text.error;
        Digest digest;
        int r = digest_of(text.data, text.length, &digest);
        if (r < 0)
                return r;
        char hex[DIGEST_HEX_SIZE];
        text_addf(&text, "%s\n", digest_to_hex(&digest, hex));
        return text_take(&text, ret_text);
}

/* The words of a line, one after another. The first that is wrong sticks. */
typedef struct Line {
        char *rest; /* NULL: at the end */
        bool is_wrong;
} Line;

static char *take_word(Line *line) {
        char *word = line->rest ? strsep(&line->rest, " ") : NULL;
        if (!word || !*word)
                line->is_wrong = true;
        return line->is_wrong ? NULL : word;
}

static uint64_t take_number(Line *line, int base, uint64_t most) {
        const char *word = take_word(line);
        if (!word)
                return 0;
        char *end = NULL;
        errno = 0;
        uint64_t number = strtoull(word, &end, base);
        if (errno != 0 || *end || *word < '0' || *word > '9' || number > most)
                line->is_wrong = true;
        return number;
}

static int64_t take_signed(Line *line) {
        const char *word = take_word(line);
        if (!word)
                return 0;
        char *end = NULL;
        errno = 0;
        int64_t number = strtoll(word, &end, 10);
        if (errno != 0 || *end)
                line->is_wrong = true;
        return number;
}

static int hex_value(char digit) {
        if (digit >= '0' && digit <= '9')
                return digit - '0';
        if (digit >= 'a' && digit <= 'f')
                return digit - 'a' + 10;
        return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static void take_digest(Line *line, Digest *ret_digest) {
        const char *word = take_word(line);
        if (!word || strlen(word) != DIGEST_HEX_SIZE - 1) {
                line->is_wrong = true;
                return;
        }
        for (size_t i = 0; i < sizeof(ret_digest->bytes); i++) {
                int high = hex_value(word[2 * i]), low = hex_value(word[2 * i + 1]);
                if (high < 0 || low < 0)
                        line->is_wrong = true;
                ret_digest->bytes[i] = (uint8_t) ((unsigned) high << 4 | (unsigned) low);
        }
}

/* Unescaped where it is. */
static const char *take_text(Line *line) {
        char *word = take_word(line);
        char *to = word;
        for (const char *from = word; from && *from; from++) {
                if (*from != '%') {
                        *to++ = *from;
                        continue;
                }
                int high = hex_value(from[1]), low = high < 0 ? -1 : hex_value(from[2]);
                if (low < 0 || (high == 0 && low == 0)) {
                        line->is_wrong = true;
                        return NULL;
                }
                *to++ = (char) (high << 4 | low);
                from += 2;
        }
        if (to)
                *to = 0;
        return word;
}

static const char *take_header(char *text, const char *name) {
        Line line = { .rest = text };
        const char *word = take_word(&line);
        if (!word || strcmp(word, name) != 0)
                return NULL;
        if (line.rest && !*line.rest)
                return "";
        const char *value = take_text(&line);
        return line.is_wrong || line.rest ? NULL : value;
}

static size_t take_choice(Line *line, const char *const *choices, size_t n_choices) {
        const char *word = take_word(line);
        for (size_t i = 0; word && i < n_choices; i++)
                if (choices[i] && strcmp(word, choices[i]) == 0)
                        return i;
        line->is_wrong = true;
        return 0;
}

static void take_attributes(Line *line, uint16_t *ret_mode, uint32_t *ret_uid, uint32_t *ret_gid) {
        *ret_mode = (uint16_t) take_number(line, 8, 07777);
        *ret_uid = (uint32_t) take_number(line, 10, UINT32_MAX);
        *ret_gid = (uint32_t) take_number(line, 10, UINT32_MAX);
}

static bool parse_operation(char *text, ManifestOperation *operation) {
        if (strncmp(text, LIB_WORD, strlen(LIB_WORD)) == 0) {
                operation->root = ROOT_LIB;
                text += strlen(LIB_WORD);
        }
        Line line = { .rest = text };
        Staged *staged = &operation->staged;
        operation->verb = (FitVerb) take_choice(&line, verbs, N_ELEMENTS(verbs));
        operation->slot = take_number(&line, 10, SIZE_MAX);
        if (operation->verb == FIT_ATTRIBUTES) {
                take_attributes(&line, &operation->old_mode, &operation->old_uid,
                                &operation->old_gid);
                take_attributes(&line, &staged->mode, &staged->uid, &staged->gid);
        } else if (operation->verb != FIT_REMOVE) {
                staged->kind = (FoundKind) take_choice(&line, kinds, N_ELEMENTS(kinds));
                take_attributes(&line, &staged->mode, &staged->uid, &staged->gid);
                staged->size_bytes = take_number(&line, 10, UINT64_MAX);
                staged->mtime_nsec = take_signed(&line);
                take_digest(&line, &staged->digest);
                staged->has_twin = strncmp(line.rest ? line.rest : "", "- ", 2) != 0;
                if (staged->has_twin)
                        take_digest(&line, &staged->xattrs);
                else
                        (void) take_word(&line); /* the dash */
        }
        operation->path = take_text(&line);
        return !line.is_wrong && !line.rest;
}

static bool parse_unit(char *text, UnitBefore *unit) {
        static const char *const states[] = { "off", "on" }, *const runs[] = { "once", "again" };
        Line line = { .rest = text };
        const char *word = take_word(&line);
        if (!word || strcmp(word, "unit") != 0)
                return false;
        unit->uid = (uint32_t) take_number(&line, 10, UINT32_MAX);
        unit->was_on = take_choice(&line, states, N_ELEMENTS(states));
        const char *invocation_id = take_text(&line);
        unit->invocation_id = invocation_id && strcmp(invocation_id, "-") != 0 ? invocation_id : "";
        unit->phases = (unsigned) take_number(&line, 10, PHASE_BIT(N_PHASES) - 1);
        unit->runs_again = take_choice(&line, runs, N_ELEMENTS(runs));
        unit->unit = take_text(&line);
        return !line.is_wrong && !line.rest;
}

/* Returns false for what is no list of units. */
static bool parse_units(Manifest *manifest, char **body, size_t most) {
        Line line = { .rest = strsep(body, "\n") };
        const char *word = take_word(&line);
        size_t n_units = take_number(&line, 10, most);
        if (!word || line.is_wrong || line.rest || strcmp(word, "units") != 0)
                return false;
        manifest->units = arena_new(&manifest->arena, UnitBefore, n_units + 1);
        manifest->n_units = n_units;
        for (size_t i = 0; manifest->units && i < n_units; i++) {
                char *unit = strsep(body, "\n");
                if (!unit || !parse_unit(unit, &manifest->units[i]))
                        return false;
        }
        return true; /* out of memory is the caller's to see */
}

/* The last line is apart from the others, and tells whether they are whole. Returns 1, 0 or a
 * negative errno. */
static int
check_end(const char *text, size_t size_bytes, size_t *ret_body_bytes, size_t *ret_n_operations) {
        const char *before = size_bytes > 0 ? memrchr(text, '\n', size_bytes - 1) : NULL;
        if (!before || text[size_bytes - 1] != '\n')
                return 0;
        size_t body_bytes = (size_t) (before + 1 - text), length = size_bytes - body_bytes - 1;
        char last[128] = { 0 };
        if (length >= sizeof(last))
                return 0;
        memcpy(last, before + 1, length);

        Line line = { .rest = last };
        const char *word = take_word(&line);
        Digest written, digest;
        *ret_n_operations = take_number(&line, 10, SIZE_MAX);
        take_digest(&line, &written);
        if (!word || line.is_wrong || line.rest || strcmp(word, "end") != 0)
                return 0;
        *ret_body_bytes = body_bytes;
        int r = digest_of(text, size_bytes - DIGEST_HEX_SIZE, &digest);
        return r < 0 ? r : digest_equal(&digest, &written);
}

static bool parse_body(Manifest *manifest, char *body, size_t body_bytes) {
        const char *first = strsep(&body, "\n");
        if (!first || strcmp(first, FIRST_LINE) != 0)
                return false;
        manifest->switch_id = take_header(strsep(&body, "\n"), "switch");
        manifest->from = take_header(strsep(&body, "\n"), "from");
        manifest->to = take_header(strsep(&body, "\n"), "to");
        if (!manifest->switch_id || !manifest->from || !manifest->to ||
                        !parse_units(manifest, &body, body_bytes))
                return false;
        for (size_t i = 0; i < manifest->n_operations; i++) {
                char *line = strsep(&body, "\n");
                if (!line || !parse_operation(line, &manifest->operations[i]))
                        return false;
        }
        return body && !*body; /* what is behind the last newline */
}

int manifest_parse(const char *text, size_t size_bytes, Manifest **ret_manifest) {
        size_t body_bytes = 0, n_operations = 0;
        int r = check_end(text, size_bytes, &body_bytes, &n_operations);
        if (r <= 0)
                return r;
        if (n_operations > body_bytes) /* each has a line */
                return -EPROTONOSUPPORT;
        cleanup(manifest_freep) Manifest *manifest = calloc(1, sizeof(Manifest));
        if (!manifest)
                return -ENOMEM;
        char *body = arena_strndup(&manifest->arena, text, body_bytes);
        manifest->operations = arena_new(&manifest->arena, ManifestOperation, n_operations);
        manifest->n_operations = n_operations;
        if (!body || !manifest->operations)
                return -ENOMEM;
        if (!parse_body(manifest, body, body_bytes))
                return -EPROTONOSUPPORT;
        if (!manifest->units)
                return -ENOMEM;
        *ret_manifest = TAKE(manifest);
        return 1;
}

Manifest *manifest_free(Manifest *manifest) {
        if (manifest) {
                arena_done(&manifest->arena);
                free(manifest);
        }
        return NULL;
}

static int write_file(int slots_fd, const char *text) {
        cleanup_fd int fd = openat(slots_fd, MANIFEST_NAME,
                        O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        int r = write_bytes(fd, text, strlen(text));
        if (r < 0)
                return r;
        if (fsync(fd) < 0 || close(TAKE_FD(fd)) < 0 || fsync(slots_fd) < 0)
                return -errno;
        return 0;
}

int manifest_write(int slots_fd, const Manifest *manifest, Error *reterr) {
        cleanup_free char *text = NULL;
        int r = manifest_format(manifest, &text);
        if (r >= 0)
                r = write_file(slots_fd, text);
        return r < 0 ? error_set_errno(reterr, r, "Cannot write the manifest of the switch") : 0;
}

/* Sets *ret_text to NULL when there is no manifest. */
static int read_file(int slots_fd, char **ret_text, size_t *ret_size_bytes) {
        cleanup_fd int fd = openat(
                        slots_fd, MANIFEST_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat st;
        *ret_text = NULL;
        if (fd < 0)
                return errno == ENOENT ? 0 : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        size_t size_bytes = (size_t) st.st_size;
        cleanup_free char *text = malloc(size_bytes + 1);
        if (!text)
                return -ENOMEM;
        ssize_t n = read_bytes(fd, text, size_bytes);
        if (n < 0)
                return (int) n;
        *ret_text = TAKE(text);
        *ret_size_bytes = (size_t) n;
        return 0;
}

int manifest_read(const Root *root, Manifest **ret_manifest, Error *reterr) {
        cleanup_fd int slots_fd = -1;
        int r = slots_open(root, false, &slots_fd, reterr);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        cleanup_free char *text = NULL;
        size_t size_bytes = 0;
        r = read_file(slots_fd, &text, &size_bytes);
        if (r < 0)
                return error_set_errno(reterr, r, "Cannot read the manifest of the switch in %s",
                                root->path);
        r = text ? manifest_parse(text, size_bytes, ret_manifest) : 0;
        if (r == -EPROTONOSUPPORT)
                return error_set(reterr, r,
                                "An open switch in %s was begun by another version of sysswitch: "
                                "undo it with that",
                                root->path);
        return r < 0 ? error_set_errno(reterr, r, "Cannot read the manifest of the switch in %s",
                                       root->path)
                     : r;
}

int manifest_is_there(const Root *root, Error *reterr) {
        cleanup(manifest_freep) Manifest *manifest = NULL;
        int r = manifest_read(root, &manifest, reterr);
        return r == -EPROTONOSUPPORT ? 1 : r;
}
