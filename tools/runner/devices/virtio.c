// SPDX-License-Identifier: GPL-2.0-only
/* A virtio device: its thread, its status (virtio 1.2, section 2.1), its queues. */
#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "peripheral.h"
#include "virtio.h"

#define STATUS_KNOWN	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | \
			 VIRTIO_CONFIG_S_DRIVER_OK | VIRTIO_CONFIG_S_FEATURES_OK | \
			 VIRTIO_CONFIG_S_FAILED)
#define STATUS_STOPPED	(VIRTIO_CONFIG_S_FAILED | VIRTIO_CONFIG_S_NEEDS_RESET)

/**
 * virtio_running() - may the device use its queues?
 * @vd: the device
 *
 * Return: whether the guest's driver is ready, and neither side has given up.
 */
bool virtio_running(const struct virtio_device *vd)
{
	return vd->bus_master && (vd->status & VIRTIO_CONFIG_S_DRIVER_OK) &&
	       !(vd->status & STATUS_STOPPED);
}

/**
 * virtio_break() - the guest broke a rule: the device stops until it is reset
 * @vd: the device
 * @queue: where
 * @fault: what, for the user, who is told of the first only
 *
 * Section 2.1.2: the driver is told by a configuration change.
 */
void virtio_break(struct virtio_device *vd, unsigned int queue, const char *fault)
{
	vd->status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	if (!vd->complained)
		note("%s stops until the guest resets it: queue %u: %s", vd->name, queue,
		     fault);
	vd->complained = true;
	if (vd->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_pci_signal(vd, vd->config_vector, VIRTIO_ISR_CONFIG);
}

/**
 * virtio_config_changed() - tell the guest that @config has changed
 * @vd: the device
 *
 * Section 2.5.2: the guest reads again if the generation differs.
 */
void virtio_config_changed(struct virtio_device *vd)
{
	vd->generation++;
	if (vd->status & VIRTIO_CONFIG_S_DRIVER_OK)
		virtio_pci_signal(vd, vd->config_vector, VIRTIO_ISR_CONFIG);
}

/* What a reset leaves, but for what the kind of device must give up before. */
static void forget(struct virtio_device *vd)
{
	for (unsigned int i = 0; i < vd->ops->nr_queues; i++)
		virtq_reset(&vd->queues[i]);
	vd->status = 0;
	vd->isr = 0;
	vd->accepted = 0;
	vd->device_select = 0;
	vd->driver_select = 0;
	vd->queue_select = 0;
	vd->config_vector = VIRTIO_MSI_NO_VECTOR;
}

static void reset(struct virtio_device *vd)
{
	if (vd->ops->reset)
		vd->ops->reset(vd);
	forget(vd);
	pci_set_intx(&vd->pci, false);
}

/* Section 2.2: what was accepted is offered, and VERSION_1 is among it. */
static bool features_ok(const struct virtio_device *vd)
{
	return !(vd->accepted & ~vd->offered) && (vd->accepted >> VIRTIO_F_VERSION_1 & 1);
}

/**
 * virtio_set_status() - the guest writes the device status
 * @vd: the device, its lock held
 * @value: 0 resets; bits are only ever added
 */
void virtio_set_status(struct virtio_device *vd, u8 value)
{
	u8 new = value & STATUS_KNOWN & ~vd->status;

	if (!value) {
		reset(vd);
		return;
	}
	/* The driver reads the bit back to learn that its features are refused. */
	if ((new & VIRTIO_CONFIG_S_FEATURES_OK) && !features_ok(vd))
		new &= ~VIRTIO_CONFIG_S_FEATURES_OK;
	if (!((vd->status | new) & VIRTIO_CONFIG_S_FEATURES_OK))
		new &= ~VIRTIO_CONFIG_S_DRIVER_OK;
	vd->status |= new;
	if (new & VIRTIO_CONFIG_S_DRIVER_OK)
		eventfd_write(vd->kick_fd, 1);
}

/**
 * virtio_enable_queue() - the guest has set a queue up
 * @vd: the device, its lock held
 * @queue: which, less than nr_queues
 */
void virtio_enable_queue(struct virtio_device *vd, unsigned int queue)
{
	struct virtq *vq = &vd->queues[queue];

	if (vq->enabled || !(vd->status & VIRTIO_CONFIG_S_FEATURES_OK))
		return;
	vq->enabled = true;
	if (virtq_start(vq, vd->ram, vd->accepted))
		virtio_break(vd, queue, vq->fault);
}

/**
 * virtio_pop() - take the next chain of a queue
 * @vd: the device
 * @queue: which
 * @chain: out
 *
 * Return: true with a chain; false if there is none: then the guest's next one
 * comes with a kick.
 */
bool virtio_pop(struct virtio_device *vd, unsigned int queue, struct virtq_chain *chain)
{
	struct virtq *vq = &vd->queues[queue];

	if (!virtio_running(vd))
		return false;
	do {
		if (virtq_pop(vq, chain))
			return true;
		if (vq->fault) {
			virtio_break(vd, queue, vq->fault);
			return false;
		}
	} while (virtq_rearm(vq));
	return false;
}

/**
 * virtio_push() - give a chain back; virtio_interrupt() is to follow
 * @vd: the device
 * @queue: which
 * @head: the chain's
 * @len: bytes written at the beginning of its buffers to write
 */
void virtio_push(struct virtio_device *vd, unsigned int queue, u16 head, u32 len)
{
	virtq_push(&vd->queues[queue], head, len);
}

/**
 * virtio_interrupt() - tell the guest of what was pushed, if it wants to know
 * @vd: the device
 * @queue: which
 */
void virtio_interrupt(struct virtio_device *vd, unsigned int queue)
{
	struct virtq *vq = &vd->queues[queue];

	if (virtq_wants_interrupt(vq))
		virtio_pci_signal(vd, vq->vector, VIRTIO_ISR_QUEUE);
}

static void *device_thread(void *arg)
{
	struct virtio_device *vd = arg;
	struct pollfd fds[2 + VIRTIO_POLL_MAX] = {
		{ .fd = vd->stop_fd, .events = POLLIN },
		{ .fd = vd->kick_fd, .events = POLLIN },
	};
	unsigned int nr = 0;
	eventfd_t count;
	int timeout;

	pthread_mutex_lock(&vd->lock);
	for (;;) {
		timeout = -1;
		if (vd->ops->poll)
			nr = vd->ops->poll(vd, fds + 2, &timeout);
		pthread_mutex_unlock(&vd->lock);
		if (poll(fds, 2 + nr, timeout) < 0 && errno != EINTR)
			fds[0].revents = POLLERR;
		pthread_mutex_lock(&vd->lock);
		if (fds[0].revents)
			break;
		if (fds[1].revents)
			eventfd_read(vd->kick_fd, &count);
		if (vd->ops->polled)
			vd->ops->polled(vd, fds + 2, nr);
		if (virtio_running(vd))
			vd->ops->run(vd);
	}
	pthread_mutex_unlock(&vd->lock);
	return NULL;
}

/**
 * virtio_init() - make a device that is on no bus yet
 * @vd: the device; its kind then adds to @offered and fills in @config
 * @ops: its kind
 * @name: its name, shorter than VIRTIO_NAME_LEN
 * @ram: guest memory
 * @irqchip: interrupts and doorbells
 *
 * Return: 0 or a negative errno; virtio_destroy() is due in any case.
 */
int virtio_init(struct virtio_device *vd, const struct virtio_ops *ops, const char *name,
		const struct guest_ram *ram, struct irqchip *irqchip)
{
	*vd = (struct virtio_device) {
		.ops = ops,
		.ram = ram,
		.irqchip = irqchip,
		.offered = 1ULL << VIRTIO_F_VERSION_1 | 1ULL << VIRTIO_RING_F_EVENT_IDX |
			   1ULL << VIRTIO_RING_F_INDIRECT_DESC,
		.kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
	snprintf(vd->name, sizeof(vd->name), "%s", name);
	pthread_mutex_init(&vd->lock, NULL);
	vd->queues = calloc(ops->nr_queues, sizeof(*vd->queues));
	if (vd->kick_fd < 0 || vd->stop_fd < 0 || !vd->queues)
		return -ENOMEM;
	forget(vd);
	return virtio_pci_init(vd);
}

/**
 * virtio_plug() - put a device on a bus and start its thread
 * @vd: the device
 * @pci: the bus; the guest does not run yet
 * @slot: where
 *
 * Return: 0 or a negative errno.
 */
int virtio_plug(struct virtio_device *vd, struct pci_bus *pci, unsigned int slot)
{
	int ret;

	ret = pci_add(pci, slot, &vd->pci);
	if (ret)
		return ret;
	ret = thread_start(&vd->thread, vd->name, device_thread, vd, NULL);
	vd->has_thread = !ret;
	return ret;
}

/**
 * virtio_join() - virtio_plug() into the first free slot of a machine
 * @vd: the device
 * @board: the machine; the guest does not run yet
 *
 * Return: 0, or a negative errno after a message.
 */
int virtio_join(struct virtio_device *vd, const struct board *board)
{
	int ret = virtio_plug(vd, board->pci, pci_free_slot(board->pci));

	if (ret == -EINVAL)
		return fail(ret, "there are too many PCI devices for %s", vd->name);
	if (ret)
		return fail(ret, "cannot make %s: %s", vd->name, strerror(-ret));
	return 0;
}

/**
 * virtio_unplug() - stop a device: it uses no guest memory afterwards
 * @vd: the device, plugged or not; the guest does not run any more
 */
void virtio_unplug(struct virtio_device *vd)
{
	struct pci_bus *pci = vd->pci.pci;

	if (!pci)
		return;
	if (vd->has_thread) {
		eventfd_write(vd->stop_fd, 1);
		pthread_join(vd->thread, NULL);
		vd->has_thread = false;
	}
	pthread_mutex_lock(&vd->lock);
	reset(vd);
	pthread_mutex_unlock(&vd->lock);
	pci_remove(pci, &vd->pci);
}

/**
 * virtio_destroy() - undo virtio_init(), whether it succeeded or not
 * @vd: the device, unplugged
 */
void virtio_destroy(struct virtio_device *vd)
{
	msix_destroy(&vd->msix);
	if (vd->kick_fd >= 0)
		close(vd->kick_fd);
	if (vd->stop_fd >= 0)
		close(vd->stop_fd);
	free(vd->queues);
	pthread_mutex_destroy(&vd->lock);
}
