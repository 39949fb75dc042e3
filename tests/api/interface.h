/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Every function of bpf-next's include/linux/bpf_mem_alloc.h, by the text of
 * Linux 6.12.117, which has what bpf-next added last (bpf_mem_alloc_set_dtor()
 * with its fourth parameter). Read again, argument by argument, in a rendering
 * of mainline d482bb509b7d, which agrees.
 *
 * FLAGS is the one parameter that differs here: bool there.
 */
API(int, bpf_mem_alloc_init, (struct bpf_mem_alloc *ma, int size, FLAGS));
API(int, bpf_mem_alloc_percpu_init, (struct bpf_mem_alloc *ma, struct obj_cgroup *objcg));
API(int, bpf_mem_alloc_percpu_unit_init, (struct bpf_mem_alloc *ma, int size));
API(void, bpf_mem_alloc_destroy, (struct bpf_mem_alloc *ma));
API(void, bpf_mem_alloc_set_dtor, (struct bpf_mem_alloc *ma, void (*dtor)(void *obj, void *ctx),
				   void (*dtor_ctx_free)(void *ctx), void *ctx));
API(int, bpf_mem_alloc_check_size, (bool percpu, size_t size));
API(void *, bpf_mem_alloc, (struct bpf_mem_alloc *ma, size_t size));
API(void, bpf_mem_free, (struct bpf_mem_alloc *ma, void *ptr));
API(void, bpf_mem_free_rcu, (struct bpf_mem_alloc *ma, void *ptr));
API(void *, bpf_mem_cache_alloc, (struct bpf_mem_alloc *ma));
API(void, bpf_mem_cache_free, (struct bpf_mem_alloc *ma, void *ptr));
API(void, bpf_mem_cache_free_rcu, (struct bpf_mem_alloc *ma, void *ptr));
API(void, bpf_mem_cache_raw_free, (void *ptr));
API(void *, bpf_mem_cache_alloc_flags, (struct bpf_mem_alloc *ma, gfp_t flags));
