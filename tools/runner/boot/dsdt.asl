// SPDX-License-Identifier: GPL-2.0-only
// What cannot be found by probing: the PCI host bridge, the serial port, the
// clock, and how to power off. Numbers agree with devices/*.h and acpi.c.

DefinitionBlock ("dsdt.aml", "DSDT", 2, "VMXLIT", "VMXLDSDT", 0x00000001)
{
	// SLP_TYP 5 in PM1a control powers off.
	Name (\_S5, Package () { 5, 5, 0, 0 })

	Scope (\_SB)
	{
		Device (PCI0)
		{
			Name (_HID, EisaId ("PNP0A03"))
			Name (_UID, 0)
			Name (_BBN, 0)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0xff, 0, 0x100)
				IO (Decode16, 0xcf8, 0xcf8, 1, 8)
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					EntireRange, 0, 0x1000, 0xffff, 0, 0xf000)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0xc0000000, 0xfebfffff, 0, 0x3ec00000)
				QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0x2000000000, 0x3fffffffff, 0, 0x2000000000)
			})

			// INTA of each slot, on pins of the IOAPIC: as devices/pci.h says.
			Name (_PRT, Package ()
			{
				Package () { 0x0001ffff, 0, 0, 17 },
				Package () { 0x0002ffff, 0, 0, 18 },
				Package () { 0x0003ffff, 0, 0, 19 },
				Package () { 0x0004ffff, 0, 0, 20 },
				Package () { 0x0005ffff, 0, 0, 21 },
				Package () { 0x0006ffff, 0, 0, 22 },
				Package () { 0x0007ffff, 0, 0, 23 },
				Package () { 0x0008ffff, 0, 0, 16 },
				Package () { 0x0009ffff, 0, 0, 17 },
				Package () { 0x000affff, 0, 0, 18 },
				Package () { 0x000bffff, 0, 0, 19 },
				Package () { 0x000cffff, 0, 0, 20 },
				Package () { 0x000dffff, 0, 0, 21 },
				Package () { 0x000effff, 0, 0, 22 },
				Package () { 0x000fffff, 0, 0, 23 },
				Package () { 0x0010ffff, 0, 0, 16 },
				Package () { 0x0011ffff, 0, 0, 17 },
				Package () { 0x0012ffff, 0, 0, 18 },
				Package () { 0x0013ffff, 0, 0, 19 },
				Package () { 0x0014ffff, 0, 0, 20 },
				Package () { 0x0015ffff, 0, 0, 21 },
				Package () { 0x0016ffff, 0, 0, 22 },
				Package () { 0x0017ffff, 0, 0, 23 },
				Package () { 0x0018ffff, 0, 0, 16 },
				Package () { 0x0019ffff, 0, 0, 17 },
				Package () { 0x001affff, 0, 0, 18 },
				Package () { 0x001bffff, 0, 0, 19 },
				Package () { 0x001cffff, 0, 0, 20 },
				Package () { 0x001dffff, 0, 0, 21 },
				Package () { 0x001effff, 0, 0, 22 },
				Package () { 0x001fffff, 0, 0, 23 }
			})

			Device (COM1)
			{
				Name (_HID, EisaId ("PNP0501"))
				Name (_UID, 1)
				Name (_DDN, "COM1")
				Name (_STA, 0xf)
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x3f8, 0x3f8, 1, 8)
					IRQNoFlags () { 4 }
				})
			}

			Device (RTC)
			{
				Name (_HID, EisaId ("PNP0B00"))
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x70, 0x70, 1, 2)
				})
			}

			Device (MBRD)
			{
				Name (_HID, EisaId ("PNP0C02"))
				Name (_UID, 0)
				Name (_CRS, ResourceTemplate ()
				{
					IO (Decode16, 0x64, 0x64, 1, 1)
					IO (Decode16, 0xe9, 0xe9, 1, 1)
					IO (Decode16, 0xf4, 0xf4, 1, 4)
					IO (Decode16, 0x600, 0x600, 1, 12)
					Memory32Fixed (ReadWrite, 0xfec00000, 0x1000)
					Memory32Fixed (ReadWrite, 0xfee00000, 0x1000)
				})
			}
		}
	}
}
