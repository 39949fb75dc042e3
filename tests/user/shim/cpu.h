/* SPDX-License-Identifier: GPL-2.0-only */
/* CPUs, their interrupts, and memory per CPU. */
#ifndef _SHIM_CPU_H
#define _SHIM_CPU_H

#include "types.h"

#ifndef SHIM_CPUS_MAX
#define SHIM_CPUS_MAX		5
#endif

/* Set before the first allocator is; CPUs are possible from 0 on. */
extern int shim_nr_cpus;

int shim_this_cpu(void);
bool shim_irq_save(void);
void shim_irq_restore(bool were_off);
bool irqs_disabled(void);

#define local_irq_save(flags)		((void)((flags) = shim_irq_save()))
#define local_irq_restore(flags)	shim_irq_restore(flags)

/* Nest. Who is here stays on its CPU, where nothing but interrupts and NMIs comes. */
void preempt_disable_notrace(void);
void preempt_enable_notrace(void);

#define num_possible_cpus()		((unsigned int)shim_nr_cpus)
#define for_each_possible_cpu(cpu)	for ((cpu) = 0; (cpu) < shim_nr_cpus; (cpu)++)
#define cpu_to_node(cpu)		((void)(cpu), 0)

bool cpu_online(int cpu);
void cpus_read_lock(void);
void cpus_read_unlock(void);

/* Runs @fn on @cpu with interrupts off, and waits for it. */
int smp_call_function_single(int cpu, void (*fn)(void *arg), void *arg, int wait);

/* A preemptible task gives way, an owner of the CPU must not come here. */
void cond_resched(void);

/* Who runs, as far as its priority goes; smaller numbers come first. */
struct task_struct {
	int prio;
};

#define MAX_RT_PRIO			100
#define DEFAULT_PRIO			120

struct task_struct *shim_current(void);

/* A thread of higher priority would run now: a task, interrupts and preemption on. */
bool preemptible(void);
#define softirq_count()			0

/* A hint to whoever runs this CPU. Any context. */
void cpu_relax(void);

/* The task that was interrupted on this CPU is to let others run. Interrupts off. */
void set_need_resched_current(void);

/* Per-CPU memory: one block, whose header says how far apart the CPUs are. */
struct percpu_block {
	size_t stride;
	size_t size;
};

#define PERCPU_HEADER			64

static inline void *shim_per_cpu(void *base, int cpu)
{
	struct percpu_block *block = (void *)((char *)base - PERCPU_HEADER);

	return (char *)base + cpu * block->stride;
}

#define per_cpu_ptr(base, cpu)	((__typeof__(base))shim_per_cpu((void *)(base), cpu))
#define this_cpu_ptr(base)	per_cpu_ptr(base, shim_this_cpu())
/* Of a CPU that the caller may have left by then. */
#define raw_cpu_ptr(base)	this_cpu_ptr(base)

#endif
