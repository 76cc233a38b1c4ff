/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A virtio 1.2 device on PCI, modern only.
 *
 * Each device has a thread of its own, which the guest's kicks wake through
 * ioeventfds; the vCPUs' threads only serve the registers. All of a device is
 * guarded by its lock, which the thread holds but for its poll().
 */
#ifndef VMXL_VIRTIO_H
#define VMXL_VIRTIO_H

#include <poll.h>

#include "msix.h"
#include "pci.h"
#include "virtq.h"

#define VIRTIO_NAME_LEN		16	/* with the NUL */
#define VIRTIO_POLL_MAX		64
#define VIRTIO_CONFIG_MAX	128

/* Causes of an interrupt in the ISR (virtio 1.2, section 4.1.4.5) */
#define VIRTIO_ISR_QUEUE	(1u << 0)
#define VIRTIO_ISR_CONFIG	(1u << 1)

struct board;
struct virtio_device;

/**
 * struct virtio_ops - a kind of device; all functions run with its lock held
 * @type: device id (virtio 1.2, chapter 5)
 * @class: PCI class, subclass and interface
 * @nr_queues: how many queues it has
 * @run: there may be something in the queues; only while the guest drives them
 * @reset: give up all chains: on return nothing uses guest memory; may be NULL
 * @poll: fill in what else to wait for, at most VIRTIO_POLL_MAX, and shorten
 *	*@timeout (ms, -1 is none); returns how many; may be NULL
 * @polled: after poll() with what @poll filled in; may be NULL
 * @config_written: the guest writes @size bytes to its configuration, which lie
 *	in it; nothing has changed yet; may be NULL if nothing may
 */
struct virtio_ops {
	u16 type;
	u32 class;
	unsigned int nr_queues;
	void (*run)(struct virtio_device *vd);
	void (*reset)(struct virtio_device *vd);
	unsigned int (*poll)(struct virtio_device *vd, struct pollfd *fds, int *timeout);
	void (*polled)(struct virtio_device *vd, struct pollfd *fds, unsigned int nr);
	void (*config_written)(struct virtio_device *vd, unsigned int offset,
			       unsigned int size, u64 value);
};

/**
 * struct virtio_device - part of a device
 * @name: for messages and the thread
 * @kick_fd: eventfd: the guest has filled a queue
 * @stop_fd: eventfd: the thread is to end
 * @config: the device's own configuration, zero beyond it
 * @generation: how often the device has changed @config (4.1.4.3)
 * @offered: features; @accepted by the guest
 * @status: section 2.1; @isr: section 4.1.4.5
 * @complained: the user was told of a broken queue
 */
struct virtio_device {
	char name[VIRTIO_NAME_LEN];
	const struct virtio_ops *ops;
	const struct guest_ram *ram;
	struct irqchip *irqchip;
	struct pci_device pci;
	struct msix msix;
	u8 access_cap;		/* the capability for access through configuration space */

	pthread_t thread;
	bool has_thread;
	int kick_fd, stop_fd;

	pthread_mutex_t lock;
	u8 config[VIRTIO_CONFIG_MAX];
	u8 generation;
	u64 offered, accepted;
	u32 device_select, driver_select;
	u16 queue_select, config_vector;
	u8 status, isr;
	bool bus_master;
	bool complained;
	struct virtq *queues;
};

int virtio_init(struct virtio_device *vd, const struct virtio_ops *ops, const char *name,
		const struct guest_ram *ram, struct irqchip *irqchip);
void virtio_destroy(struct virtio_device *vd);
int virtio_plug(struct virtio_device *vd, struct pci_bus *pci, unsigned int slot);
void virtio_unplug(struct virtio_device *vd);
int virtio_join(struct virtio_device *vd, const struct board *board);

/* for kinds of devices, with the lock held */
bool virtio_running(const struct virtio_device *vd);
bool virtio_pop(struct virtio_device *vd, unsigned int queue, struct virtq_chain *chain);
void virtio_push(struct virtio_device *vd, unsigned int queue, u16 head, u32 len);
void virtio_interrupt(struct virtio_device *vd, unsigned int queue);
void virtio_config_changed(struct virtio_device *vd);
void virtio_break(struct virtio_device *vd, unsigned int queue, const char *fault);

/* for virtio-pci.c, with the lock held */
void virtio_set_status(struct virtio_device *vd, u8 value);
void virtio_enable_queue(struct virtio_device *vd, unsigned int queue);

/* virtio-pci.c */
int virtio_pci_init(struct virtio_device *vd);
void virtio_pci_signal(struct virtio_device *vd, u16 vector, u8 cause);

#endif /* VMXL_VIRTIO_H */
