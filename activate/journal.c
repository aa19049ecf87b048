/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "activate/journal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-journal.h>
#include <time.h>

#define JOURNALD_SOCKET "/run/systemd/journal/io.systemd.journal"

enum {
        SYNC_TIMEOUT_MSEC = 5000, /* it writes to a disk that may be busy */
        MAX_ENTRIES = 100,
        MAX_SEEN = 300, /* of one unit, until those wanted are found */
        MAX_LINES_OF_ENTRY = 10,
        MAX_LINE_BYTES = 1000,
};

struct Journal {
        sd_journal *journal;
};

/* journald answers once all that was queued for it before is in the files. Messages end in NUL. */
static int synchronize(const char *root) {
        static const char call[] = "{\"method\":\"io.systemd.Journal.Synchronize\"}";
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        size_t size = sizeof(address.sun_path);
        if (snprintf(address.sun_path, size, "%s%s", root, JOURNALD_SOCKET) >= (int) size)
                return -ENAMETOOLONG;
        cleanup_fd int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *) &address, sizeof(address)) < 0)
                return -errno;
        if (send(fd, call, sizeof(call), MSG_NOSIGNAL) != (ssize_t) sizeof(call))
                return -EIO;
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        int n = poll(&wait, 1, SYNC_TIMEOUT_MSEC);
        return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static int open_journals(const char *root, sd_journal **ret_journal) {
        char path[256];
        if (!*root)
                return sd_journal_open(ret_journal, SD_JOURNAL_LOCAL_ONLY);
        if (snprintf(path, sizeof(path), "%s/run/log/journal", root) >= (int) sizeof(path))
                return -ENAMETOOLONG;
        return sd_journal_open_directory(ret_journal, path, 0);
}

int journal_open(const char *root, Journal **ret_journal) {
        cleanup(journal_closep) Journal *journal = calloc(1, sizeof(Journal));
        if (!journal)
                return -ENOMEM;
        (void) synchronize(root); /* lines that are still under way are missed then, nothing else */
        int r = open_journals(root, &journal->journal);
        if (r < 0)
                return r;
        *ret_journal = TAKE(journal);
        return 0;
}

Journal *journal_close(Journal *journal) {
        if (!journal)
                return NULL;
        sd_journal_close(journal->journal);
        free(journal);
        return NULL;
}

static int match(sd_journal *journal, const char *field, const char *value) {
        char text[512];
        int length = snprintf(text, sizeof(text), "%s=%s", field, value);
        if (length < 0 || (size_t) length >= sizeof(text))
                return -ENAMETOOLONG;
        return sd_journal_add_match(journal, text, (size_t) length);
}

/* What its processes wrote, or its manager while it started this one. */
static int match_invocation(sd_journal *journal, const JournalQuery *query) {
        int r = match(journal, "_SYSTEMD_INVOCATION_ID", query->invocation_id);
        if (r >= 0)
                r = sd_journal_add_disjunction(journal);
        if (r >= 0)
                r = match(journal, query->is_user ? "USER_INVOCATION_ID" : "INVOCATION_ID",
                                query->invocation_id);
        return r;
}

/* A field without underscore anybody can write: it counts from the manager only. */
static int match_unit(sd_journal *journal, const JournalQuery *query) {
        char uid[16];
        (void) snprintf(uid, sizeof(uid), "%u", query->uid); /* fits */
        int r = match(journal, query->is_user ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT",
                        query->unit);
        if (r >= 0 && query->is_user)
                r = match(journal, "_UID", uid);
        if (r >= 0)
                r = sd_journal_add_disjunction(journal);
        if (r >= 0)
                r = match(journal, query->is_user ? "USER_UNIT" : "UNIT", query->unit);
        if (r >= 0)
                r = query->is_user ? match(journal, "_UID", uid) : match(journal, "_PID", "1");
        return r;
}

/* The value of a field of the entry, which is not NUL-terminated; "" when it has none. */
static size_t get_field(sd_journal *journal, const char *field, const char **ret_value) {
        const void *data;
        size_t length, skip = strlen(field) + 1;
        *ret_value = "";
        if (sd_journal_get_data(journal, field, &data, &length) < 0 || length < skip)
                return 0;
        *ret_value = (const char *) data + skip;
        return length - skip;
}

typedef struct Lines {
        Arena *arena;
        const char **items;
        size_t n_items, n_allocated;
} Lines;

static int add_line(Lines *lines, const char *prefix, const char *text, size_t length) {
        if (lines->n_items + 1 >= lines->n_allocated) { /* one more for the NULL at the end */
                lines->n_allocated = lines->n_allocated * 2 + 16;
                lines->items = arena_grow(lines->arena, lines->items, lines->n_items,
                                lines->n_allocated, sizeof(char *));
                if (!lines->items)
                        return -ENOMEM;
        }
        int n = (int) (length < MAX_LINE_BYTES ? length : MAX_LINE_BYTES);
        lines->items[lines->n_items] = arena_printf(lines->arena, "%s%.*s", prefix, n, text);
        return lines->items[lines->n_items++] ? 0 : -ENOMEM;
}

static void format_time(sd_journal *journal, char *ret_text, size_t size) {
        uint64_t usec = 0;
        struct tm local;
        (void) sd_journal_get_realtime_usec(journal, &usec); /* 1970 when it is damaged */
        time_t seconds = (time_t) (usec / 1000000);
        if (!localtime_r(&seconds, &local) ||
                        strftime(ret_text, size, "%b %d %H:%M:%S", &local) == 0)
                *ret_text = 0;
}

/* "Nov 24 21:34:01 host nginx[123]: " */
static void format_prefix(sd_journal *journal, char *ret_text, size_t size) {
        char time_text[32];
        const char *host, *name, *pid;
        format_time(journal, time_text, sizeof(time_text));
        int n_host = (int) get_field(journal, "_HOSTNAME", &host);
        char host_text[80];
        (void) snprintf(host_text, sizeof(host_text), "%.*s", n_host, host); /* cut when too long */
        int n_name = (int) get_field(journal, "SYSLOG_IDENTIFIER", &name);
        if (n_name == 0)
                n_name = (int) get_field(journal, "_COMM", &name);
        char name_text[80];
        (void) snprintf(name_text, sizeof(name_text), "%.*s", n_name, name); /* cut when too long */
        int n_pid = (int) get_field(journal, "_PID", &pid);
        if (n_pid > 0)
                (void) snprintf(ret_text, size, "%s %s %s[%.*s]: ", time_text, host_text, name_text,
                                n_pid, pid); /* fits */
        else
                (void) snprintf(ret_text, size, "%s %s %s: ", time_text, host_text,
                                name_text); /* fits */
}

static int add_entry(sd_journal *journal, Lines *lines) {
        char prefix[256];
        format_prefix(journal, prefix, sizeof(prefix));
        const char *text;
        size_t length = get_field(journal, "MESSAGE", &text);
        for (size_t i = 0; i < MAX_LINES_OF_ENTRY; i++) {
                const char *end = memchr(text, '\n', length);
                size_t n = end ? (size_t) (end - text) : length;
                if (n > 0 || i == 0) {
                        int r = add_line(lines, prefix, text, n);
                        if (r < 0)
                                return r;
                }
                if (!end)
                        break;
                memset(prefix, ' ', strlen(prefix));
                text += n + 1;
                length -= n + 1;
        }
        return 0;
}

static bool has_value(const char *value, size_t length, const char *wanted) {
        return length == strlen(wanted) && memcmp(value, wanted, length) == 0;
}

/* Of the start that the entry is about; 0: it does not say. The manager's own lines bear the
 * manager's own _SYSTEMD_INVOCATION_ID. */
static size_t get_invocation(sd_journal *journal, const JournalQuery *query, const char **ret_id) {
        const char *unit;
        size_t length = get_field(
                        journal, query->is_user ? "USER_INVOCATION_ID" : "INVOCATION_ID", ret_id);
        if (length > 0)
                return length;
        size_t n_unit = get_field(
                        journal, query->is_user ? "_SYSTEMD_USER_UNIT" : "_SYSTEMD_UNIT", &unit);
        return has_value(unit, n_unit, query->unit)
                               ? get_field(journal, "_SYSTEMD_INVOCATION_ID", ret_id)
                               : 0;
}

static bool is_wanted(sd_journal *journal, const JournalQuery *query) {
        uint64_t usec;
        const char *id;
        size_t length = query->invocation_id ? get_invocation(journal, query, &id) : 0;
        if (length > 0)
                return has_value(id, length, query->invocation_id);
        return sd_journal_get_realtime_usec(journal, &usec) >= 0 && usec >= query->since_usec;
}

/* Goes back from the end to the oldest entry to show. Returns how many there are from there on. */
static int go_back(sd_journal *journal, const JournalQuery *query, size_t n_entries) {
        size_t n_found = 0, n_seen = 0, n_since = 0;
        int r = sd_journal_seek_tail(journal);
        while (r >= 0 && n_found < n_entries && n_seen < MAX_SEEN) {
                r = sd_journal_previous(journal);
                if (r <= 0)
                        break;
                n_seen++;
                n_since++;
                if (is_wanted(journal, query)) {
                        n_found++;
                        n_since = 0;
                }
        }
        if (r >= 0 && n_since > 0) /* past those that are not wanted */
                r = sd_journal_next_skip(journal, n_since);
        return r < 0 ? r : (int) n_found;
}

static int add_entries(sd_journal *journal, const JournalQuery *query, int n_left, Lines *lines) {
        while (n_left > 0) {
                int r = 0;
                if (is_wanted(journal, query)) {
                        r = add_entry(journal, lines);
                        n_left--;
                }
                if (r >= 0 && n_left > 0)
                        r = sd_journal_next(journal);
                if (r < 0)
                        return r;
                if (r == 0 && n_left > 0)
                        break; /* rotated away meanwhile */
        }
        return 0;
}

int journal_tail(Journal *journal,
                const JournalQuery *query,
                size_t n_entries,
                Arena *arena,
                const char *const **ret_lines,
                size_t *ret_n_lines) {
        sd_journal *all = journal->journal;
        sd_journal_flush_matches(all);
        int r = match_unit(all, query);
        if (r >= 0 && query->invocation_id)
                r = sd_journal_add_disjunction(all);
        if (r >= 0 && query->invocation_id)
                r = match_invocation(all, query);
        if (r < 0)
                return r;
        int n_found = go_back(all, query, n_entries < MAX_ENTRIES ? n_entries : MAX_ENTRIES);
        if (n_found < 0)
                return n_found;
        Lines lines = { .arena = arena };
        r = add_entries(all, query, n_found, &lines);
        if (r < 0)
                return r;
        *ret_lines = lines.items;
        *ret_n_lines = lines.n_items;
        return 0;
}
