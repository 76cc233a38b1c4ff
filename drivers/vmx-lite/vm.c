// SPDX-License-Identifier: GPL-2.0-only
/*
 * A VM: its fd, its vCPUs' fds, and the end of both.
 */
#include <linux/anon_inodes.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <asm/msr.h>

#include "apicv.h"
#include "ioctl.h"
#include "vcpu.h"
#include "vm.h"
#include "vmx.h"
#include "vmx-lite.h"

static atomic_t next_id = ATOMIC_INIT(0);

int vl_vm_suspend(struct vl_vm *vm, u32 how)
{
	struct vl_vcpu *vcpu;
	unsigned int i = 0;

	if (cmpxchg(&vm->suspended, VM_SUSPEND_NONE, how) != VM_SUSPEND_NONE)
		return -EBUSY;
	while ((vcpu = vl_next_vcpu(vm, &i))) {
		vl_request(vcpu, VL_REQ_SUSPEND);
		vl_vcpu_kick(vcpu);
	}
	return 0;
}

/* The VM fd and all vCPU fds are closed: nobody runs, nobody looks. */
static void vm_destroy(struct kref *kref)
{
	struct vl_vm *vm = container_of(kref, struct vl_vm, kref);
	unsigned int i = 0;

	vl_debugfs_remove_vm(vm);
	vl_tsc_remove_vm(vm);
	vl_irqfd_destroy(vm);
	vl_ioeventfd_destroy(vm);
	/* Before the vCPUs: until then a change of user memory asks them to flush. */
	vl_memory_destroy(vm);
	for (i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i])
			vl_vcpu_destroy(vm->vcpus[i]);
	vl_apicv_cleanup(vm);
	mmdrop(vm->mm);
	kfree(vm);
}

static void vm_put(struct vl_vm *vm)
{
	kref_put(&vm->kref, vm_destroy);
}

/* ---- vCPU fd ---- */

static int vcpu_release(struct inode *inode, struct file *file)
{
	struct vl_vcpu *vcpu = file->private_data;

	vm_put(vcpu->vm);
	return 0;
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vl_vcpu *vcpu = file->private_data;

	/* Guest memory is the creator's: nobody else can run or edit the vCPU. */
	if (current->mm != vcpu->vm->mm)
		return -EIO;
	return vl_vcpu_ioctl(vcpu, cmd, arg);
}

static vm_fault_t vcpu_fault(struct vm_fault *vmf)
{
	struct vl_vcpu *vcpu = vmf->vma->vm_file->private_data;

	if (vmf->pgoff >= VL_RUN_SIZE >> PAGE_SHIFT)
		return VM_FAULT_SIGBUS;
	vmf->page = virt_to_page((void *)vcpu->run + (vmf->pgoff << PAGE_SHIFT));
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct vcpu_vm_ops = {
	.fault = vcpu_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (!(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC) ||
	    vma->vm_pgoff + vma_pages(vma) > VL_RUN_SIZE >> PAGE_SHIFT)
		return -EINVAL;
	vma->vm_ops = &vcpu_vm_ops;
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.release = vcpu_release,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.llseek = noop_llseek,
};

/* ---- VM fd ---- */

static long set_memory(void *object, void *arg)
{
	return vl_memory_set(object, arg);
}

static long unset_memory(void *object, void *arg)
{
	return vl_memory_unset(object, arg);
}

static long get_dirty_log(void *object, void *arg)
{
	return vl_memory_dirty_log(object, arg);
}

static long create_vcpu(void *object, void *arg)
{
	struct vl_vm *vm = object;
	const struct vmx_lite_create_vcpu *args = arg;
	struct vl_vcpu *vcpu;
	struct file *file;
	int fd, err;

	if (args->flags || args->id >= VMX_LITE_MAX_VCPUS)
		return -EINVAL;
	if (vm->vcpus[args->id])
		return -EEXIST;
	err = vl_vcpu_create(vm, args->id, &vcpu);
	if (err)
		return err;
	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		err = fd;
		goto destroy;
	}
	file = anon_inode_getfile("vmx-lite-vcpu", &vcpu_fops, vcpu, O_RDWR);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		goto put_fd;
	}
	kref_get(&vm->kref);
	/* Readers without vm->lock see a vCPU that is complete. */
	smp_store_release(&vm->vcpus[args->id], vcpu);
	if (args->id >= vm->nr_vcpus)
		WRITE_ONCE(vm->nr_vcpus, args->id + 1);
	/* Pairs with the cmpxchg() of vl_vm_suspend(): it sees the vCPU, or we see it. */
	smp_mb();
	if (READ_ONCE(vm->suspended))
		vl_request(vcpu, VL_REQ_SUSPEND);
	vl_debugfs_add_vcpu(vcpu);
	/* Last: from here on it may run, and must be seen by vl_vm_flush_ept(). */
	fd_install(fd, file);
	return fd;

put_fd:
	put_unused_fd(fd);
destroy:
	vl_vcpu_destroy(vcpu);
	return err;
}

static long irq_line(void *object, void *arg)
{
	const struct vmx_lite_irq_line *line = arg;

	if (line->gsi >= VMX_LITE_IOAPIC_PINS || line->level > 1)
		return -EINVAL;
	return vl_ioapic_set_line(object, line->gsi, VL_IOAPIC_USER, line->level) < 0 ?
		       -EINVAL : 0;
}

static long signal_msi(void *object, void *arg)
{
	const struct vmx_lite_msi *msi = arg;
	int ret;

	if (msi->pad)
		return -EINVAL;
	ret = vl_irq_msi(object, msi);
	return ret < 0 ? ret : 0;
}

static long irqfd(void *object, void *arg)
{
	return vl_irqfd_ioctl(object, arg);
}

static long ioeventfd(void *object, void *arg)
{
	return vl_ioeventfd_ioctl(object, arg);
}

static long get_ioapic(void *object, void *arg)
{
	return vl_ioapic_get_state(object, arg);
}

static long set_ioapic(void *object, void *arg)
{
	return vl_ioapic_set_state(object, arg);
}

static long suspend(void *object, void *arg)
{
	const struct vmx_lite_suspend *args = arg;

	if (args->pad || args->how == VM_SUSPEND_NONE || args->how > VM_SUSPEND_TRIPLEFAULT)
		return -EINVAL;
	return vl_vm_suspend(object, args->how);
}

/* LOCKED: vm->lock. */
static const struct vl_ioctl vm_ioctls[] = {
	{ VM_SET_MEMORY, VL_IOCTL_LOCKED, set_memory },
	{ VM_UNSET_MEMORY, VL_IOCTL_LOCKED, unset_memory },
	{ VM_GET_DIRTY_LOG, VL_IOCTL_LOCKED, get_dirty_log },
	{ VM_CREATE_VCPU, VL_IOCTL_LOCKED, create_vcpu },
	{ VM_IRQ_LINE, VL_IOCTL_ANY, irq_line },
	{ VM_SIGNAL_MSI, VL_IOCTL_ANY, signal_msi },
	{ VM_IRQFD, VL_IOCTL_ANY, irqfd },
	{ VM_IOEVENTFD, VL_IOCTL_ANY, ioeventfd },
	{ VM_GET_IOAPIC, VL_IOCTL_ANY, get_ioapic },
	{ VM_SET_IOAPIC, VL_IOCTL_ANY, set_ioapic },
	{ VM_SUSPEND, VL_IOCTL_ANY, suspend },
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vl_vm *vm = file->private_data;
	const struct vl_ioctl *ioctl;
	long ret;

	if (current->mm != vm->mm)
		return -EIO;
	ioctl = vl_ioctl_find(vm_ioctls, ARRAY_SIZE(vm_ioctls), cmd);
	if (!ioctl)
		return -ENOTTY;
	if (ioctl->mode == VL_IOCTL_ANY)
		return vl_ioctl_call(ioctl, cmd, arg, vm);
	if (mutex_lock_killable(&vm->lock))
		return -EINTR;
	ret = vl_ioctl_call(ioctl, cmd, arg, vm);
	mutex_unlock(&vm->lock);
	return ret;
}

static int vm_release(struct inode *inode, struct file *file)
{
	vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.release = vm_release,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

/**
 * vl_vm_create_fd() - VMX_LITE_CREATE_VM
 * @args: from user space
 * Context: process.
 * Return: the fd; -EINVAL, -ENOMEM, -EMFILE.
 */
int vl_vm_create_fd(const struct vmx_lite_create_vm *args)
{
	struct vl_vm *vm;
	int err, fd;

	if (args->flags || args->pad || strnlen(args->name, sizeof(args->name)) ==
					sizeof(args->name))
		return -EINVAL;
	vm = kzalloc(sizeof(*vm), GFP_KERNEL_ACCOUNT);
	if (!vm)
		return -ENOMEM;
	kref_init(&vm->kref);
	mutex_init(&vm->lock);
	strscpy(vm->name, args->name, sizeof(vm->name));
	vm->id = atomic_inc_return(&next_id);
	vm->mm = current->mm;
	mmgrab(vm->mm);
	err = vl_memory_init(vm, vl_vmx.features, vl_guest_phys_bits());
	if (err)
		goto free;
	vl_ioapic_init(vm);
	vl_irqfd_init(vm);
	vl_ioeventfd_init(vm);
	vl_tsc_add_vm(vm, rdtsc());
	vl_debugfs_add_vm(vm);

	fd = anon_inode_getfd("vmx-lite-vm", &vm_fops, vm, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		vm_put(vm);
	return fd;

free:
	mmdrop(vm->mm);
	kfree(vm);
	return err;
}
