// SPDX-License-Identifier: GPL-2.0-only
// What cannot be found by probing: the PCI host bridge, the serial port, the
// clock, and how to power off. Numbers agree with devices/*.h and acpi.c.
// With FIRMWARE: for the chipset that firmware knows, which has no ECAM.

DefinitionBlock ("dsdt.aml", "DSDT", 2, "VMXLIT", "VMXLDSDT", 0x00000001)
{
	// SLP_TYP 5 in PM1a control powers off.
	Name (\_S5, Package () { 5, 5, 0, 0 })

	Scope (\_SB)
	{
		Device (PCI0)
		{
#ifdef FIRMWARE
			Name (_HID, EisaId ("PNP0A03"))
#else
			Name (_HID, EisaId ("PNP0A08"))
			Name (_CID, EisaId ("PNP0A03"))
#endif
			Name (_UID, 0)
			Name (_BBN, 0)
			Name (_CRS, ResourceTemplate ()
			{
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0, 0, 1)
				IO (Decode16, 0xcf8, 0xcf8, 1, 8)
#ifdef FIRMWARE
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					EntireRange, 0, 0, 0xcf7, 0, 0xcf8)
#endif
				WordIO (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					EntireRange, 0, 0x1000, 0xffff, 0, 0xf000)
#ifdef FIRMWARE
				// acpi.c moves the start to where firmware puts BARs.
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0xc0000000, 0xfebfffff, 0, 0x3ec00000)
#else
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0xc0000000, 0xfeafffff, 0, 0x3eb00000)
#endif
				QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed,
					NonCacheable, ReadWrite,
					0, 0x2000000000, 0x3fffffffff, 0, 0x2000000000)
			})

			// Slots 1 to 31, four pins each, to pins 16 to 23 of the IOAPIC: as
			// devices/pci.h says. Local1 is slot << 2 | pin.
			Method (_PRT, 0)
			{
				Store (Package (124) {}, Local0)
				Store (4, Local1)
				While (LLess (Local1, 128))
				{
					Store (ShiftRight (Local1, 2), Local2)
					Store (And (Local1, 3), Local3)
					Store (Package (4) { 0, 0, 0, 0 }, Local4)
					Or (ShiftLeft (Local2, 16), 0xffff, Index (Local4, 0))
					Store (Local3, Index (Local4, 1))
					Add (And (Add (Local2, Local3), 7), 16, Index (Local4, 3))
					Store (Local4, Index (Local0, Subtract (Local1, 4)))
					Increment (Local1)
				}
				Return (Local0)
			}

			// Nothing of PCI Express is left to the guest (PCI Firmware Specification
			// 3.0, 4.5.1): there are no ports.
			Method (_OSC, 4)
			{
				CreateDWordField (Arg3, 0, STAT)
				If (LEqual (Arg0, ToUUID ("33db4d5b-1ff7-401c-9657-7441c03dd766")))
				{
					CreateDWordField (Arg3, 8, CTRL)
					If (LNotEqual (CTRL, 0))
					{
						Store (0, CTRL)
						Or (STAT, 0x10, STAT)
					}
				}
				Else
				{
					Or (STAT, 4, STAT)
				}
				Return (Arg3)
			}

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
#ifndef FIRMWARE
					Memory32Fixed (ReadWrite, 0xfeb00000, 0x100000)
#endif
					Memory32Fixed (ReadWrite, 0xfec00000, 0x1000)
					Memory32Fixed (ReadWrite, 0xfee00000, 0x1000)
				})
			}
		}
	}
}
