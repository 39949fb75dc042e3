// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module init and exit, parameters.
 */
#include <linux/init.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/rcupdate.h>
#include <linux/rcupdate_trace.h>

#include "allocator.h"
#include "debugfs.h"
#include "kfuncs.h"
#include "map.h"

static bool poison;
module_param(poison, bool, 0444);
MODULE_PARM_DESC(poison, "overwrite key and value of map elements that go back to slab, for tests (default N)");

static int set_ring_objects(const char *val, const struct kernel_param *kp)
{
	return param_set_uint_minmax(val, kp, 1, BPF_MA_RING_MAX);
}

static const struct kernel_param_ops ring_objects_ops = {
	.set	= set_ring_objects,
	.get	= param_get_uint,
};

module_param_cb(ring_objects, &ring_objects_ops, &bpf_ma_ring_objects, 0644);
MODULE_PARM_DESC(ring_objects, "free elements of each CPU in maps of flavor ring, for benchmarks (1 to 1048576, default 4096)");

static int __init bpf_ma_module_init(void)
{
	int err;

#ifdef BPF_MA_TELLS_OF_TRACE_GP
	/* memalloc.c relies on it. */
	BUILD_BUG_ON(!rcu_trace_implies_rcu_gp());
#endif
	err = bpf_ma_kfuncs_init();
	if (err) {
		pr_err("cannot register kfuncs: error %d; a module built with BTF on a kernel with CONFIG_DEBUG_INFO_BTF_MODULES is needed\n",
		       err);
		return err;
	}
	/* Last: from here on user space can make maps. */
	err = bpf_ma_debugfs_init(poison);
	if (err)
		pr_err("cannot make the debugfs directory bpf_ma: error %d; a kernel with CONFIG_DEBUG_FS is needed\n",
		       err);
	return err;
}

static void __exit bpf_ma_module_exit(void)
{
	struct bpf_ma_totals t;

	bpf_ma_debugfs_exit();
	bpf_ma_destroy_all();
	bpf_mem_alloc_exit();

	bpf_ma_read_totals(&t);
	if (t.maps_live || t.ma.allocators || t.ma.slab_taken != t.ma.slab_returned) {
		pr_err("leak at exit: %llu maps and %llu allocators left, %llu objects taken from slab, %llu returned\n",
		       t.maps_live, t.ma.allocators, t.ma.slab_taken, t.ma.slab_returned);
		WARN_ON(1);
	}
}

module_init(bpf_ma_module_init);
module_exit(bpf_ma_module_exit);
MODULE_DESCRIPTION("BPF memory allocator with RCU-safe reuse, and a hash map on top of it");
MODULE_LICENSE("GPL");
