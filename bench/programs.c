// SPDX-License-Identifier: GPL-2.0-only
/*
 * The BPF programs of the cases: loaded and pinned by bpftool, one attached.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include "programs.h"
#include "util.h"

#define PROGS_PIN PIN_DIR "/progs"

int programs_unpin(void)
{
	struct dirent *entry;
	DIR *dir = opendir(PROGS_PIN);
	int err = 0;

	if (!dir)
		return errno == ENOENT ? 0 : -errno;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    unlinkat(dirfd(dir), entry->d_name, 0))
			err = -errno;
	closedir(dir);
	if (!err && rmdir(PROGS_PIN))
		err = -errno;
	if (err)
		fprintf(stderr, "cannot remove the pins in %s: %s\n", PROGS_PIN,
			strerror(-err));
	return err;
}

/*
 * The .bss map of a loaded program is found by its name: the pin is all that
 * the program that loaded it leaves.
 */
static int open_bss(int prog_fd)
{
	__u32 ids[8];
	struct bpf_prog_info info = {
		.nr_map_ids = ARRAY_SIZE(ids),
		.map_ids = (unsigned long)ids,
	};
	__u32 len = sizeof(info);

	if (bpf_obj_get_info_by_fd(prog_fd, &info, &len))
		return -errno;
	for (unsigned int i = 0; i < info.nr_map_ids && i < ARRAY_SIZE(ids);
	     i++) {
		struct bpf_map_info map_info = {};
		int fd = bpf_map_get_fd_by_id(ids[i]);

		len = sizeof(map_info);
		if (fd < 0 || bpf_obj_get_info_by_fd(fd, &map_info, &len))
			return -errno;
		if (strstr(map_info.name, ".bss"))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static int load_programs(const char *folder, const struct bench_map *map)
{
	char object[PATH_MAX];
	char *const kernel_argv[] = {
		"bpftool", "prog", "loadall", object, PROGS_PIN,
		"map", "name", "bench_map", "pinned", MAP_PIN, NULL,
	};
	char *const module_argv[] = {
		"bpftool", "prog", "loadall", object, PROGS_PIN, NULL,
	};

	snprintf(object, sizeof(object), "%s/%s_map.bpf.o", folder,
		 map->flavor->module ? "module" : "kernel");
	return run_command(NULL, map->flavor->module ? module_argv :
						       kernel_argv);
}

static int map_state(struct programs *programs, int prog_fd)
{
	int fd = open_bss(prog_fd);

	if (fd < 0)
		return fd;
	programs->state = mmap(NULL, sizeof(*programs->state),
			       PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (programs->state == MAP_FAILED) {
		programs->state = NULL;
		return -errno;
	}
	return 0;
}

static void unmap_state(struct programs *programs)
{
	if (programs->state)
		munmap(programs->state, sizeof(*programs->state));
	programs->state = NULL;
}

int programs_attach(struct programs *programs, const char *folder,
		    const struct bench_map *map, const char *name,
		    const struct map_shape *shape, unsigned int keys)
{
	char pin[PATH_MAX];
	int prog_fd;
	int err;

	memset(programs, 0, sizeof(*programs));
	err = load_programs(folder, map);
	if (err)
		goto unpin;

	snprintf(pin, sizeof(pin), PROGS_PIN "/%s", name);
	prog_fd = bpf_obj_get(pin);
	if (prog_fd < 0) {
		err = -errno;
		fprintf(stderr, "cannot open %s: %s\n", pin, strerror(errno));
		goto unpin;
	}
	err = map_state(programs, prog_fd);
	if (err) {
		fprintf(stderr, "cannot map the .bss of %s: %s\n", pin,
			strerror(-err));
		goto close;
	}
	programs->state->map_id = MODULE_MAP_ID;
	programs->state->maps = shape->maps;
	programs->state->value_size = shape->value_size;
	programs->state->keys = keys;

	programs->link_fd = bpf_raw_tracepoint_open(NULL, prog_fd);
	if (programs->link_fd < 0) {
		err = -errno;
		fprintf(stderr, "cannot attach %s: %s\n", pin,
			strerror(errno));
		unmap_state(programs);
	}
close:
	close(prog_fd);
unpin:
	if (err)
		programs_unpin();
	return err;
}

void programs_detach(struct programs *programs)
{
	close(programs->link_fd);
	unmap_state(programs);
	programs_unpin();
}
