/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "base/map.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>

typedef struct MapSlot {
        const char *key;
        void *value;
        size_t length;
        uint64_t hash;
} MapSlot;

/* Keys come from configuration that others may write: a seed of this process keeps collisions from
 * being chosen. */
static uint64_t seed(void) {
        static uint64_t value;
        if (value == 0) {
                if (getrandom(&value, sizeof(value), GRND_NONBLOCK) != (ssize_t) sizeof(value))
                        value = 0x9e3779b97f4a7c15;
                value |= 1;
        }
        return value;
}

static uint64_t hash_of(const char *key, size_t length) {
        uint64_t hash = seed() ^ length;
        while (length >= 8) {
                uint64_t word;
                memcpy(&word, key, 8);
                hash = (hash ^ word) * 0xff51afd7ed558ccd;
                hash ^= hash >> 32;
                key += 8;
                length -= 8;
        }
        uint64_t word = 0;
        memcpy(&word, key, length);
        hash = (hash ^ word) * 0xc4ceb9fe1a85ec53;
        return hash ^ hash >> 29;
}

void map_done(Map *map) {
        free(map->slots);
        *map = (Map){ 0 };
}

static MapSlot *find(
                MapSlot *slots, size_t n_slots, const char *key, size_t length, uint64_t hash) {
        for (size_t i = hash & (n_slots - 1);; i = (i + 1) & (n_slots - 1))
                if (!slots[i].key || (slots[i].hash == hash && slots[i].length == length &&
                                                     memcmp(slots[i].key, key, length) == 0))
                        return &slots[i];
}

static int grow(Map *map) {
        size_t n_slots = map->n_slots ? map->n_slots * 2 : 16;
        MapSlot *slots = calloc(n_slots, sizeof(MapSlot));
        if (!slots)
                return -ENOMEM;
        for (size_t i = 0; i < map->n_slots; i++) {
                MapSlot *old = &map->slots[i];
                if (old->key)
                        *find(slots, n_slots, old->key, old->length, old->hash) = *old;
        }
        free(map->slots);
        map->slots = slots;
        map->n_slots = n_slots;
        return 0;
}

int map_put_n(Map *map, const char *key, size_t length, void *value) {
        if ((map->n_items + 1) * 4 > map->n_slots * 3) {
                int r = grow(map);
                if (r < 0)
                        return r;
        }
        uint64_t hash = hash_of(key, length);
        MapSlot *slot = find(map->slots, map->n_slots, key, length, hash);
        if (!slot->key)
                map->n_items++;
        *slot = (MapSlot){ .key = key, .value = value, .length = length, .hash = hash };
        return 0;
}

int map_put(Map *map, const char *key, void *value) {
        return map_put_n(map, key, strlen(key), value);
}

void *map_get_n(const Map *map, const char *key, size_t length) {
        if (map->n_slots == 0)
                return NULL;
        const MapSlot *slot = find(map->slots, map->n_slots, key, length, hash_of(key, length));
        return slot->key ? slot->value : NULL;
}

void *map_get(const Map *map, const char *key) {
        return map_get_n(map, key, strlen(key));
}

void *map_next(const Map *map, size_t *position, const char **ret_key) {
        while (*position < map->n_slots) {
                const MapSlot *slot = &map->slots[(*position)++];
                if (slot->key) {
                        if (ret_key)
                                *ret_key = slot->key;
                        return slot->value;
                }
        }
        return NULL;
}
