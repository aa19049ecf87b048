/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* [Layer] of profile.conf, and the lines that belong to it. */
#include "diff/conf_reader.h"
#include "diff/layer.h"

#include <errno.h>
#include <string.h>

static int take_name(ConfReader *reader, const UnitLine *line, Error *reterr) {
        LayerLines *layers = reader->layers.items;
        LayerLines *layer = &layers[reader->layers.n_items - 1];
        if (!*line->value || layer->file)
                return conf_refuse(reader, line->line, reterr,
                                "[Layer] has one Name=; write the directory that what follows is "
                                "of");
        layer->line = line->line;
        layer->file = strcmp(line->value, ".") == 0
                                      ? "profile.conf"
                                      : arena_printf(reader->arena, "%s/profile.conf", line->value);
        return layer->file ? 0 : error_oom(reterr);
}

static int begin(ConfReader *reader, unsigned line, Error *reterr) {
        LayerLines *layer = conf_list_add(reader->arena, &reader->layers, sizeof(LayerLines));
        if (!layer)
                return error_oom(reterr);
        *layer = (LayerLines){ .line = line };
        return 0;
}

static int end(ConfReader *reader, unsigned line, Error *reterr) {
        const LayerLines *layers = reader->layers.items;
        if (layers[reader->layers.n_items - 1].file)
                return 0;
        reader->layers.n_items--;
        return conf_refuse(reader, line, reterr,
                        "[Layer] without Name=; write the directory that what follows is of");
}

const ConfSection conf_section_layer = { "Layer", begin, end, "Name=", { { "Name", take_name } } };

static size_t layer_of(const LayerLines *layers, size_t n_layers, unsigned line) {
        size_t nth = 0;
        while (nth < n_layers && layers[nth].line <= line)
                nth++;
        return nth;
}

size_t conf_layer_of(const ConfReader *reader, unsigned line) {
        return layer_of(reader->layers.items, reader->layers.n_items, line);
}

int profile_conf_takes_away(
                Arena *arena, const ProfileConf *conf, const char *path, unsigned line) {
        size_t layer = layer_of(conf->layers, conf->n_layers, line);
        const char *key = layer_key(arena, path);
        for (size_t i = 0; i < conf->n_without; i++) {
                const BaseRule *rule = &conf->without[i];
                const char *pattern = layer_key(arena, rule->path);
                if (!key || !pattern)
                        return -ENOMEM;
                if (layer_of(conf->layers, conf->n_layers, rule->line) > layer &&
                                layer_key_is_named(pattern, key))
                        return 1;
        }
        return 0;
}

const char *profile_conf_file(const ProfileConf *conf, unsigned *line) {
        size_t nth = layer_of(conf->layers, conf->n_layers, *line);
        if (nth == 0)
                return "profile.conf";
        *line -= conf->layers[nth - 1].line;
        return conf->layers[nth - 1].file;
}

const char *profile_conf_place(Arena *arena, const ProfileConf *conf, unsigned line) {
        const char *file = profile_conf_file(conf, &line);
        return arena_printf(arena, "%s:%u", file, line);
}
