/*
 * VMCS field encodings and the bits inside the fields.
 *
 * Intel SDM volume 3, appendix B (field encodings), chapter 25 (VM-execution,
 * VM-exit and VM-entry controls), sections 25.9 and 28.2 (exit information),
 * appendix C (basic exit reasons), section 31.4 (instruction errors).
 *
 * SPDX-License-Identifier: GPL-2.0-only
 */
#ifndef I386_VMX_VMCS_H
#define I386_VMX_VMCS_H

/* An encoding: bit 0 the high half, 9:1 index, 11:10 type, 14:13 width */
#define VMCS_ENC_HIGH           0x0001u
#define VMCS_ENC_INDEX(enc)     (((enc) >> 1) & 0x1ff)
#define VMCS_ENC_TYPE(enc)      (((enc) >> 10) & 3)
#define VMCS_ENC_WIDTH(enc)     (((enc) >> 13) & 3)

#define VMCS_TYPE_CONTROL       0
#define VMCS_TYPE_READ_ONLY     1
#define VMCS_TYPE_GUEST         2
#define VMCS_TYPE_HOST          3

#define VMCS_WIDTH_16           0
#define VMCS_WIDTH_64           1
#define VMCS_WIDTH_32           2
#define VMCS_WIDTH_NATURAL      3

/* B.1 16-bit fields */
#define VMCS_VPID                               0x0000
#define VMCS_GUEST_ES_SELECTOR                  0x0800
#define VMCS_GUEST_CS_SELECTOR                  0x0802
#define VMCS_GUEST_SS_SELECTOR                  0x0804
#define VMCS_GUEST_DS_SELECTOR                  0x0806
#define VMCS_GUEST_FS_SELECTOR                  0x0808
#define VMCS_GUEST_GS_SELECTOR                  0x080a
#define VMCS_GUEST_LDTR_SELECTOR                0x080c
#define VMCS_GUEST_TR_SELECTOR                  0x080e
#define VMCS_HOST_ES_SELECTOR                   0x0c00
#define VMCS_HOST_CS_SELECTOR                   0x0c02
#define VMCS_HOST_SS_SELECTOR                   0x0c04
#define VMCS_HOST_DS_SELECTOR                   0x0c06
#define VMCS_HOST_FS_SELECTOR                   0x0c08
#define VMCS_HOST_GS_SELECTOR                   0x0c0a
#define VMCS_HOST_TR_SELECTOR                   0x0c0c

/* B.2 64-bit fields */
#define VMCS_IO_BITMAP_A                        0x2000
#define VMCS_IO_BITMAP_B                        0x2002
#define VMCS_MSR_BITMAP                         0x2004
#define VMCS_EXIT_MSR_STORE_ADDR                0x2006
#define VMCS_EXIT_MSR_LOAD_ADDR                 0x2008
#define VMCS_ENTRY_MSR_LOAD_ADDR                0x200a
#define VMCS_EXECUTIVE_VMCS                     0x200c
#define VMCS_TSC_OFFSET                         0x2010
#define VMCS_VIRTUAL_APIC_ADDR                  0x2012
#define VMCS_EPTP                               0x201a
#define VMCS_GUEST_PHYSICAL_ADDRESS             0x2400
#define VMCS_LINK_POINTER                       0x2800
#define VMCS_GUEST_IA32_DEBUGCTL                0x2802
#define VMCS_GUEST_IA32_PAT                     0x2804
#define VMCS_GUEST_IA32_EFER                    0x2806
#define VMCS_GUEST_PDPTE0                       0x280a
#define VMCS_GUEST_PDPTE1                       0x280c
#define VMCS_GUEST_PDPTE2                       0x280e
#define VMCS_GUEST_PDPTE3                       0x2810
#define VMCS_HOST_IA32_PAT                      0x2c00
#define VMCS_HOST_IA32_EFER                     0x2c02

/* B.3 32-bit fields */
#define VMCS_PIN_BASED_CTLS                     0x4000
#define VMCS_PRI_PROC_BASED_CTLS                0x4002
#define VMCS_EXCEPTION_BITMAP                   0x4004
#define VMCS_PF_ERROR_MASK                      0x4006
#define VMCS_PF_ERROR_MATCH                     0x4008
#define VMCS_CR3_TARGET_COUNT                   0x400a
#define VMCS_EXIT_CTLS                          0x400c
#define VMCS_EXIT_MSR_STORE_COUNT               0x400e
#define VMCS_EXIT_MSR_LOAD_COUNT                0x4010
#define VMCS_ENTRY_CTLS                         0x4012
#define VMCS_ENTRY_MSR_LOAD_COUNT               0x4014
#define VMCS_ENTRY_INTR_INFO                    0x4016
#define VMCS_ENTRY_EXCEPTION_ERROR              0x4018
#define VMCS_ENTRY_INST_LENGTH                  0x401a
#define VMCS_TPR_THRESHOLD                      0x401c
#define VMCS_SEC_PROC_BASED_CTLS                0x401e
#define VMCS_PLE_GAP                            0x4020
#define VMCS_PLE_WINDOW                         0x4022
#define VMCS_INSTRUCTION_ERROR                  0x4400
#define VMCS_EXIT_REASON                        0x4402
#define VMCS_EXIT_INTR_INFO                     0x4404
#define VMCS_EXIT_INTR_ERRCODE                  0x4406
#define VMCS_IDT_VECTORING_INFO                 0x4408
#define VMCS_IDT_VECTORING_ERROR                0x440a
#define VMCS_EXIT_INSTRUCTION_LENGTH            0x440c
#define VMCS_EXIT_INSTRUCTION_INFO              0x440e
#define VMCS_GUEST_ES_LIMIT                     0x4800
#define VMCS_GUEST_CS_LIMIT                     0x4802
#define VMCS_GUEST_SS_LIMIT                     0x4804
#define VMCS_GUEST_DS_LIMIT                     0x4806
#define VMCS_GUEST_FS_LIMIT                     0x4808
#define VMCS_GUEST_GS_LIMIT                     0x480a
#define VMCS_GUEST_LDTR_LIMIT                   0x480c
#define VMCS_GUEST_TR_LIMIT                     0x480e
#define VMCS_GUEST_GDTR_LIMIT                   0x4810
#define VMCS_GUEST_IDTR_LIMIT                   0x4812
#define VMCS_GUEST_ES_ACCESS_RIGHTS             0x4814
#define VMCS_GUEST_CS_ACCESS_RIGHTS             0x4816
#define VMCS_GUEST_SS_ACCESS_RIGHTS             0x4818
#define VMCS_GUEST_DS_ACCESS_RIGHTS             0x481a
#define VMCS_GUEST_FS_ACCESS_RIGHTS             0x481c
#define VMCS_GUEST_GS_ACCESS_RIGHTS             0x481e
#define VMCS_GUEST_LDTR_ACCESS_RIGHTS           0x4820
#define VMCS_GUEST_TR_ACCESS_RIGHTS             0x4822
#define VMCS_GUEST_INTERRUPTIBILITY             0x4824
#define VMCS_GUEST_ACTIVITY                     0x4826
#define VMCS_GUEST_SMBASE                       0x4828
#define VMCS_GUEST_IA32_SYSENTER_CS             0x482a
#define VMCS_PREEMPTION_TIMER_VALUE             0x482e
#define VMCS_HOST_IA32_SYSENTER_CS              0x4c00

/* B.4 natural-width fields */
#define VMCS_CR0_MASK                           0x6000
#define VMCS_CR4_MASK                           0x6002
#define VMCS_CR0_SHADOW                         0x6004
#define VMCS_CR4_SHADOW                         0x6006
#define VMCS_CR3_TARGET0                        0x6008
#define VMCS_CR3_TARGET1                        0x600a
#define VMCS_CR3_TARGET2                        0x600c
#define VMCS_CR3_TARGET3                        0x600e
#define VMCS_EXIT_QUALIFICATION                 0x6400
#define VMCS_IO_RCX                             0x6402
#define VMCS_IO_RSI                             0x6404
#define VMCS_IO_RDI                             0x6406
#define VMCS_IO_RIP                             0x6408
#define VMCS_GUEST_LINEAR_ADDRESS               0x640a
#define VMCS_GUEST_CR0                          0x6800
#define VMCS_GUEST_CR3                          0x6802
#define VMCS_GUEST_CR4                          0x6804
#define VMCS_GUEST_ES_BASE                      0x6806
#define VMCS_GUEST_CS_BASE                      0x6808
#define VMCS_GUEST_SS_BASE                      0x680a
#define VMCS_GUEST_DS_BASE                      0x680c
#define VMCS_GUEST_FS_BASE                      0x680e
#define VMCS_GUEST_GS_BASE                      0x6810
#define VMCS_GUEST_LDTR_BASE                    0x6812
#define VMCS_GUEST_TR_BASE                      0x6814
#define VMCS_GUEST_GDTR_BASE                    0x6816
#define VMCS_GUEST_IDTR_BASE                    0x6818
#define VMCS_GUEST_DR7                          0x681a
#define VMCS_GUEST_RSP                          0x681c
#define VMCS_GUEST_RIP                          0x681e
#define VMCS_GUEST_RFLAGS                       0x6820
#define VMCS_GUEST_PENDING_DBG_EXCEPTIONS       0x6822
#define VMCS_GUEST_IA32_SYSENTER_ESP            0x6824
#define VMCS_GUEST_IA32_SYSENTER_EIP            0x6826
#define VMCS_HOST_CR0                           0x6c00
#define VMCS_HOST_CR3                           0x6c02
#define VMCS_HOST_CR4                           0x6c04
#define VMCS_HOST_FS_BASE                       0x6c06
#define VMCS_HOST_GS_BASE                       0x6c08
#define VMCS_HOST_TR_BASE                       0x6c0a
#define VMCS_HOST_GDTR_BASE                     0x6c0c
#define VMCS_HOST_IDTR_BASE                     0x6c0e
#define VMCS_HOST_IA32_SYSENTER_ESP             0x6c10
#define VMCS_HOST_IA32_SYSENTER_EIP             0x6c12
#define VMCS_HOST_RSP                           0x6c14
#define VMCS_HOST_RIP                           0x6c16

/* Event information: entry, exit and IDT-vectoring (25.8.3, 25.9.2, 25.9.3) */
#define VMCS_INTR_VECTOR                0x000000ffu
#define VMCS_INTR_T_MASK                0x00000700u
#define VMCS_INTR_T_HWINTR              0x00000000u
#define VMCS_INTR_T_RESERVED            0x00000100u
#define VMCS_INTR_T_NMI                 0x00000200u
#define VMCS_INTR_T_HWEXCEPTION         0x00000300u
#define VMCS_INTR_T_SWINTR              0x00000400u
#define VMCS_INTR_T_PRIV_SWEXCEPTION    0x00000500u
#define VMCS_INTR_T_SWEXCEPTION         0x00000600u
#define VMCS_INTR_T_OTHER               0x00000700u
#define VMCS_INTR_DEL_ERRCODE           0x00000800u
#define VMCS_INTR_NMI_UNBLOCK           0x00001000u
#define VMCS_INTR_RESERVED              0x7ffff000u
#define VMCS_INTR_VALID                 0x80000000u

/* Segment access rights (25.4.1) */
#define VMCS_AR_TYPE                    0x0000f
#define VMCS_AR_S                       0x00010
#define VMCS_AR_DPL_SHIFT               5
#define VMCS_AR_P                       0x00080
#define VMCS_AR_L                       0x02000
#define VMCS_AR_DB                      0x04000
#define VMCS_AR_G                       0x08000
#define VMCS_AR_UNUSABLE                0x10000
#define VMCS_AR_RESERVED                0xfffe0f00u

/* Interruptibility and activity (25.4.2) */
#define VMCS_INTERRUPTIBILITY_STI       0x01
#define VMCS_INTERRUPTIBILITY_MOVSS     0x02
#define VMCS_INTERRUPTIBILITY_SMI       0x04
#define VMCS_INTERRUPTIBILITY_NMI       0x08
#define VMCS_INTERRUPTIBILITY_ENCLAVE   0x10
#define VMCS_ACTIVITY_ACTIVE            0
#define VMCS_ACTIVITY_HLT               1
#define VMCS_ACTIVITY_SHUTDOWN          2
#define VMCS_ACTIVITY_WAIT_SIPI         3
#define VMCS_PENDING_DBG_B_MASK         0x000f
#define VMCS_PENDING_DBG_ENABLED_BP     0x1000
#define VMCS_PENDING_DBG_BS             0x4000
#define VMCS_PENDING_DBG_RTM            0x10000

/* Basic exit reasons (appendix C) */
#define EXIT_REASON_EXCEPTION           0
#define EXIT_REASON_EXT_INTR            1
#define EXIT_REASON_TRIPLE_FAULT        2
#define EXIT_REASON_INIT                3
#define EXIT_REASON_SIPI                4
#define EXIT_REASON_INTR_WINDOW         7
#define EXIT_REASON_NMI_WINDOW          8
#define EXIT_REASON_TASK_SWITCH         9
#define EXIT_REASON_CPUID               10
#define EXIT_REASON_GETSEC              11
#define EXIT_REASON_HLT                 12
#define EXIT_REASON_INVD                13
#define EXIT_REASON_INVLPG              14
#define EXIT_REASON_RDPMC               15
#define EXIT_REASON_RDTSC               16
#define EXIT_REASON_VMCALL              18
#define EXIT_REASON_VMCLEAR             19
#define EXIT_REASON_VMLAUNCH            20
#define EXIT_REASON_VMPTRLD             21
#define EXIT_REASON_VMPTRST             22
#define EXIT_REASON_VMREAD              23
#define EXIT_REASON_VMRESUME            24
#define EXIT_REASON_VMWRITE             25
#define EXIT_REASON_VMXOFF              26
#define EXIT_REASON_VMXON               27
#define EXIT_REASON_CR_ACCESS           28
#define EXIT_REASON_DR_ACCESS           29
#define EXIT_REASON_INOUT               30
#define EXIT_REASON_RDMSR               31
#define EXIT_REASON_WRMSR               32
#define EXIT_REASON_ENTRY_GUEST_STATE   33
#define EXIT_REASON_ENTRY_MSR_LOAD      34
#define EXIT_REASON_MWAIT               36
#define EXIT_REASON_MTF                 37
#define EXIT_REASON_MONITOR             39
#define EXIT_REASON_PAUSE               40
#define EXIT_REASON_TPR_BELOW_THRESHOLD 43
#define EXIT_REASON_GDTR_IDTR           46
#define EXIT_REASON_LDTR_TR             47
#define EXIT_REASON_EPT_FAULT           48
#define EXIT_REASON_EPT_MISCONFIG       49
#define EXIT_REASON_INVEPT              50
#define EXIT_REASON_RDTSCP              51
#define EXIT_REASON_VMX_PREEMPT         52
#define EXIT_REASON_INVVPID             53
#define EXIT_REASON_WBINVD              54
#define EXIT_REASON_XSETBV              55
#define EXIT_REASON_RDRAND              57
#define EXIT_REASON_RDSEED              61
#define EXIT_REASON_ENTRY_FAILURE       0x80000000u

/* VM-instruction error numbers (31.4) */
#define VMX_ERR_VMCALL_IN_ROOT          1
#define VMX_ERR_VMCLEAR_ADDRESS         2
#define VMX_ERR_VMCLEAR_VMXON_POINTER   3
#define VMX_ERR_VMLAUNCH_NOT_CLEAR      4
#define VMX_ERR_VMRESUME_NOT_LAUNCHED   5
#define VMX_ERR_ENTRY_CONTROLS          7
#define VMX_ERR_ENTRY_HOST_STATE        8
#define VMX_ERR_VMPTRLD_ADDRESS         9
#define VMX_ERR_VMPTRLD_VMXON_POINTER   10
#define VMX_ERR_VMPTRLD_REVISION        11
#define VMX_ERR_UNSUPPORTED_FIELD       12
#define VMX_ERR_READ_ONLY_FIELD         13
#define VMX_ERR_VMXON_IN_ROOT           15
#define VMX_ERR_ENTRY_MOV_SS            26
#define VMX_ERR_INVALIDATE_OPERAND      28

/* Beside SVM's description of an I/O instruction: the port is an immediate */
#define VMX_IOIO_IMMEDIATE              (1u << 13)

/* VMX-abort indicators (28.7) */
#define VMX_ABORT_SAVE_MSR              1
#define VMX_ABORT_LOAD_MSR              4

#endif
