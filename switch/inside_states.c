/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "switch/inside_states.h"

#include "activate/container_link.h"
#include "activate/process.h"
#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

enum { ANSWER_USEC = 3 * 1000 * 1000, MAX_ANSWER_BYTES = 16 * 1024 * 1024, MAX_AT_ONCE = 16 };

typedef struct Asked {
        InsideQuery *query;
        pid_t pid;
        int fd; /* -1: it has said all, or was not asked */
        Text answer;
} Asked;

/* Stopped processes are known at once. */
static bool is_stopped(pid_t leader) {
        char path[48], line[512];
        (void) snprintf(path, sizeof(path), "/proc/%d/stat", (int) leader); /* fits */
        cleanup_file FILE *file = fopen(path, "re");
        const char *end = file && fgets(line, sizeof(line), file) ? strrchr(line, ')') : NULL;
        return end && end[1] && (end[2] == 'T' || end[2] == 't');
}

static json_t *to_json(const UnitStates *states) {
        json_t *object = json_object();
        size_t position = 0;
        int failed = 0;
        const char *name;
        for (const UnitState *state; (state = map_next(&states->by_name, &position, &name));)
                failed |= json_object_set_new(object, name, unit_state_to_json(state));
        if (!failed)
                return object;
        json_decref(object);
        return NULL;
}

static int ask(const InsideQuery *query, pid_t leader, int fd) {
        Systemd *systemd = NULL; /* all of it ends with the process */
        UnitStates *states = unit_states_new();
        Error ignored;
        int r = states ? container_connect(query->container, leader, &systemd, &ignored) : -ENOMEM;
        if (r >= 0 && query->names.n_items + query->patterns.n_items > 0)
                r = systemd_read_states(systemd, &query->names, &query->patterns, states, &ignored);
        if (r >= 0 && query->relations.n_items > 0)
                r = systemd_read_relations_of(systemd, &query->relations, states, &ignored);
        json_t *json = r < 0 ? NULL : to_json(states);
        return json && json_dumpfd(json, fd, JSON_COMPACT) == 0 ? 0 : 1;
}

static int begin(Asked *asked, InsideQuery *query) {
        int ends[2];
        pid_t leader;
        Error ignored;
        *asked = (Asked){ .query = query, .fd = -1 };
        if (container_leader(query->container, &leader, &ignored) < 0 || is_stopped(leader))
                return 0;
        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        asked->pid = fork();
        if (asked->pid == 0) {
                process_reset_signals();
                (void) alarm(ANSWER_USEC / 1000000 + 1); /* also when nobody is left to end it */
                _exit(ask(query, leader, ends[1]));
        }
        int r = asked->pid < 0 ? -errno : 0;
        (void) close(ends[1]); /* the child's */
        if (r < 0)
                (void) close(ends[0]); /* nothing was read */
        else
                asked->fd = ends[0];
        return r;
}

static int hear(Asked *asked) {
        char part[16384];
        ssize_t n = read(asked->fd, part, sizeof(part));
        if (n < 0 && errno == EINTR)
                return 0;
        if (n > 0 && asked->answer.length + (size_t) n <= MAX_ANSWER_BYTES) {
                text_add_n(&asked->answer, part, (size_t) n);
                return asked->answer.error;
        }
        (void) close(asked->fd); /* it was read */
        asked->fd = -1;
        return 0;
}

static int hear_all(Asked *asked, size_t n_asked) {
        for (uint64_t end_usec = now_usec() + ANSWER_USEC;;) {
                struct pollfd fds[MAX_AT_ONCE];
                size_t n_open = 0;
                for (size_t i = 0; i < n_asked; i++) {
                        fds[i] = (struct pollfd){ asked[i].fd, POLLIN, 0 };
                        n_open += asked[i].fd >= 0;
                }
                uint64_t now = now_usec();
                if (n_open == 0 || now >= end_usec)
                        return 0;
                if (poll(fds, n_asked, (int) ((end_usec - now) / 1000) + 1) < 0 && errno != EINTR)
                        return -errno;
                for (size_t i = 0; i < n_asked; i++)
                        if (asked[i].fd >= 0 && fds[i].revents) {
                                int r = hear(&asked[i]);
                                if (r < 0)
                                        return r;
                        }
        }
}

/* Whoever did not answer is ended. Returns whether it ended well. */
static bool end(Asked *asked) {
        int status = 1;
        if (asked->pid <= 0)
                return false;
        if (asked->fd >= 0) {
                (void) kill(asked->pid, SIGKILL); /* it may be gone already */
                (void) close(asked->fd);          /* it was read */
        }
        while (waitpid(asked->pid, &status, 0) < 0 && errno == EINTR)
                ;
        return asked->fd < 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What a container says is shown to people. */
static bool is_plain(const json_t *value) {
        const char *text = json_string_value(value);
        const char *key;
        size_t i;
        json_t *child;
        if (text)
                while (*text > ' ' && *text < 0x7f)
                        text++;
        if (text && *text)
                return false;
        json_array_foreach(value, i, child)
                if (!is_plain(child))
                        return false;
        json_object_foreach((json_t *) (uintptr_t) value, key, child) {
                for (text = key; *text > ' ' && *text < 0x7f;)
                        text++;
                if (*text || !is_plain(child))
                        return false;
        }
        return true;
}

static void take(Asked *asked) {
        const char *unit;
        json_t *state;
        json_t *json = json_loadb(asked->answer.data ? asked->answer.data : "",
                        asked->answer.length, 0, NULL);
        bool is_good = json_is_object(json) && is_plain(json);
        Error ignored;
        if (is_good)
                json_object_foreach(json, unit, state)
                        is_good = is_good && unit_states_add_json(asked->query->states,
                                                             asked->query->container, unit, state,
                                                             &ignored) >= 0;
        asked->query->has_answered = is_good;
        json_decref(json);
}

static int ask_some(InsideQuery *queries, size_t n_queries) {
        Asked asked[MAX_AT_ONCE];
        size_t n_asked = 0;
        int r = 0;
        for (; r >= 0 && n_asked < n_queries; n_asked++)
                r = begin(&asked[n_asked], &queries[n_asked]);
        if (r >= 0)
                r = hear_all(asked, n_asked);
        for (size_t i = 0; i < n_asked; i++) {
                if (end(&asked[i]) && r >= 0)
                        take(&asked[i]);
                text_done(&asked[i].answer);
        }
        return r;
}

int inside_states_ask(InsideQuery *queries, size_t n_queries, Error *reterr) {
        for (size_t i = 0; i < n_queries; i += MAX_AT_ONCE) {
                size_t n = n_queries - i < MAX_AT_ONCE ? n_queries - i : MAX_AT_ONCE;
                int r = ask_some(queries + i, n);
                if (r < 0)
                        return error_set_errno(reterr, r, "Asking containers");
        }
        return 0;
}
