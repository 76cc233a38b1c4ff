/* SPDX-License-Identifier: GPL-2.0-only */
/* Entry points of the pieces in guest.S: each is code that guests run. */
#ifndef CONFORMANCE_GUEST_H
#define CONFORMANCE_GUEST_H

#include <stdint.h>

void g_done(void);
void g_cpuid(void);
void g_hlt(void);
void g_invd(void);
void g_wbinvd(void);
void g_invlpg(void);
void g_rdpmc(void);
void g_rdtsc(void);
void g_rdtscp(void);
void g_pause(void);
void g_pause_loop(void);
void g_monitor(void);
void g_mwait(void);
void g_ud2(void);
void g_int3(void);
void g_int_3(void);
void g_int_80(void);
void g_int_20(void);
void g_rdmsr(void);
void g_wrmsr(void);
void g_xsetbv(void);
void g_in8(void);
void g_out8(void);
void g_in16(void);
void g_out32(void);
void g_insb(void);
void g_rep_insw(void);
void g_outsl(void);
void g_rep_outsb(void);
void g_get_cr0(void);
void g_set_cr0(void);
void g_get_cr3(void);
void g_set_cr3(void);
void g_get_cr4(void);
void g_set_cr4(void);
void g_get_cr8(void);
void g_set_cr8(void);
void g_clts(void);
void g_smsw(void);
void g_lmsw(void);
void g_lmsw_memory(void);
void g_get_dr7(void);
void g_set_dr3(void);
void g_vmxoff(void);
void g_vmlaunch(void);
void g_vmresume(void);
void g_vmptrld(void);
void g_vmclear(void);
void g_vmptrst(void);
void g_vmxon(void);
void g_vmread(void);
void g_vmwrite(void);
void g_invept(void);
void g_invvpid(void);
void g_load(void);
void g_store(void);
void g_modify(void);
void g_fetch(void);
void g_divide(void);
void g_sti(void);
void g_mov_ss(void);
void g_nops(void);
void g_spin(void);
void g_sti_hlt(void);
void g_icr(void);
void g_smi(void);
void g_iret(void);
void g_iret_fault(void);
void g_step(void);
void g_task_jump(void);
void g_task_call(void);
void g_pae_load(void);
void g_pae_set_cr3(void);

/* Inside of pieces: behind the instruction that a test is about */
void g_sti_1(void);
void g_sti_2(void);
void g_mov_ss_1(void);
void g_nops_1(void);
void g_iret_1(void);
void g_step_1(void);

/* The handlers of the guest, 16 bytes apart, and its IDT */
extern char guest_vectors[];
extern uint64_t guest_idt[512];

/* For real mode, to be copied to where its 16 bits reach */
extern char real_code[], real_code_end[];

#endif
